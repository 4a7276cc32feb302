"""What has to be there before an app can be shipped, as steps: an engine, a base image, a local registry.

Each is loaded when it is first named.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seatrial.surroundings.base_image import BaseImage
    from seatrial.surroundings.debian import may_install
    from seatrial.surroundings.engine import EngineAnswers, EngineEnded
    from seatrial.surroundings.local_registry import LocalRegistry, LocalRegistryGone

__all__ = ["BaseImage", "EngineAnswers", "EngineEnded", "LocalRegistry", "LocalRegistryGone", "may_install"]

_ROOMS = {
    "BaseImage": "base_image",
    "EngineAnswers": "engine",
    "EngineEnded": "engine",
    "LocalRegistry": "local_registry",
    "LocalRegistryGone": "local_registry",
    "may_install": "debian",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  whatever step it is
    if name not in _ROOMS:
        raise AttributeError(name)
    return getattr(import_module(f"seatrial.surroundings.{_ROOMS[name]}"), name)
