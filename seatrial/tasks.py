"""The tasks people type: from a folder with a web app to a registry."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

from seatrial.cli.build_flags import BuildFlags
from seatrial.cli.command import ask_credential, command, exit_with
from seatrial.cli.flags import help_for
from seatrial.cli.project import find_root
from seatrial.cli.read_tasks import doctor, history, images, inspect, logs, status
from seatrial.cli.run_flags import RunFlags
from seatrial.errors import EngineUnavailable, SeatrialError
from seatrial.settings.settings import Settings
from seatrial.settings.settings_file import SETTINGS_FILE, check_settings_file

__all__ = ["doctor", "history", "images", "inspect", "logs", "ns", "status"]

_BUILD_FLAGS = ("build_arg", "target", "platform", "build_context", "no_cache", "pull")
_PUSH_FLAGS = ("overwrite", "backwards", "untested", "lock_wait")
_REPEATABLE = ["build_arg", "platform", "build_context"]


@task(positional=[], iterable=_REPEATABLE, help=help_for("version", "app", *_BUILD_FLAGS, "check", "json"))
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
    """Build the image of a version, unless it is up to date."""
    with command(c, "build", check=check, json=json) as cmd:
        flags = BuildFlags(
            build_arg=build_arg,
            target=target,
            platform=platform,
            build_context=build_context,
            no_cache=no_cache,
            pull=pull,
        )
        cmd.carry_out(cmd.playbook.build(app=app, version=version, flags=flags))


@task(positional=[], iterable=["env"], help=help_for("version", "app", "port", "env", "memory", "check", "json"))
def run(
    c: Context,
    version: str | None = None,
    app: str | None = None,
    port: str | None = None,
    env: Sequence[str] | None = None,
    memory: str | None = None,
    check: bool = False,
    json: bool = False,
) -> None:
    """Start the app on 127.0.0.1; a new container must pass the checks before it replaces the old one."""
    with command(c, "run", check=check, json=json) as cmd:
        flags = RunFlags(port=port, env=env, memory=memory)
        cmd.carry_out(cmd.playbook.run(app=app, version=version, flags=flags))


@task(positional=[], help=help_for("app", "check", "json"))
def stop(c: Context, app: str | None = None, check: bool = False, json: bool = False) -> None:
    """Stop the app."""
    with command(c, "stop", check=check, json=json) as cmd:
        cmd.carry_out(cmd.playbook.stop(app=app))


@task(positional=[], help=help_for("version", "app", "browser", "url", "junit", "check", "json"))
def smoke(
    c: Context,
    version: str | None = None,
    app: str | None = None,
    browser: bool = False,
    url: str | None = None,
    junit: str | None = None,
    check: bool = False,
    json: bool = False,
) -> None:
    """Run the smoke checks in a fresh container, or against a URL; check the image itself, too."""
    with command(c, "smoke", check=check, json=json) as cmd:
        steps = cmd.playbook.smoke(app=app, version=version, browser=browser, url=url, log=junit is not None)
        cmd.carry_out(steps, junit=junit)


@task(positional=[], help=help_for("user", "registry", "password_stdin", "check", "json"))
def login(
    c: Context,
    user: str | None = None,
    registry: str | None = None,
    password_stdin: bool = False,
    check: bool = False,
    json: bool = False,
) -> None:
    """Log in to a registry; the password is stored as docker login does."""
    with command(c, "login", check=check, json=json) as cmd:
        host = cmd.playbook.registry(registry)
        credential = ask_credential(cmd.playbook.user(user), host, from_stdin=password_stdin)
        cmd.carry_out(cmd.playbook.login(credential, registry=registry))


@task(positional=[], help=help_for("version", "user", "registry", "app", "check", "json"))
def tag(
    c: Context,
    version: str | None = None,
    user: str | None = None,
    registry: str | None = None,
    app: str | None = None,
    check: bool = False,
    json: bool = False,
) -> None:
    """Tag the image for your repository in the registry, with its version and its moving tags."""
    with command(c, "tag", check=check, json=json) as cmd:
        cmd.carry_out(cmd.playbook.tag(app=app, version=version, user=user, registry=registry))


@task(positional=[], help=help_for("version", "user", "registry", "app", *_PUSH_FLAGS, "check", "json"))
def push(
    c: Context,
    version: str | None = None,
    user: str | None = None,
    registry: str | None = None,
    app: str | None = None,
    overwrite: bool = False,
    backwards: bool = False,
    untested: bool = False,
    lock_wait: str = "0",
    check: bool = False,
    json: bool = False,
) -> None:
    """Push an image that passed its smoke test; the registry must confirm its digest."""
    with command(c, "push", check=check, json=json) as cmd:
        overrides = cmd.push_overrides(overwrite=overwrite, backwards=backwards, untested=untested)
        steps = cmd.playbook.push(app=app, version=version, user=user, registry=registry, overrides=overrides)
        cmd.carry_out(steps, lock_wait=lock_wait)


@task(
    positional=[],
    iterable=_REPEATABLE,
    help=help_for("version", "user", "registry", "app", *_PUSH_FLAGS, *_BUILD_FLAGS, "check", "json"),
)
def release(
    c: Context,
    version: str | None = None,
    user: str | None = None,
    registry: str | None = None,
    app: str | None = None,
    overwrite: bool = False,
    backwards: bool = False,
    untested: bool = False,
    lock_wait: str = "0",
    build_arg: Sequence[str] | None = None,
    target: str | None = None,
    platform: Sequence[str] | None = None,
    build_context: Sequence[str] | None = None,
    no_cache: bool = False,
    pull: bool = False,
    check: bool = False,
    json: bool = False,
) -> None:
    """Build, smoke-test, tag and push."""
    with command(c, "release", check=check, json=json) as cmd:
        where = {"user": user, "registry": registry}
        overrides = cmd.push_overrides(overwrite=overwrite, backwards=backwards, untested=untested)
        flags = BuildFlags(
            build_arg=build_arg,
            target=target,
            platform=platform,
            build_context=build_context,
            no_cache=no_cache,
            pull=pull,
        )
        steps = cmd.playbook.release(app=app, version=version, overrides=overrides, flags=flags, **where)
        cmd.carry_out(steps, lock_wait=lock_wait)


@task(positional=[], help=help_for("to", "user", "registry", "app", "lock_wait", "check", "json"))
def rollback(
    c: Context,
    to: str | None = None,
    user: str | None = None,
    registry: str | None = None,
    app: str | None = None,
    lock_wait: str = "0",
    check: bool = False,
    json: bool = False,
) -> None:
    """Point the moving tags back to a published version, without a build."""
    with command(c, "rollback", check=check, json=json) as cmd:
        steps = cmd.playbook.rollback(app=app, to=to, user=user, registry=registry)
        cmd.carry_out(steps, lock_wait=lock_wait)


@task(positional=[], help=help_for("check", "json"))
def up(c: Context, check: bool = False, json: bool = False) -> None:
    """Install or start what is missing: a Docker engine, a base image, a local registry."""
    with command(c, "up", check=check, json=json) as cmd:
        cmd.carry_out(cmd.playbook.up())


@task(positional=[], help=help_for("volumes", "check", "json"))
def down(c: Context, volumes: bool = False, check: bool = False, json: bool = False) -> None:
    """Stop what up and run started: the apps, the local registry, the engine."""
    with command(c, "down", check=check, json=json) as cmd:
        try:
            cmd.world.engine.info()
            answers = True
        except EngineUnavailable:
            answers = False
        cmd.carry_out(cmd.playbook.down(engine_answers=answers, volumes=volumes))


@task(positional=[], help=help_for("version", "app", "port", "overwrite", "check", "json"))
def demo(
    c: Context,
    version: str = "1",
    app: str | None = None,
    port: str | None = None,
    overwrite: bool = False,
    check: bool = False,
    json: bool = False,
) -> None:
    """Try everything locally, without an account: up, release into a local registry, run."""
    with command(c, "demo", check=check, json=json) as cmd:
        overrides = cmd.push_overrides(overwrite=overwrite)
        cmd.carry_out(cmd.playbook.demo(app=app, version=version, port=port, overrides=overrides))


def _preflight() -> None:
    """Check the settings file before Invoke reads it, which hangs on a pipe and shows tracebacks."""
    try:
        check_settings_file(find_root() / SETTINGS_FILE)
    except SeatrialError as error:
        raise exit_with("seatrial", error, check=False, json=False) from error


_preflight()
ns = Collection.from_module(sys.modules[__name__], name="seatrial", config={"seatrial": Settings.defaults()})
