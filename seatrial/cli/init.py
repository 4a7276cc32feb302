"""The task `init`: the steps for the apps in a folder, or the first screen of help if there is none."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from seatrial.cli.chain import print_out
from seatrial.cli.command import Command
from seatrial.errors import UsageError
from seatrial.wording import summarize_names

if TYPE_CHECKING:
    from seatrial.detection.search import Search

__all__ = ["start_project"]


def start_project(cmd: Command) -> None:
    """Write what the apps in the project's folder need; raise `UsageError` if it holds something, but no app."""
    from seatrial.detection.search import search
    from seatrial.steps.init.plan import init_steps

    found = search(cmd.playbook.settings.root)
    if found.apps:
        cmd.carry_out(init_steps(found))
        if not (cmd.json or cmd.check or cmd.output.explains):
            print_out(cmd.call.complete(f"{'next':<14}invoke demo"))
        return
    _show_first_screen(cmd, found)


def _show_first_screen(cmd: Command, found: Search) -> None:
    from seatrial.output.first_screen import first_screen

    screen = first_screen(cmd.call.program)
    if not found.is_empty:
        raise UsageError(
            f"no web app was found in {found.root}",
            reason=f"it holds {summarize_names(found.names)}, and nothing that Seatrial knows how to start",
            hint="write a Dockerfile for it, then: invoke init",
            details=(*found.unreadable, *screen.splitlines()[2:8]),
        )
    if cmd.json:
        sys.stderr.write(f"{screen}\n")
        cmd.carry_out(())
    else:
        print_out(screen)
