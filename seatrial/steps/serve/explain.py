"""The start and the end of the app's container as docker commands."""

from __future__ import annotations

import math

from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.response import Expected
from seatrial.engine.model import Image
from seatrial.model.app import App
from seatrial.model.shell import ShellCommand, Variable, Word
from seatrial.pipeline.explanation import IMAGE, remember_image
from seatrial.pipeline.step import Explanation
from seatrial.pipeline.world import World
from seatrial.steps.serve.serving import SERVING_LABELS
from seatrial.steps.smoke.curl import curl_checks
from seatrial.steps.smoke.explain import app_container_words, values_needed
from seatrial.steps.smoke.smoke_container import spec_for

__all__ = ["end_commands", "explain_run"]

_OLD: Word = ("", Variable("old"))


def explain_run(app: App, image: Image, world: World, *, labels: dict[str, str]) -> Explanation:
    """Return the start of the app's container, in the place of the one that serves now, as docker commands."""
    spec = spec_for(
        app,
        image,
        name=app.container_name,
        host_port=app.host_port,
        labels={**labels, **SERVING_LABELS},
        keep=True,
    )
    host = world.engine.published_host
    base_url = BaseUrl(host=host, port=app.host_port, scheme=app.checks[0].scheme)
    words = app_container_words(spec, app, image, world)
    return Explanation(
        commands=(
            remember_image(image),
            *end_commands(app),
            ShellCommand(
                argv=("docker", "run", "--detach", "--name", app.container_name, *words, IMAGE),
                object=f"container {app.container_name}",
                effect=f"is created from {image.name} and started: without rights, read-only, with limits; "
                f"it serves port {app.port} at {host}:{app.host_port}",
                needs=values_needed(app),
            ),
            *curl_checks(app, Expected.of(image), base_url),
        ),
        notes=(
            "replaces the container only if image or options differ, and if the image has passed its checks beside it",
            "starts the old container again if the new one fails",
            *(["labels the container with digests of its environment, too"] if app.environment else []),
        ),
    )


def end_commands(app: App) -> tuple[ShellCommand, ...]:
    """Return the commands that stop and remove the app's container, if there is one."""
    name = f"container {app.container_name}"
    labels = {**app.labels, **SERVING_LABELS}
    filters = [f"name=^/{app.container_name}$", *(f"label={key}={value}" for key, value in labels.items())]
    absent: tuple[Word, ...] = ("test", "-z", _OLD)
    return (
        ShellCommand(
            argv=("docker", "ps", "--all", "--quiet", *(word for one in filters for word in ("--filter", one))),
            saves="old",
            object=name,
            effect="is looked for, by its name and this project's labels",
        ),
        ShellCommand(
            argv=("docker", "stop", "-t", str(math.ceil(app.stop_grace)), _OLD),
            unless=absent,
            object=name,
            effect=f"is stopped, if there is one: it gets {app.stop_grace:g} s to finish its requests",
        ),
        ShellCommand(
            argv=("docker", "rm", "--volumes", _OLD),
            unless=absent,
            object=name,
            effect="is removed, with its anonymous volumes",
        ),
    )
