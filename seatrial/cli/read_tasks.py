"""The read-only tasks: logs, images, history, inspect, status, doctor."""

from __future__ import annotations

import json as json_module
import time

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

from seatrial.cli.command import command, exit_with, print_out
from seatrial.cli.flags import help_for

__all__ = ["doctor", "history", "images", "inspect", "logs", "status"]


@task(positional=[], help=help_for("app", "tail", "follow"))
def logs(c: Context, app: str | None = None, tail: str = "100", follow: bool = False) -> None:
    """Show the running app's log."""
    from seatrial.output.listing import log_lines

    with command(c, "logs") as cmd:
        for line in log_lines(cmd.world.engine, cmd.playbook.settings.app(app), tail=tail, follow=follow):
            print_out(line)


@task(positional=[], help=help_for("app", "quiet", "json"))
def images(c: Context, app: str | None = None, quiet: bool = False, json: bool = False) -> None:
    """List images, as docker images does; with --app those of one app."""
    from seatrial.output.listing import show_images

    with command(c, "images", json=json) as cmd:
        target = cmd.playbook.settings.app(app) if app is not None else None
        print_out(show_images(cmd.world, target, quiet=quiet, as_json=json, now=time.time()))


@task(positional=[], help=help_for("image", "version", "app", "quiet", "json"))
def history(
    c: Context,
    image: str | None = None,
    version: str | None = None,
    app: str | None = None,
    quiet: bool = False,
    json: bool = False,
) -> None:
    """Show the layers of an image, as docker history does."""
    from seatrial.output.listing import find_image, show_history

    with command(c, "history", json=json) as cmd:
        what = find_image(cmd.world, cmd.playbook.settings, image, app=app, version=version)
        print_out(show_history(cmd.world, what, quiet=quiet, as_json=json, now=time.time()))


@task(positional=[], help=help_for("image", "version", "app", "json"))
def inspect(
    c: Context,
    image: str | None = None,
    version: str | None = None,
    app: str | None = None,
    json: bool = False,
) -> None:
    """Show all the engine knows of an image as JSON, as docker inspect does."""
    from seatrial.output.listing import find_image

    with command(c, "inspect", json=json) as cmd:
        what = find_image(cmd.world, cmd.playbook.settings, image, app=app, version=version)
        print_out(json_module.dumps([cmd.world.engine.inspect_image(what)], indent=4, ensure_ascii=False))


@task(positional=[], help=help_for("user", "registry", "app", "json"))
def status(
    c: Context,
    user: str | None = None,
    registry: str | None = None,
    app: str | None = None,
    json: bool = False,
) -> None:
    """Compare ledger, engine and registry, tag by tag."""
    from seatrial.output.release_status import show_status

    with command(c, "status", json=json) as cmd:
        target = cmd.playbook.settings.app(app)
        text, trouble = show_status(cmd.world, cmd.playbook.destination(target, user, registry), as_json=json)
        print_out(text)
        if trouble:
            raise exit_with("status", trouble, check=False, json=False)


@task(positional=[], help=help_for("app", "json"))
def doctor(c: Context, app: str | None = None, json: bool = False) -> None:
    """Check engine, disk, port, login, Dockerfile, build context and git before work."""
    from seatrial.doctor.doctor import findings
    from seatrial.doctor.findings import Subject, as_document, as_lines, exit_code
    from seatrial.settings.settings import environment

    with command(c, "doctor", json=json) as cmd:
        started, settings = environment(), cmd.playbook.settings
        if app is not None:
            settings.app(app)
        found = findings(Subject(world=cmd.world, settings=settings, app=app, environment=started))
        print_out(as_document(found, started.command) if json else as_lines(found, started.command))
        if code := exit_code(found):
            raise Exit(code=code)
