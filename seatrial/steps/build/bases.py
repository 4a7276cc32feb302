"""The base image that the settings choose, and those that other apps of the project are, which are never pulled."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from seatrial.engine.model import Image
from seatrial.errors import StepFailed
from seatrial.model.app import App
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version

__all__ = ["base_argument", "check_needed", "needed_app"]


def base_argument(app: App, version: Version, find: Callable[[ImageReference], Image | None]) -> str | None:
    """Return the base image that the settings name: the first that exists, or that of the first app in `needs`."""
    if images := app.base_images:
        return next((base for base in images if find(base)), images[0]).familiar
    needed = next(iter(app.needed.values()), None)
    return needed.with_tag(str(version)).familiar if needed else None


def needed_app(app: App, base: ImageReference) -> str | None:
    """Return the name of the app in `needs` whose image a base image is, or None."""
    return next((name for name, repository in app.needed.items() if repository.name == base.name), None)


def check_needed(app: App, bases: Iterable[ImageReference], find: Callable[[ImageReference], Image | None]) -> None:
    """Raise `StepFailed` if the image of an app that this one needs is missing: a registry may hold a stranger's."""
    for base in bases if app.needed else ():
        if (needed := needed_app(app, base)) and find(base) is None:
            raise StepFailed(
                f"{app.name} needs {base.familiar}, which is not built",
                reason=f"it is an image of the app {needed}",
                hint=f"invoke build --app {needed} --version {base.tag or 'latest'}",
            )
