"""What has to be there before an app can be shipped, as steps: an engine, a base image, a local registry."""

from lading.surroundings.base_image import BaseImage
from lading.surroundings.debian import may_install
from lading.surroundings.engine import EngineAnswers, EngineEnded
from lading.surroundings.local_registry import LocalRegistry, LocalRegistryGone

__all__ = ["BaseImage", "EngineAnswers", "EngineEnded", "LocalRegistry", "LocalRegistryGone", "may_install"]
