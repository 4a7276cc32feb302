"""One verb, one file, the task's name: the wishes a pipeline is made of. Each is loaded when it is first named."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seatrial.steps.build import Build
    from seatrial.steps.deployed import Deployed
    from seatrial.steps.login import Login
    from seatrial.steps.preflight import Preflight
    from seatrial.steps.push import Push
    from seatrial.steps.rollback import Rollback
    from seatrial.steps.run import Run
    from seatrial.steps.smoke import Smoke
    from seatrial.steps.stop import Stop
    from seatrial.steps.tag import Tag

__all__ = ["Build", "Deployed", "Login", "Preflight", "Push", "Rollback", "Run", "Smoke", "Stop", "Tag"]


def __getattr__(name: str) -> Any:  # noqa: ANN401  whatever step it is
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module(f"seatrial.steps.{name.lower()}"), name)
