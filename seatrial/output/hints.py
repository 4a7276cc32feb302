"""What to type next, written as it can be typed here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

__all__ = ["UNKNOWN_CALL", "Call"]

_COMMAND = re.compile(r"\binvoke (?=[a-z-])")
_END = (",", ")", ";")


class Call(NamedTuple):
    """How a task was called: hints are completed with it.

    `program` is what was typed instead of `invoke`, `task` is the task. `prefix` stands before each task's name if the
    tasks are part of another collection (`seatrial.`). `flags` are the flags of the call that a hint must repeat
    (--app, --user, --registry) with their values; `tasks` has the flags of every task, and whether each takes a value.
    """

    program: str = "invoke"
    prefix: str = ""
    task: str = ""
    flags: Mapping[str, Sequence[str]] = {}
    tasks: Mapping[str, Mapping[str, bool]] = {}

    def about(self, app: str) -> Call:
        """Return the call for one of its apps; the same call without a name."""
        return self._replace(flags={**self.flags, "--app": (app,)}) if app else self

    def complete(self, hint: str) -> str:
        """Return a hint with the program and tasks as they are called here, and with the flags that must be repeated.

        A hint that begins with a flag is about the task that was called.
        """
        if hint.startswith("--") and self.task:
            hint = f"invoke {self.task} {hint}"
        before, *commands = _COMMAND.split(hint)
        return before + "".join(f"{self.program} {self._command(one)}" for one in commands)

    def _command(self, text: str) -> str:
        """Return what follows the program's name, up to the end of the text."""
        words = text.split(" ")
        length = next((number + word.endswith(_END) for number, word in enumerate(words) if _ends(word)), len(words))
        typed, rest = words[:length], words[length:]
        punctuation = typed[-1][len(typed[-1].rstrip(",);")) :] if typed else ""
        if punctuation:
            typed[-1] = typed[-1].removesuffix(punctuation)
        return " ".join([" ".join(self._complete(typed)) + punctuation, *rest])

    def _complete(self, words: list[str]) -> Iterator[str]:
        task, given = "", set[str]()
        previous = ""
        for word in words:
            if word in self.tasks and not self.tasks.get(task, {}).get(previous):
                if previous != "--help":
                    yield from self._repeated(task, given)
                    task, given = word, set()
                yield f"{self.prefix}{word}"
            else:
                given.add(word.partition("=")[0])
                yield word
            previous = word
        yield from self._repeated(task, given)

    def _repeated(self, task: str, given: set[str]) -> Iterator[str]:
        for flag, values in self.flags.items():
            if flag in self.tasks.get(task, {}) and flag not in given:
                yield from (word for value in values for word in (flag, value))


UNKNOWN_CALL = Call()


def _ends(word: str) -> bool:
    """Return whether a command ends with this word, or before it."""
    return word.endswith(_END) or word.startswith(("(", "#", "<", "…"))
