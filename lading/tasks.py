"""Ship a web app from its folder to a registry: build, run, smoke-test, tag, push."""

from __future__ import annotations

import getpass
import json as json_module
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

from lading.errors import EngineUnavailable, LadingError, UsageError
from lading.playbook import Playbook
from lading.project import find_root
from lading.settings import Settings
from lading.settings_file import SETTINGS_FILE, check_settings_file
from lading.step import Step
from lading.world import World

__all__ = ["ns"]

_HELP = {
    "app": "The app, by its name in the settings; needed only where there are several.",
    "check": "Change nothing; say what would change.",
    "json": "Print one JSON document on standard output, and everything else on standard error.",
    "overwrite": "Put the image over other content that is published under this version.",
    "password_stdin": "Read the password from standard input.",
    "port": "The port on this machine, on 127.0.0.1.",
    "quiet": "Print the ids only.",
    "registry": "The registry, HOST or HOST:PORT; Docker Hub by default.",
    "user": "Your name in the registry; the image becomes NAME/repository.",
    "version": "The version, which becomes the image's tag.",
    "volumes": "Remove what the local registry holds, too.",
    "image": "An image by name or id; by default the one built last.",
    "tail": "How many lines from the end.",
    "follow": "Go on with what is written from now on, until Ctrl-C.",
}


def _help(*names: str) -> dict[str, str]:
    return {name: _HELP[name] for name in names}


@dataclass
class _Command:
    """One task's command while it runs."""

    name: str
    playbook: Playbook
    world: World
    root: Path
    check: bool
    json: bool

    def carry_out(self, steps: Sequence[Step]) -> None:
        """Carry the steps out, show how they come out, and end with the right exit code."""
        from lading.console import Console
        from lading.report import as_json
        from lading.session import carry_out

        console = Console(errors=self.json)
        report = carry_out(self.name, steps, self.world, console, check=self.check)
        if report.error:
            console.error(report.error)
        console.recap(report)
        if self.json:
            _print(as_json(report))
        if report.exit_code:
            raise Exit(code=report.exit_code)


@contextmanager
def _command(c: Context, name: str, *, check: bool = False, json: bool = False) -> Iterator[_Command]:
    """Give a command of this project, and turn what goes wrong into a message and an exit code."""
    from lading.session import open_world, terminable

    check = check or bool(c.config.run.dry)
    try:
        with terminable():
            root = find_root(c.config)
            settings = Settings.load(_plain(c.config.get("lading", {})), root)
            world = open_world(root)
            try:
                yield _Command(name, Playbook(settings=settings), world, root, check, json)
            finally:
                world.engine.close()
    except LadingError as error:
        raise _exit(name, error, check=check, json=json) from error
    except KeyboardInterrupt:
        raise Exit(code=130) from None
    except Exit:
        raise
    except BrokenPipeError:
        raise Exit(code=0) from None
    except Exception as error:
        if logging.getLogger("invoke").isEnabledFor(logging.DEBUG):
            raise
        words = f"{type(error).__name__}: {error}".partition("\n")[0]
        unexpected = LadingError(f"{name} met something unexpected", why=words, mend=f"invoke --debug {name} …")
        raise _exit(name, unexpected, check=check, json=json) from error


def _exit(name: str, error: LadingError, *, check: bool, json: bool) -> Exit:
    """Show an error that came before any step, and give the exit that ends the process."""
    from lading.console import Console
    from lading.pipeline import Report
    from lading.report import as_json

    Console(errors=True).error(error)
    if json:
        _print(as_json(Report(command=name, check=check, error=error)))
    return Exit(code=error.exit_code)


def _plain(value: Any) -> Any:  # noqa: ANN401  whatever YAML holds
    """Give Invoke's configuration as plain Python."""
    if hasattr(value, "items"):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@task(positional=[], help=_help("version", "app", "check", "json"))
def build(c: Context, version: str | None = None, app: str | None = None, check: bool = False, json: bool = False) -> None:
    """Build the image of a version, unless it is made from these very inputs already."""
    with _command(c, "build", check=check, json=json) as command:
        command.carry_out(command.playbook.build(app=app, version=version))


@task(positional=[], help=_help("version", "app", "port", "check", "json"))
def run(c: Context, version: str | None = None, app: str | None = None, port: str | None = None, check: bool = False, json: bool = False) -> None:
    """Serve the app from its image on 127.0.0.1; a new container is proved before the old one goes."""
    with _command(c, "run", check=check, json=json) as command:
        command.carry_out(command.playbook.run(app=app, version=version, port=port))


@task(positional=[], help=_help("app", "check", "json"))
def stop(c: Context, app: str | None = None, check: bool = False, json: bool = False) -> None:
    """Stop serving the app."""
    with _command(c, "stop", check=check, json=json) as command:
        command.carry_out(command.playbook.stop(app=app))


@task(positional=[], help=_help("app", "tail", "follow"))
def logs(c: Context, app: str | None = None, tail: str = "100", follow: bool = False) -> None:
    """Show what the serving app wrote."""
    from lading.listing import log_lines

    with _command(c, "logs") as command:
        for line in log_lines(command.world.engine, command.playbook.settings.app(app), tail=tail, follow=follow):
            _print(line)


@task(positional=[], help=_help("version", "app", "check", "json"))
def smoke(c: Context, version: str | None = None, app: str | None = None, check: bool = False, json: bool = False) -> None:
    """Put the smoke checks to an image in a container of its own, and keep the verdict."""
    with _command(c, "smoke", check=check, json=json) as command:
        command.carry_out(command.playbook.smoke(app=app, version=version))


