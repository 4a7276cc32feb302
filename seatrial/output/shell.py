"""Commands as text for a shell: one by one, or as a script that runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from seatrial.errors import sanitize
from seatrial.model.shell import ShellCommand, Variable, Word
from seatrial.pipeline.explanation import ExplainedStep

__all__ = ["command_lines", "script", "words_as_text"]

_WIDTH: Final = 100
_INDENT: Final = "    "
_SHORT: Final = 5  # words that are not worth a break between them
# What a terminal would act upon, and bytes that are not UTF-8.
_UNSAFE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\udc80-\udcff]")
_SPECIAL: Final = re.compile(r'([\\"$`])')
_HEAD: Final = """\
#!/bin/sh
# What `{call}` does, as commands: written with --script, for the project in the folder below.
# Under "also" stands what only the task does. Nothing here is secret: values that may be come from the environment.
# shellcheck disable=SC2016  # a dollar sign in single quotes is one
set -eu

fail() {{
    printf '%s\\n' "$1" >&2
    exit 1
}}

cd {root}
"""
_SIGNALS: Final = "trap 'exit 129' HUP\ntrap 'exit 130' INT\ntrap 'exit 143' TERM\n"
# What not every machine has; the rest is in POSIX.
_PROGRAMS: Final = frozenset({"curl", "docker", "mktemp", "python3"})
_BUILDERS: Final = "export DOCKER_BUILDKIT=1 BUILDX_NO_DEFAULT_ATTESTATIONS=1\n"


def script(explained: Sequence[ExplainedStep], *, call: str, root: Path) -> str:
    """Return a POSIX shell script that runs the commands; `call` is the task as it was typed, without its flags."""
    commands = [command for one in explained for command in one.commands]
    parts = [_HEAD.format(call=sanitize(call), root=_word(str(root)))]
    parts += [_BUILDERS] if any("build" in command.argv for command in commands) else []
    parts += [_SIGNALS] if any(command.cleanup for command in commands) else []
    used = {words[0] for command in commands for words in (command.argv, *command.pipe)} & _PROGRAMS
    parts += [
        f"command -v {program} >/dev/null || fail '{program} is not installed'\n" for program in sorted(map(str, used))
    ]
    needs = dict(need for command in commands for need in command.needs)
    parts += [
        f'[ -n "${{{name}+set}}" ] || fail {_word(f"{name} is not set: it is {what}")}\n'
        for name, what in needs.items()
    ]
    for one in explained:
        parts.append(f"\n# --- {one.step}{f' ({one.app})' if one.app else ''}\n")
        parts += [f"# also: {_comment(note)}\n" for note in one.notes]
        parts += [f"{line}\n" for line in _statements(one.commands)]
    return "".join(parts)


def _statements(commands: Iterable[ShellCommand]) -> Iterator[str]:
    """Yield the lines of a step; what a command needs for its cleanup is cleaned up, too, if the script ends early."""
    cleanups = dict[tuple[Word, ...], None]()
    for command in commands:
        yield f"# {_comment(f'{command.object} {command.effect}')}"
        end = f"|| fail {_word(command.otherwise)}" if command.otherwise else ""
        yield from command_lines(command, width=_WIDTH, end=end)
        if command.cleanup:
            cleanups[command.cleanup] = None
        elif command.argv in cleanups:
            del cleanups[command.argv]
        else:
            continue
        last_first = "; ".join(" ".join(map(_word, one)) for one in reversed(cleanups))
        yield f"trap {shlex.quote(last_first) if cleanups else '-'} EXIT"


def command_lines(command: ShellCommand, *, width: int, end: str = "") -> list[str]:
    """Return a command as lines of a shell, broken between its words to fit `width`; `end` is added."""
    words = list(_groups(command.argv))
    for one in command.pipe:
        first, *rest = _groups(one) if len(one) > _SHORT else [" ".join(map(_word, one))]
        words += [f"| {first}", *rest]
    words += ["|| true"] if command.may_fail else []
    if command.saves:
        words = [f"{command.saves}=$({words[0]}", *words[1:]]
        words[-1] += ")"
    if command.unless:
        unless = " ".join(map(_word, command.unless))
        words = [f"{unless} ||" if command.unless[0] == "test" else f"{unless} >/dev/null 2>&1 ||", *words]
    words += [end] if end else []
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + len(word) + len("  \\") > width:
            lines[-1] += " \\"
            lines.append(f"{_INDENT}{word}")
        else:
            lines[-1] += f" {word}"
    return lines


def words_as_text(words: Iterable[Word]) -> tuple[str, ...]:
    """Return words for programs, each variable as `$name`."""
    return tuple(
        word if isinstance(word, str) else "".join(part if isinstance(part, str) else f"${part.name}" for part in word)
        for word in words
    )


def _groups(words: Iterable[Word]) -> Iterator[str]:
    """Yield words as text, each flag together with its value."""
    flag = ""
    for word in map(_word, words):
        if flag and word.startswith("-"):
            yield flag
            flag = ""
        if word.startswith("--") and "=" not in word:
            flag = word
        else:
            yield f"{flag} {word}".strip()
            flag = ""
    if flag:
        yield flag


def _word(word: Word) -> str:
    """Return a word as a shell reads it as one word."""
    if isinstance(word, str):
        return f'"{_inside(word)}"' if _UNSAFE.search(word) else shlex.quote(word)
    text = ""
    for part, following in zip(word, (*word[1:], ""), strict=True):
        if isinstance(part, Variable):
            closed = isinstance(following, str) and re.match("[A-Za-z0-9_]", following)
            text += f"${{{part.name}}}" if closed else f"${part.name}"
        else:
            text += _inside(part)
    return f'"{text}"'


def _inside(text: str) -> str:
    """Return a text as it stands between double quotes."""
    if not _UNSAFE.search(text):
        return _SPECIAL.sub(r"\\\1", text)
    escaped = "".join(_escaped(letter) for letter in text)
    return f"$(printf '%b' {shlex.quote(escaped)})"


def _escaped(letter: str) -> str:
    """Return a letter as printf's %b reads it."""
    if _UNSAFE.match(letter):
        return "".join(f"\\0{byte:03o}" for byte in letter.encode("utf-8", "surrogateescape"))
    return "\\\\" if letter == "\\" else letter


def _comment(text: str) -> str:
    return sanitize(" ".join(text.split()))
