"""The project's apps, and the engine's images, history and logs, as text or JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence

from seatrial.engine.protocol import Engine
from seatrial.errors import StepFailed, UsageError
from seatrial.model.app import App
from seatrial.model.version import Version
from seatrial.output.documents import AppDocument, AppsDocument, as_text
from seatrial.output.tables import history_rows, history_table, image_rows, images_table, table
from seatrial.pipeline.world import World
from seatrial.settings.settings import Settings
from seatrial.steps.serve.serving import serving_container

__all__ = ["find_image", "log_lines", "show_apps", "show_history", "show_images"]


def show_apps(settings: Settings, *, quiet: bool, as_json: bool) -> str:
    """Return the project's apps: a table, JSON, or with `quiet` their names."""
    apps = tuple(
        AppDocument(
            name=app.name,
            context=os.path.relpath(app.context, app.root),
            dockerfile=os.path.relpath(app.dockerfile, app.root),
            repository=app.repository.name,
            port=app.port,
            host_port=app.host_port,
        )
        for app in settings.apps.values()
    )
    if as_json:
        return as_text(AppsDocument(apps=apps))
    if quiet:
        return "\n".join(one.name for one in apps)
    lines = [(one.name, one.context, one.dockerfile, one.repository, str(one.host_port)) for one in apps]
    return table(("APP", "CONTEXT", "DOCKERFILE", "REPOSITORY", "HOST PORT"), lines)


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


def find_image(
    world: World, settings: Settings, image: str | None, *, app: Sequence[str] | None, version: Version | None
) -> str:
    """Return the name or id of the image to show; `StepFailed` when there is none."""
    if image is not None:
        if world.engine.image(image) is None:
            raise StepFailed(
                f"there is no image {image}", reason="the engine has no image of that name", hint="invoke images"
            )
        return image
    return world.image_for(settings.app(app), version).id


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
