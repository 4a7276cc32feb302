"""The tasks that only look: logs, apps, images, history, inspect, layers, status, report, doctor."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

from invoke.exceptions import Exit

from seatrial.cli.command import Command, exit_with
from seatrial.cli.flags import (
    AppFlag,
    FileFlag,
    ImageFlags,
    LayersFlags,
    LogFlags,
    NamedImageFlags,
    QuietFlag,
    RegistryFlags,
    ReplicasFlag,
    UntestedFlag,
)
from seatrial.cli.task import task
from seatrial.host.streams import is_lost

if TYPE_CHECKING:
    from seatrial.output.layers.picture import PictureFile

__all__ = ["apps", "doctor", "history", "images", "inspect", "layers", "logs", "manifest", "report", "status"]


@task(AppFlag, LogFlags, check=False, json=False, examples=("invoke logs --follow", "invoke logs --tail 20"))
def logs(cmd: Command, which: AppFlag, flags: LogFlags) -> None:
    """Show the running app's log."""
    from seatrial.output.listing import log_lines

    app = cmd.playbook.settings.app(which.app)
    for line in log_lines(cmd.world.engine, app, tail=flags.tail, follow=flags.follow):
        cmd.show(line, is_json=False)
        if is_lost():  # nobody reads on
            break


@task(QuietFlag, check=False, examples=("invoke apps", "invoke apps --json  # for a matrix in CI"))
def apps(cmd: Command, flags: QuietFlag) -> None:
    """List the apps of the project."""
    from seatrial.output.listing import show_apps

    cmd.show(show_apps(cmd.playbook.settings, quiet=flags.quiet, as_json=cmd.json), is_json=cmd.json)


@task(AppFlag, QuietFlag, check=False, examples=("invoke images", "invoke images --app web --quiet"))
def images(cmd: Command, which: AppFlag, flags: QuietFlag) -> None:
    """List images, as docker images does; with --app only those of one app."""
    from seatrial.output.listing import show_images

    app = cmd.playbook.settings.app(which.app) if which.app else None
    text = show_images(cmd.world, app, quiet=flags.quiet, as_json=cmd.json, now=time.time())
    cmd.show(text, is_json=cmd.json)


@task(NamedImageFlags, QuietFlag, check=False, examples=("invoke history", "invoke history --image python:3.13-slim"))
def history(cmd: Command, image: NamedImageFlags, flags: QuietFlag) -> None:
    """Show the layers of an image, as docker history does."""
    from seatrial.output.listing import show_history

    found = _find_image(cmd, image)
    text = show_history(cmd.world, found, quiet=flags.quiet, as_json=cmd.json, now=time.time())
    cmd.show(text, is_json=cmd.json)


@task(
    NamedImageFlags,
    RegistryFlags,
    LayersFlags,
    check=False,
    examples=("invoke layers --version 2 --against 1", "invoke layers --all --output layers.html"),
)
def layers(cmd: Command, image: NamedImageFlags, where: RegistryFlags, flags: LayersFlags) -> None:
    """Show an image's layers beside another version's: what they share, and what a push and a pull move."""
    from seatrial.cli.layer_views import layers_view, sharing_view
    from seatrial.output.layers.document import as_json

    settings = cmd.playbook.settings
    picture = _picture(flags.output, check=cmd.check) if flags.output is not None else None
    view = (
        sharing_view(cmd.world, settings.app(image.app) if image.app else None)
        if flags.all
        else layers_view(cmd.world, cmd.playbook, image, where, against=flags.against)
    )
    if picture and not cmd.check:
        picture.write(view)
        cmd.world.state.save_report(picture.path)
    if cmd.json:
        cmd.show(as_json(view), is_json=True)
    elif picture:
        cmd.show(f"{'would write' if cmd.check else 'wrote'} {picture.path}", is_json=False)
    else:
        from seatrial.output.layers.text import as_text

        cmd.show(as_text(view), is_json=False)


@task(NamedImageFlags, check=False, examples=("invoke inspect", "invoke inspect --version 1.4.2"))
def inspect(cmd: Command, image: NamedImageFlags) -> None:
    """Show everything the engine knows about an image as JSON, as docker inspect does."""
    found = cmd.world.engine.inspect_image(_find_image(cmd, image))
    cmd.show(json.dumps([found], indent=4, ensure_ascii=False), is_json=True)


