"""One verb, one file, the task's name: the wishes a pipeline is made of."""

from lading.steps.build import Build
from lading.steps.login import Login
from lading.steps.push import Push
from lading.steps.run import Run
from lading.steps.smoke import Smoke
from lading.steps.stop import Stop
from lading.steps.tag import Tag

__all__ = ["Build", "Login", "Push", "Run", "Smoke", "Stop", "Tag"]
