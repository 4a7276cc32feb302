"""Images, history and logs of the engine, as text or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

from seatrial.engine.protocol import Engine
from seatrial.errors import StepFailed, UsageError
from seatrial.model.app import App
from seatrial.model.version import Version
from seatrial.output.tables import history_rows, history_table, image_rows, images_table
from seatrial.pipeline.world import World
from seatrial.settings.settings import Settings
from seatrial.steps.serve.serving import serving_container

__all__ = ["find_image", "log_lines", "show_history", "show_images"]


def show_images(world: World, app: App | None, *, quiet: bool, as_json: bool, now: float) -> str:
    """Return all images, or an app's: a table, JSON, or with `quiet` their ids."""
    images = world.engine.images(app.labels if app else None)
    rows = image_rows(images, now=now)
    if as_json:
        return json.dumps(rows, indent=2)
    return "\n".join(row["ID"] for row in rows) if quiet else images_table(images, now=now)


def show_history(world: World, what: str, *, quiet: bool, as_json: bool, now: float) -> str:
    """Return an image's layers: a table, JSON, or with `quiet` their ids."""
    entries = world.engine.history(what)
    rows = history_rows(entries, now=now)
    if as_json:
        return json.dumps(rows, indent=2)
    return "\n".join(row["ID"] for row in rows) if quiet else history_table(entries, now=now)


def find_image(world: World, settings: Settings, image: str | None, *, app: str | None, version: str | None) -> str:
    """Return the name or id of the image to show; `StepFailed` when there is none."""
    if image is not None:
        if world.engine.image(image) is None:
            raise StepFailed(
                f"there is no image {image}", reason="the engine has no image of that name", hint="invoke images"
            )
        return image
    return world.image_for(settings.app(app), None if version is None else Version.parse(version)).id


def log_lines(engine: Engine, app: App, *, tail: str, follow: bool) -> Iterator[str]:
    """Yield the lines of the running app's log; `StepFailed` when there is no container."""
    if not (tail.isascii() and tail.isdigit()):
        raise UsageError(
            f"{tail!r} is not a valid number of lines", reason="--tail takes a whole number", hint="--tail 100"
        )
    container = serving_container(engine, app)
    if container is None:
        raise StepFailed(f"{app.name} is not running", reason="there is no container to read from", hint="invoke run")
    return engine.logs(container.id, tail=int(tail), follow=follow)
