"""Ship a web app from its folder to a registry: build, run, smoke-test, tag, push."""

from __future__ import annotations

import json as json_module
import sys
import time
from collections.abc import Sequence

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

from lading.build_flags import BuildFlags
from lading.command_line import ask_credential, command, exit_with, print_out
from lading.errors import EngineUnavailable, LadingError
from lading.project import find_root
from lading.settings import Settings
from lading.settings_file import SETTINGS_FILE, check_settings_file

__all__ = ["ns"]

_HELP = {
    "app": "The app, by its name in the settings; needed only where there are several.",
    "build_arg": "A build argument, NAME=VALUE; may be given several times.",
    "build_context": "An extra context, NAME=FOLDER or NAME=docker-image://IMAGE; may be given several times.",
    "check": "Change nothing; say what would change.",
    "json": "Print one JSON document on standard output, and everything else on standard error.",
    "no_cache": "Build anew, without the engine's build cache.",
    "overwrite": "Put the image over other content that is published under this version.",
    "password_stdin": "Read the password from standard input.",
    "platform": "Build for this platform, such as linux/arm64; several need docker buildx.",
    "port": "The port on this machine, on 127.0.0.1.",
    "pull": "Look for newer base images in their registries first.",
    "quiet": "Print the ids only.",
    "registry": "The registry, HOST or HOST:PORT; Docker Hub by default.",
    "target": "The stage of the Dockerfile to build; the last by default.",
    "user": "Your name in the registry; the image becomes NAME/repository.",
    "version": "The version, which becomes the image's tag.",
    "volumes": "Remove what the local registry holds, too.",
    "image": "An image by name or id; by default the one built last.",
    "tail": "How many lines from the end.",
    "follow": "Go on with what is written from now on, until Ctrl-C.",
}


def _help(*names: str) -> dict[str, str]:
    return {name: _HELP[name] for name in names}


_BUILD_FLAGS = ("build_arg", "target", "platform", "build_context", "no_cache", "pull")
_SEVERAL = ["build_arg", "platform", "build_context"]


@task(positional=[], iterable=_SEVERAL, help=_help("version", "app", *_BUILD_FLAGS, "check", "json"))
def build(
    c: Context,
    version: str | None = None,
    app: str | None = None,
    build_arg: Sequence[str] | None = None,
    target: str | None = None,
    platform: Sequence[str] | None = None,
    build_context: Sequence[str] | None = None,
    no_cache: bool = False,
    pull: bool = False,
    check: bool = False,
    json: bool = False,
) -> None:
    """Build the image of a version, unless it is made from these very inputs already."""
    with command(c, "build", check=check, json=json) as now:
        flags = BuildFlags(
            build_arg=build_arg,
            target=target,
            platform=platform,
            build_context=build_context,
            no_cache=no_cache,
            pull=pull,
        )
        now.carry_out(now.playbook.build(app=app, version=version, flags=flags))


@task(positional=[], help=_help("version", "app", "port", "check", "json"))
def run(
    c: Context,
    version: str | None = None,
    app: str | None = None,
    port: str | None = None,
    check: bool = False,
    json: bool = False,
) -> None:
    """Serve the app from its image on 127.0.0.1; a new container is proved before the old one goes."""
    with command(c, "run", check=check, json=json) as now:
        now.carry_out(now.playbook.run(app=app, version=version, port=port))


@task(positional=[], help=_help("app", "check", "json"))
def stop(c: Context, app: str | None = None, check: bool = False, json: bool = False) -> None:
    """Stop serving the app."""
    with command(c, "stop", check=check, json=json) as now:
        now.carry_out(now.playbook.stop(app=app))


@task(positional=[], help=_help("app", "tail", "follow"))
def logs(c: Context, app: str | None = None, tail: str = "100", follow: bool = False) -> None:
    """Show what the serving app wrote."""
    from lading.listing import log_lines

    with command(c, "logs") as now:
        for line in log_lines(now.world.engine, now.playbook.settings.app(app), tail=tail, follow=follow):
            print_out(line)


@task(positional=[], help=_help("version", "app", "check", "json"))
def smoke(
    c: Context, version: str | None = None, app: str | None = None, check: bool = False, json: bool = False
) -> None:
    """Put the smoke checks to an image in a container of its own, and keep the verdict."""
    with command(c, "smoke", check=check, json=json) as now:
        now.carry_out(now.playbook.smoke(app=app, version=version))


@task(positional=[], help=_help("user", "registry", "password_stdin", "check", "json"))
def login(
    c: Context,
    user: str | None = None,
    registry: str | None = None,
    password_stdin: bool = False,
    check: bool = False,
    json: bool = False,
) -> None:
    """Prove your password at the registry and keep it where Docker does."""
    with command(c, "login", check=check, json=json) as now:
        host = now.playbook.registry(registry)
        credential = ask_credential(now.playbook.user(user), host, from_stdin=password_stdin)
        now.carry_out(now.playbook.login(credential, registry=registry))


