"""The rows about start-up: commands that do nothing yet, against Invoke with one task that does nothing."""

from __future__ import annotations

from pathlib import Path

from bench.comparison import Comparison
from bench.setup import Setup
from bench.timing import Command, in_turns
from bench.workspace import BIN, INVOKE, TASKS

__all__ = ["start_help", "start_list", "start_refusal"]

_ROUNDS = 15
_PEER = "Invoke, an empty task"
_EMPTY = '''\
from invoke import task


@task
def release(c, user="", version=""):
    """Do nothing."""
'''


def start_list(setup: Setup) -> list[Comparison]:
    """Compare the list of tasks."""
    return _compared(setup, ("--list",), goal=1.15, checked="exit code 0; the list names `release`", prints="release")


def start_help(setup: Setup) -> list[Comparison]:
    """Compare the help of a task."""
    checked = "exit code 0; the help names `--version`"
    return _compared(setup, ("--help", "release"), goal=1.15, checked=checked, prints="--version")


def start_refusal(setup: Setup) -> list[Comparison]:
    """Compare a wrong version, which Seatrial refuses and Invoke's task ignores."""
    words = ("release", "--user", "bench", "--version", "not:valid")
    checked = "exit code 2; the message names the version (the empty task takes any: exit code 0)"
    return _compared(setup, words, goal=1.3, checked=checked, prints="not:valid", exit_code=2)


def _compared(  # noqa: PLR0913  what a row says
    setup: Setup, words: tuple[str, ...], *, goal: float, checked: str, prints: str, exit_code: int = 0
) -> list[Comparison]:
    ours, other = _folder(setup, "start", TASKS), _folder(setup, "start-empty", _EMPTY)
    empty = "" if exit_code else prints
    contestants = {
        "seatrial": Command(words=(str(BIN / "seatrial"), *words), folder=ours, must_print=prints, exit_code=exit_code),
        "invoke": Command(words=(INVOKE, *words), folder=ours, must_print=prints, exit_code=exit_code),
        "empty": Command(words=(INVOKE, *words), folder=other, must_print=empty),
    }
    taken = in_turns({name: command.seconds for name, command in contestants.items()}, setup.rounds_or(_ROUNDS))
    shown = " ".join(words)
    return [
        Comparison(
            name=f"{name} {shown}", peer=_PEER, ours=taken[name], other=taken["empty"], goal=goal, checked=checked
        )
        for name in ("seatrial", "invoke")
    ]


def _folder(setup: Setup, name: str, tasks: str) -> Path:
    folder = setup.workspace.folder / name
    folder.mkdir(exist_ok=True)
    (folder / "tasks.py").write_text(tasks)
    return folder
