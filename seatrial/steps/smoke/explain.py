"""A smoke test as docker commands."""

from __future__ import annotations

import shlex

from msgspec.structs import replace

from seatrial.checks.http.response import Expected
from seatrial.engine.docker_words import container_words
from seatrial.engine.model import ContainerSpec, Image
from seatrial.model.app import SMOKE_LABEL, App
from seatrial.model.shell import ShellCommand, Variable, Word, from_environment
from seatrial.pipeline.explanation import IMAGE, remember_image
from seatrial.pipeline.step import Explanation
from seatrial.pipeline.world import World
from seatrial.steps.smoke.curl import curl_checks
from seatrial.steps.smoke.smoke_container import spec_for

__all__ = ["app_container_words", "environment_words", "explain_smoke", "values_needed"]

_CONTAINER: Word = ("", Variable("container"))


def explain_smoke(app: App, image: Image, world: World, *, browser: bool) -> Explanation:
    """Return the smoke test of an image as docker commands and requests by curl."""
    if not app.serves:
        return _explain_commands(app, image, world)
    spec = spec_for(app, image, name="", host_port=0, labels={SMOKE_LABEL: "1"})
    cleanup: tuple[Word, ...] = ("docker", "rm", "--force", "--volumes", _CONTAINER)
    name = f"a container of {image.name}"
    return Explanation(
        commands=(
            remember_image(image),
            ShellCommand(
                argv=("docker", "create", *app_container_words(spec, app, image, world), IMAGE),
                saves="container",
                object=name,
                effect="is created: without rights, read-only, with limits; its port gets a free port of this machine",
                cleanup=cleanup,
                needs=values_needed(app),
            ),
            ShellCommand(argv=("docker", "start", _CONTAINER), object=name, effect="is started"),
            ShellCommand(
                argv=("docker", "port", _CONTAINER, f"{app.port}/tcp"),
                saves="address",
                object=name,
                effect="tells the address where its port is published",
            ),
            *curl_checks(app, Expected.of(image), Variable("address")),
            ShellCommand(argv=cleanup, object=name, effect="is removed, running or not, with its anonymous volumes"),
        ),
        notes=(
            "checks the image itself, too (user, port, secrets …), and asks its HEALTHCHECK",
            *(["opens the page in Chromium"] if browser else []),
            "names the cause of a failure, and keeps the verdict; without it push refuses the image",
        ),
    )


def _explain_commands(app: App, image: Image, world: World) -> Explanation:
    """Return the commands that check an image which serves nothing."""
    expected = Expected.of(image)
    commands = [tuple(expected.with_version(check.command)) for check in app.checks]
    spec = replace(spec_for(app, image, name="", host_port=0, labels={SMOKE_LABEL: "1"}), command=commands[0])
    words: tuple[Word, ...] = ("docker", "run", "--rm", *app_container_words(spec, app, image, world), IMAGE)
    return Explanation(
        commands=(
            remember_image(image),
            *(
                ShellCommand(
                    argv=(*words, *command),
                    object=f"a container of {image.name}",
                    effect=f"runs {shlex.join(command)}, which must exit with 0, and is removed",
                    needs=values_needed(app),
                )
                for command in commands
            ),
        ),
        notes=("checks the image itself, too", "keeps the verdict; without it push refuses the image"),
    )


def app_container_words(spec: ContainerSpec, app: App, image: Image, world: World) -> list[Word]:
    """Return the flags for an app's container; values of its environment are not in them."""
    secret = {name: word for name, (word, _) in _values(app).items()}
    return container_words(spec, image, address=world.engine.published_host, secret=secret)


def environment_words(app: App) -> list[Word]:
    """Return the flags for an app's environment; its values are not in them."""
    words: list[Word] = ["--env", f"PORT={app.port}"]
    return [*words, *(word for value, _ in _values(app).values() for word in ("--env", value))]


def values_needed(app: App) -> tuple[tuple[str, str], ...]:
    """Return the environment variables that give the container its environment."""
    return tuple(
        (variable, f"the value of {name} in the app's environment") for name, (_, variable) in _values(app).items()
    )


def _values(app: App) -> dict[str, tuple[Word, str]]:
    """Return how each value of an app's environment is taken; a build argument may have that name and another value."""
    return {
        name: from_environment(name, taken=app.build.arguments.get(name, value) != value)
        for name, value in app.environment.items()
        if name != "PORT"
    }
