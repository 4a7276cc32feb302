"""What a command does, step by step, in docker commands: for people and as a JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seatrial.errors import sanitize
from seatrial.output.documents import as_text
from seatrial.output.explain_documents import ExplainDocument, ExplainedCommand, ExplainedStepDocument
from seatrial.output.lines import Lines
from seatrial.output.shell import command_lines, words_as_text
from seatrial.output.wrapping import hang
from seatrial.pipeline.explanation import ExplainedStep

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

__all__ = ["explain_document", "show_explanation"]

_INDENT = " " * 4


def show_explanation(explained: Sequence[ExplainedStep], screen: Lines | RichConsole) -> None:
    """Print each step: what happens to which object, and below it the command that can be typed."""
    width = max(screen.width, 40) - 1
    for one in explained:
        screen.print(f"{one.step} {one.app}".rstrip(), style="bold")
        for command in one.commands:
            effect = sanitize(" ".join(f"{command.object} {command.effect}".split()))
            screen.print(hang(effect, head="  ", indent="  ", width=width))
            for line in command_lines(command, width=width - len(_INDENT)):
                screen.print(f"{_INDENT}{line}", style="cyan")
        for note in one.notes:
            screen.print(hang(sanitize(note), head="  also: ", indent=" " * 8, width=width), style="dim")
        screen.print()
    screen.print(
        hang(
            "Nothing was done. These commands start from nothing, whatever there is already; `also` says what only the "
            "task does. --script writes them as a script that runs.",
            head="",
            indent="",
            width=width,
        ),
        style="dim",
    )


def explain_document(explained: Sequence[ExplainedStep], *, command: str) -> str:
    """Return the same as one JSON document."""
    steps = tuple(
        ExplainedStepDocument(
            step=one.step,
            app=one.app or None,
            commands=tuple(
                ExplainedCommand(
                    object=command.object,
                    effect=command.effect,
                    argv=words_as_text(command.argv),
                    shell="\n".join(command_lines(command, width=100)),
                )
                for command in one.commands
            ),
            also=one.notes,
        )
        for one in explained
    )
    return as_text(ExplainDocument(command=command, steps=steps))
