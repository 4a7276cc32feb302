"""A chain of tasks such as `invoke build smoke --json`: what they print for programs becomes one document.

Invoke calls a chain's tasks one by one and tells none of them about the others, so the command line is read here.
"""

from __future__ import annotations

import atexit
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

from invoke.program import Program

from seatrial.errors import SeatrialError, StepFailed
from seatrial.output.hints import Call

if TYPE_CHECKING:  # --list and --help do not load the pipeline
    from seatrial.pipeline.report import Report

__all__ = ["ENVIRONMENT_FLAG", "Chain", "print_out", "read_chain"]

ENVIRONMENT_FLAG = "environment"
"""The flag of our own programs that stands beside Invoke's own."""


class Chain:
    """The tasks of ours that one process runs, by their names; several print one document, when the process ends.

    `json`, `explain` and `script` are whether these flags were typed behind any of them: they count for all, so that
    nothing is done by a chain that is to be explained.
    """

    def __init__(
        self, typed: Sequence[str] = (), *, json: bool = False, explain: bool = False, script: bool = False
    ) -> None:
        self.typed = typed
        self.json = json
        self.explain = explain
        self.script = script
        self._reports: list[Report] = []
        self._call = Call()
        self._others: list[tuple[str, str]] = []
        self._code: int | None = None

    def add(self, report: Report, call: Call) -> None:
        """Print a command's document, or keep it for that of the chain."""
        if len(self.typed) > 1:
            if not self._reports:
                atexit.register(self._end)
                sys.exit = self._exit
            self._reports.append(report)
            self._call = call
            return
        from seatrial.output.json_report import as_json

        print_out(as_json(report, call=call))

    def add_text(self, call: Call, document: str, error: SeatrialError | None = None) -> None:
        """Print the document of a task that only reads, or keep it; `error` is what the task will end with."""
        if len(self.typed) > 1:
            from seatrial.pipeline.report import Report

            self._others.append((call.task, document))
            self.add(Report(command=call.task, check=True, error=error), call)
            return
        print_out(document)

    def _end(self) -> None:
        """Print the document of all tasks; those that did not start are skipped steps."""
        from seatrial.output.json_report import as_json
        from seatrial.pipeline.report import joined

        waiting, error = self._not_started(), self._reports[-1].failure
        code = int(bool(waiting)) if self._code is None else self._code
        if code and error is None:
            error = StepFailed(
                f"{waiting[0]} did not start" if waiting else "a task of your own failed",
                reason=f"a task of your own ended the command with exit code {code}",
                hint="see what that task printed, then run it again",
            ).but(exit_code=code)
        report = joined(self._reports, command=" ".join(self.typed), not_started=waiting, error=error)
        others = {name: json.loads(text) for name, text in self._others}
        print_out(as_json(report, call=self._call, others=others))

    def _exit(self, status: object = None) -> NoReturn:
        """End the process as `sys.exit` does, and note the exit code: Invoke ends it so, and tells nobody the code."""
        self._code = status & 0xFF if isinstance(status, int) else int(status is not None)
        raise SystemExit(status)

    def _not_started(self) -> list[str]:
        """Return the tasks behind the last one that ran; Invoke runs a task with the same flags only once."""
        ran, place = [one.command for one in self._reports], 0
        for name in ran:
            place = self.typed.index(name, place) + 1 if name in self.typed[place:] else place
        return [name for name in self.typed[place:] if name not in ran]


def read_chain(words: Sequence[str], flags: Mapping[str, Mapping[str, bool]], is_ours: Callable[[str], bool]) -> Chain:
    """Return the chain of tasks in the words of a command line.

    `flags` are the flags of every task of ours, and whether each takes a value.
    """
    found = [(word.rpartition(".")[2], given) for word, given in _split(words, flags) if is_ours(word)]
    typed = {flag for _, given in found for flag in given}
    return Chain(
        typed=[name for name, _ in found],
        json="--json" in typed,
        explain="--explain" in typed,
        script="--script" in typed,
    )


def _split(words: Sequence[str], flags: Mapping[str, Mapping[str, bool]]) -> Iterator[tuple[str, list[str]]]:
    """Yield each task as it was typed, with its flags; behind a task that is not ours values look like tasks."""
    program = Program()
    core = {
        f"{'-' * (1 + (len(name) > 1))}{name}": argument.takes_value
        for argument in (*program.core_args(), *program.task_args())
        for name in argument.names
    }
    core[f"--{ENVIRONMENT_FLAG}"] = True
    task, given = "", list[str]()
    rest = iter(words)
    for word in rest:
        if word == "--":
            break
        if word.startswith("-"):
            given.append(word)
            if "=" not in word and {**core, **flags.get(task.rpartition(".")[2], {})}.get(word):
                next(rest, None)
            continue
        if task:
            yield task, given
        task, given = word, []
    if task:
        yield task, given


def print_out(text: str) -> None:
    """Write a line to standard output and flush it."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
