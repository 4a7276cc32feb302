"""One verb, one file, the task's name: the wishes a pipeline is made of. Each is loaded when it is first named."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lading.steps.build import Build
    from lading.steps.deployed import Deployed
    from lading.steps.login import Login
    from lading.steps.preflight import Preflight
    from lading.steps.push import Push
    from lading.steps.rollback import Rollback
    from lading.steps.run import Run
    from lading.steps.smoke import Smoke
    from lading.steps.stop import Stop
    from lading.steps.tag import Tag

__all__ = ["Build", "Deployed", "Login", "Preflight", "Push", "Rollback", "Run", "Smoke", "Stop", "Tag"]


def __getattr__(name: str) -> Any:  # noqa: ANN401  whatever step it is
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module(f"lading.steps.{name.lower()}"), name)