@task(positional=[], help=_help("version", "user", "registry", "app", "check", "json"))
def tag(
    c: Context,
    version: str | None = None,
    user: str | None = None,
    registry: str | None = None,
    app: str | None = None,
    check: bool = False,
    json: bool = False,
) -> None:
    """Give the image your name in the registry, with its version and its moving tags."""
    with command(c, "tag", check=check, json=json) as now:
        now.carry_out(now.playbook.tag(app=app, version=version, user=user, registry=registry))


@task(positional=[], help=_help("version", "user", "registry", "app", "overwrite", "check", "json"))
def push(
    c: Context,
    version: str | None = None,
    user: str | None = None,
    registry: str | None = None,
    app: str | None = None,
    overwrite: bool = False,
    check: bool = False,
    json: bool = False,
) -> None:
    """Push an image that passed its smoke test, and see that the registry holds its digest."""
    with command(c, "push", check=check, json=json) as now:
        where = {"user": user, "registry": registry}
        now.carry_out(now.playbook.push(app=app, version=version, overwrite=overwrite, **where))


@task(
    positional=[],
    iterable=_SEVERAL,
    help=_help("version", "user", "registry", "app", "overwrite", *_BUILD_FLAGS, "check", "json"),
)
def release(
    c: Context,
    version: str | None = None,
    user: str | None = None,
    registry: str | None = None,
    app: str | None = None,
    overwrite: bool = False,
    build_arg: Sequence[str] | None = None,
    target: str | None = None,
    platform: Sequence[str] | None = None,
    build_context: Sequence[str] | None = None,
    no_cache: bool = False,
    pull: bool = False,
    check: bool = False,
    json: bool = False,
) -> None:
    """Build, smoke-test, tag and push: the whole road."""
    with command(c, "release", check=check, json=json) as now:
        where = {"user": user, "registry": registry}
        flags = BuildFlags(
            build_arg=build_arg,
            target=target,
            platform=platform,
            build_context=build_context,
            no_cache=no_cache,
            pull=pull,
        )
        now.carry_out(now.playbook.release(app=app, version=version, overwrite=overwrite, flags=flags, **where))


@task(positional=[], help=_help("check", "json"))
def up(c: Context, check: bool = False, json: bool = False) -> None:
    """Get what a bare machine lacks: an engine that answers, a base image, a local registry."""
    with command(c, "up", check=check, json=json) as now:
        now.carry_out(now.playbook.up())


@task(positional=[], help=_help("volumes", "check", "json"))
def down(c: Context, volumes: bool = False, check: bool = False, json: bool = False) -> None:
    """End what up and run started: the apps, the local registry, and an engine that up started."""
    with command(c, "down", check=check, json=json) as now:
        try:
            now.world.engine.info()
            answers = True
        except EngineUnavailable:
            answers = False
        now.carry_out(now.playbook.down(engine_answers=answers, volumes=volumes))


@task(positional=[], help=_help("version", "app", "port", "overwrite", "check", "json"))
def demo(
    c: Context,
    version: str = "1",
    app: str | None = None,
    port: str | None = None,
    overwrite: bool = False,
    check: bool = False,
    json: bool = False,
) -> None:
    """Go the whole road on a bare machine without an account: up, release into a local registry, run."""
    with command(c, "demo", check=check, json=json) as now:
        now.carry_out(now.playbook.demo(app=app, version=version, port=port, overwrite=overwrite))


@task(positional=[], help=_help("app", "quiet", "json"))
def images(c: Context, app: str | None = None, quiet: bool = False, json: bool = False) -> None:
    """List the images in the engine, as docker images does; with --app those of an app."""
    from lading.listing import show_images

    with command(c, "images", json=json) as now:
        target = now.playbook.settings.app(app) if app is not None else None
        print_out(show_images(now.world, target, quiet=quiet, as_json=json, now=time.time()))


@task(positional=[], help=_help("image", "version", "app", "quiet", "json"))
def history(
    c: Context,
    image: str | None = None,
    version: str | None = None,
    app: str | None = None,
    quiet: bool = False,
    json: bool = False,
) -> None:
    """Show the layers an image is made of, as docker history does."""
    from lading.listing import find_image, show_history

    with command(c, "history", json=json) as now:
        what = find_image(now.world, now.playbook.settings, image, app=app, version=version)
        print_out(show_history(now.world, what, quiet=quiet, as_json=json, now=time.time()))


@task(positional=[], help=_help("image", "version", "app", "json"))
def inspect(
    c: Context,
    image: str | None = None,
    version: str | None = None,
    app: str | None = None,
    json: bool = False,
) -> None:
    """Show all the engine knows of an image, as docker inspect does: a JSON array."""
    from lading.listing import find_image

    with command(c, "inspect", json=json) as now:
        what = find_image(now.world, now.playbook.settings, image, app=app, version=version)
        print_out(json_module.dumps([now.world.engine.inspect_image(what)], indent=4, ensure_ascii=False))


def _preflight() -> None:
    """Look at the settings file before Invoke does, which hangs on a pipe and shows a traceback for the rest."""
    try:
        check_settings_file(find_root() / SETTINGS_FILE)
    except LadingError as error:
        raise exit_with("lading", error, check=False, json=False) from error


_preflight()
ns = Collection.from_module(sys.modules[__name__], name="lading", config={"lading": Settings.defaults()})
