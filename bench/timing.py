"""Compare whole processes: in turns, with the order reversed every round."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

__all__ = ["Command", "CommandFailed", "Row", "in_turns", "ratio", "say", "table"]

_TIMEOUT = 900.0
_END_SECONDS = 10.0
_HEADS = ("", "seatrial", "other", "ratio", "goal", "")

Seconds = Mapping[str, list[float]]
"""The seconds of each contestant, by round."""


class CommandFailed(Exception):  # noqa: N818  reads as what happened
    """A process failed; the message holds its output."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A process to start: command line, folder, environment; its exit code (None for any), what it prints."""

    words: tuple[str, ...]
    folder: Path = field(default_factory=Path.cwd)
    environment: Mapping[str, str] = field(default_factory=dict)
    exit_code: int | None = 0
    must_print: str = ""

    def output(self, *, attempts: int = 1) -> str:
        """Run the process and return its output; raise `CommandFailed` if no attempt has its exit code."""
        process = subprocess.Popen(
            self.words,
            cwd=self.folder,
            env={**_inherited(), **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            printed, _ = process.communicate(timeout=_TIMEOUT)
        except subprocess.TimeoutExpired:
            _end(process)
            raise CommandFailed(f"{' '.join(self.words)} did not end in {_TIMEOUT:.0f} s") from None
        except BaseException:
            _end(process)
            raise
        wrong = self.exit_code not in {process.returncode, None}
        if wrong and attempts > 1:
            return self.output(attempts=attempts - 1)
        if wrong or self.must_print not in printed:
            ended = f"exited with {process.returncode}" if wrong else f"did not print {self.must_print!r}"
            raise CommandFailed(f"{' '.join(self.words)} {ended}:\n{printed}")
        return printed

    def seconds(self) -> float:
        """Run the process and return the seconds from its start to its end."""
        os.sync()  # so earlier writes do not reach the disk during the measurement
        began = time.perf_counter()
        self.output()
        return time.perf_counter() - began


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the report; `met` says whether the `goal` was met, and is None without a goal."""

    name: str
    ours: str
    other: str
    ratio: str
    goal: str = ""
    met: bool | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        """The text of each column."""
        verdict = {True: "pass", False: "miss", None: ""}[self.met]
        return (self.name, self.ours, self.other, self.ratio, self.goal, verdict)


def in_turns(contestants: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Call every contestant once a round, reversing the order each time; return their values without round 0."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        order = list(contestants)[:: -1 if number % 2 else 1]
        for name in order:
            seconds[name].append(contestants[name]())
        say(f"  {number or 'warm-up':>7}  " + "  ".join(f"{name} {seconds[name][-1]:.4g}" for name in contestants))
    return {name: taken[1:] for name, taken in seconds.items()}


def ratio(ours: Sequence[float], other: Sequence[float]) -> float:
    """Return the median of the ratios within each round, so that one slow round does not matter."""
    return median(mine / theirs for mine, theirs in zip(ours, other, strict=True))


def table(rows: list[Row], *, heads: tuple[str, ...] = _HEADS) -> str:
    """Return the rows in columns; the first and last are aligned left, the others right."""
    lines = [heads, *(row.cells for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    last = len(heads) - 1
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in {0, last} else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _inherited() -> dict[str, str]:
    """Return the environment without settings of Invoke or Seatrial."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("INVOKE_", "SEATRIAL_"))}


def _end(process: subprocess.Popen[str]) -> None:
    """Terminate a process and those it started; kill them if they have not stopped the engine's work in time."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.communicate(timeout=_END_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def say(text: str) -> None:
    """Print progress on standard error."""
    print(text, file=sys.stderr, flush=True)
