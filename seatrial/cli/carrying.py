"""Carry out a command's steps, of one app or of several at once, and show what came of them."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from seatrial.cli.flags import ReportFlags
from seatrial.cli.numbers import whole_number
from seatrial.cli.report_files import ReportFiles
from seatrial.cli.session import How, carry_out
from seatrial.cli.termination import terminable
from seatrial.errors import StepFailed, UsageError
from seatrial.events import Info
from seatrial.output.ci.sections import sections_for
from seatrial.output.console import Console
from seatrial.pipeline.pipeline import skipped_outcomes
from seatrial.pipeline.report import Report, of_apps
from seatrial.pipeline.step import AppSteps, Step
from seatrial.pipeline.world import World
from seatrial.settings.variables import environment

if TYPE_CHECKING:
    from seatrial.cli.command import Command
    from seatrial.output.apps_console import AppsConsole

__all__ = ["carry_out_and_show"]


def carry_out_and_show(  # noqa: PLR0913  each argument is one thing
    cmd: Command,
    steps: Sequence[Step] | Sequence[AppSteps],
    *,
    jobs: str,
    lock_wait: str,
    files: ReportFlags,
    junit: str | None,
    open_page: bool,
) -> Report:
    """Carry out the steps and return their report, which is shown and written; the arguments are a command's flags."""
    apps = [replace(one, steps=cmd.with_hooks(one.steps)) for one in steps if isinstance(one, AppSteps)]
    console = Console(
        errors=cmd.json,
        call=cmd.call,
        plain=environment().plain,
        detail=cmd.output.detail,
        diff=cmd.output.diff,
        sections=sections_for(environment()),
        apps=[one.app for one in apps],
    )
    written = ReportFiles(files, junit=junit, check=cmd.check)
    described = cmd.json or written.wanted
    how = How(command=cmd.call.task, check=cmd.check, lock_wait=_seconds(lock_wait), described=described)
    if apps:
        reason = "it takes a number from 1 to 999"
        number = whole_number(jobs, "--jobs", least=1, most=999, reason=reason, example=4)
        report = _carry_out_apps(how, apps, cmd.world, console, jobs=number)
    else:
        own = cmd.with_hooks([one for one in steps if isinstance(one, Step)])
        cmd.world.engine.report_waiting(lambda text: console.on_event(Info(text=text)))
        report, _ = carry_out(how, own, cmd.world, console)
    named = cmd.playbook.settings.environment
    report = replace(report, environment=named, apps=tuple(replace(one, environment=named) for one in report.apps))
    try:
        written.write(report, cmd.call, cmd.world)
    except StepFailed as error:
        report = replace(report, error=report.error or error)
    if report.error:
        console.error(report.error)
    console.recap(report)
    if open_page and not cmd.check:
        for one in report.apps or (report,):
            if one.address:
                console.on_event(Info(text=_opened(one.address)))
    return report


def _carry_out_apps(how: How, apps: Sequence[AppSteps], world: World, console: Console, *, jobs: int) -> Report:
    from seatrial.output.apps_console import AppsConsole
    from seatrial.pipeline.apps import run_apps

    shared, began = AppsConsole(console), time.monotonic()
    world.engine.report_waiting(lambda text: shared.on_event(Info(text=text)))
    with terminable():
        reports = run_apps(apps, world, _Carrier(how=how, console=shared), jobs=jobs)
    return of_apps(reports, command=how.command, check=how.check, seconds=time.monotonic() - began)


class _Carrier(NamedTuple):
    """Carries out the steps of one app after the other, each perhaps in a thread of its own."""

    how: How
    console: AppsConsole

    def carry_out(self, one: AppSteps, world: World) -> tuple[Report, World]:
        """Carry out the steps of one app."""
        how, observer = self.how, self.console.observer()
        report, world = carry_out(how, one.steps, world, observer)
        if report.error:
            self.console.error(report.error, one.app)
        return report, world

    def skip(self, one: AppSteps, reason: str) -> Report:
        """Skip the steps of one app."""
        observer, outcomes = self.console.observer(), skipped_outcomes(one.steps, reason)
        for outcome in outcomes:
            observer.step_finished(outcome)
        return Report(command=self.how.command, check=self.how.check, outcomes=tuple(outcomes))


def _opened(address: str) -> str:
    """Open the app's page, and return what is so then."""
    from seatrial.host.desktop import open_page

    visible = environment().desktop or sys.stdout.isatty() or sys.stderr.isatty()
    problem = open_page(address, visible=visible)
    return f"{address} is not opened: {problem}" if problem else f"opened {address} in your browser"


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", text):
        raise UsageError(
            f"--lock-wait {text!r} is not a number of seconds", reason="an example is 600", hint="--lock-wait 600"
        )
    return float(text)
