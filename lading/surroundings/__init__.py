"""What has to be there before an app can be shipped, as steps: an engine, a base image, a local registry.

Each is loaded when it is first named.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lading.surroundings.base_image import BaseImage
    from lading.surroundings.debian import may_install
    from lading.surroundings.engine import EngineAnswers, EngineEnded
    from lading.surroundings.local_registry import LocalRegistry, LocalRegistryGone

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
    return getattr(import_module(f"lading.surroundings.{_ROOMS[name]}"), name)