@task(
    AppFlag,
    RegistryFlags,
    check=False,
    examples=("invoke status --user sposigor", "invoke status --user sposigor --registry localhost:5050 --json"),
)
def status(cmd: Command, which: AppFlag, where: RegistryFlags) -> None:
    """Compare ledger, engine and registry, tag by tag."""
    from seatrial.output.release_status import release_status, show_statuses

    found = [
        release_status(cmd.world, app, cmd.playbook.known_destination(app, where, cmd.world.ledger))
        for app in cmd.playbook.settings.chosen(which.app)
    ]
    failed = next((one for one in found if one.problem), None)
    error = failed.problem if failed else None
    cmd.show(show_statuses(found, as_json=cmd.json, call=cmd.call), is_json=cmd.json, error=error)
    if failed and error:
        call = cmd.call.about(failed.app if len(found) > 1 else "")
        raise exit_with(call, error, check=False, chain=None)


@task(
    ImageFlags,
    RegistryFlags,
    ReplicasFlag,
    UntestedFlag,
    check=False,
    json=False,
    examples=(
        "invoke manifest --user sposigor --version 1.4.2",
        "invoke manifest --version 1.4.2 --replicas 2  # pipe it into kubectl diff -f -",
    ),
)
def manifest(cmd: Command, image: ImageFlags, where: RegistryFlags, count: ReplicasFlag, flags: UntestedFlag) -> None:
    """Print a published version as a Deployment and a Service for Kubernetes."""
    from seatrial.cli.deploy_steps import replicas_of
    from seatrial.cli.numbers import typed_version

    chosen = cmd.chosen(image, {"--replicas": count.replicas}, serves=True)
    apps, replicas = [cmd.playbook.settings.deployed([one.name]) for one in chosen], replicas_of(count)
    version = typed_version(image)
    destinations = [cmd.playbook.destination(one, where) for one in chosen]
    from seatrial.output.manifest import show_manifest

    untested = flags.untested
    shown = [
        show_manifest(cmd.world, app, destination, version, replicas=replicas, untested=untested)
        for app, destination in zip(apps, destinations, strict=True)
    ]
    for _, warning in shown:
        if warning:
            sys.stderr.write(f"warning: {warning}\n")
    cmd.show("\n---\n".join(text for text, _ in shown), is_json=False)


@task(
    ImageFlags,
    FileFlag,
    check=False,
    examples=(
        "invoke report  # about the last run that published",
        "invoke report --version 1.4.2 --output 1.4.2.html",
    ),
)
def report(cmd: Command, image: ImageFlags, flags: FileFlag) -> None:
    """Write a page about the last release, push or rollback, or about that of a version, to .seatrial/report.html."""
    from seatrial.cli.report_files import find_runs, page
    from seatrial.output.documents import as_text
    from seatrial.output.report_file import ReportFile

    default = cmd.world.state.folder / "report.html"
    file = ReportFile(str(default) if flags.output is None else flags.output, flag="--output", example="report.html")
    document = find_runs(cmd.world, cmd.playbook.settings.chosen(image.app), image.version)
    file.write(page(document, cmd.world))
    if flags.output:
        cmd.world.state.save_report(file.path)
    cmd.show(as_text(document) if cmd.json else f"wrote {file.path}", is_json=cmd.json)


@task(AppFlag, check=False, examples=("invoke doctor", "invoke doctor --json"))
def doctor(cmd: Command, which: AppFlag) -> None:
    """Look for problems with engine, disk, port, login, Dockerfile, build context and git."""
    from seatrial.doctor.doctor import findings
    from seatrial.doctor.findings import Subject, as_error
    from seatrial.output.findings import as_document, as_lines
    from seatrial.settings.variables import environment

    settings = cmd.playbook.settings
    chosen = settings.chosen(which.app)
    found = findings(Subject(world=cmd.world, settings=settings, apps=chosen, environment=environment()))
    problem = as_error(found)
    cmd.show(as_document(found, cmd.call) if cmd.json else as_lines(found, cmd.call), is_json=cmd.json, error=problem)
    if problem:
        raise Exit(code=problem.exit_code)


def _find_image(cmd: Command, image: NamedImageFlags) -> str:
    from seatrial.cli.numbers import typed_version
    from seatrial.output.listing import find_image

    return find_image(cmd.world, cmd.playbook.settings, image.image, app=image.app, version=typed_version(image))


def _picture(name: str, *, check: bool) -> PictureFile:
    from seatrial.output.layers.picture import PictureFile

    return PictureFile(name, check=check)