@task(positional=[], help=_help("user", "registry", "password_stdin", "check", "json"))
def login(c: Context, user: str | None = None, registry: str | None = None, password_stdin: bool = False, check: bool = False, json: bool = False) -> None:
    """Prove your password at the registry and keep it where Docker does."""
    with _command(c, "login", check=check, json=json) as command:
        host = command.playbook.registry(registry)
        credential = _credential(command.playbook.user(user), host, from_stdin=password_stdin)
        command.carry_out(command.playbook.login(credential, registry=registry))


@task(positional=[], help=_help("version", "user", "registry", "app", "check", "json"))
def tag(c: Context, version: str | None = None, user: str | None = None, registry: str | None = None, app: str | None = None, check: bool = False, json: bool = False) -> None:
    """Give the image your name in the registry, with its version and its moving tags."""
    with _command(c, "tag", check=check, json=json) as command:
        command.carry_out(command.playbook.tag(app=app, version=version, user=user, registry=registry))


@task(positional=[], help=_help("version", "user", "registry", "app", "overwrite", "check", "json"))
def push(c: Context, version: str | None = None, user: str | None = None, registry: str | None = None, app: str | None = None, overwrite: bool = False, check: bool = False, json: bool = False) -> None:
    """Push an image that passed its smoke test, and see that the registry holds its digest."""
    with _command(c, "push", check=check, json=json) as command:
        where = {"user": user, "registry": registry}
        command.carry_out(command.playbook.push(app=app, version=version, overwrite=overwrite, **where))


@task(positional=[], help=_help("version", "user", "registry", "app", "overwrite", "check", "json"))
def release(c: Context, version: str | None = None, user: str | None = None, registry: str | None = None, app: str | None = None, overwrite: bool = False, check: bool = False, json: bool = False) -> None:
    """Build, smoke-test, tag and push: the whole road."""
    with _command(c, "release", check=check, json=json) as command:
        where = {"user": user, "registry": registry}
        command.carry_out(command.playbook.release(app=app, version=version, overwrite=overwrite, **where))


@task(positional=[], help=_help("check", "json"))
def up(c: Context, check: bool = False, json: bool = False) -> None:
    """Get what a bare machine lacks: an engine that answers, a base image, a local registry."""
    with _command(c, "up", check=check, json=json) as command:
        command.carry_out(command.playbook.up())


@task(positional=[], help=_help("volumes", "check", "json"))
def down(c: Context, volumes: bool = False, check: bool = False, json: bool = False) -> None:
    """End what up and run started: the apps, the local registry, and an engine that up started."""
    with _command(c, "down", check=check, json=json) as command:
        try:
            command.world.engine.info()
            answers = True
        except EngineUnavailable:
            answers = False
        command.carry_out(command.playbook.down(engine_answers=answers, volumes=volumes))


@task(positional=[], help=_help("version", "app", "port", "check", "json"))
def demo(c: Context, version: str = "1", app: str | None = None, port: str | None = None, check: bool = False, json: bool = False) -> None:
    """Go the whole road on a bare machine without an account: up, release into a local registry, run."""
    with _command(c, "demo", check=check, json=json) as command:
        command.carry_out(command.playbook.demo(app=app, version=version, port=port))


@task(positional=[], help=_help("app", "quiet", "json"))
def images(c: Context, app: str | None = None, quiet: bool = False, json: bool = False) -> None:
    """List the images in the engine, as docker images does; with --app those of an app."""
    from lading.listing import show_images

    with _command(c, "images", json=json) as command:
        target = command.playbook.settings.app(app) if app is not None else None
        _print(show_images(command.world, target, quiet=quiet, as_json=json, now=time.time()))


@task(positional=[], help=_help("image", "version", "app", "quiet", "json"))
def history(c: Context, image: str | None = None, version: str | None = None, app: str | None = None, quiet: bool = False, json: bool = False) -> None:
    """Show the layers an image is made of, as docker history does."""
    from lading.listing import find_image, show_history

    with _command(c, "history", json=json) as command:
        what = find_image(command.world, command.playbook.settings, image, app=app, version=version)
        _print(show_history(command.world, what, quiet=quiet, as_json=json, now=time.time()))


@task(positional=[], help=_help("image", "version", "app"))
def inspect(c: Context, image: str | None = None, version: str | None = None, app: str | None = None) -> None:
    """Show all the engine knows of an image, as docker inspect does: a JSON array."""
    from lading.listing import find_image

    with _command(c, "inspect", json=False) as command:
        what = find_image(command.world, command.playbook.settings, image, app=app, version=version)
        _print(json_module.dumps([command.world.engine.inspect_image(what)], indent=4, ensure_ascii=False))


def _credential(user: str, registry: str, *, from_stdin: bool) -> Any:  # noqa: ANN401  a lazy import's type
    from lading.credentials import Credential, Secret

    if from_stdin:
        password = sys.stdin.read().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = getpass.getpass(f"Password or access token of {user} at {registry}: ")
    else:
        password = ""
    if not password:
        raise UsageError(
            f"no password for {user}",
            why="standard input held none" if from_stdin else "there is no terminal to ask at",
            mend=f"invoke login --user {user} --password-stdin < FILE",
        )
    return Credential(user=user, secret=Secret(password))


def _preflight() -> None:
    """Look at the settings file before Invoke does, which hangs on a pipe and shows a traceback for the rest."""
    try:
        check_settings_file(find_root() / SETTINGS_FILE)
    except LadingError as error:
        raise _exit("lading", error, check=False, json=False) from error


_preflight()
ns = Collection.from_module(sys.modules[__name__], name="lading", config={"lading": Settings.defaults()})
