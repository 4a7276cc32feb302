"""The lines of a Dockerfile: its directives, and its instructions without here-documents and comments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from msgspec import Struct

from seatrial.sources.dockerfile_variables import DockerfileError, shell_words

__all__ = [
    "Instruction",
    "escape_character",
    "instructions",
    "lines_of",
    "split_flags",
    "syntax_directive",
    "without_syntax_directive",
]

_DIRECTIVE: Final = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*")
_FLAG: Final = re.compile(r"""\s*--((?:[^\s"']|"[^"]*"|'[^']*')*)(?:\s+|$)""")
_HEREDOC: Final = re.compile(r"\d*<<(-?)\s*([^<]+)")
_KNOWN_DIRECTIVES: Final = frozenset({"check", "escape", "syntax"})


class Instruction(Struct, frozen=True, kw_only=True):
    """One instruction: its first line (from 1), its keyword in capitals, and the rest joined to one line."""

    line: int
    keyword: str
    rest: str


def instructions(text: str, *, strict: bool = False) -> list[Instruction]:
    """Return all instructions in order; with `strict` raise `DockerfileError` for lines that BuildKit refuses."""
    lines = lines_of(text)
    if strict:
        _check_directives(lines)
    return list(_instructions(lines, escape_character(text), strict=strict))


def escape_character(text: str) -> str:
    """Return the character that continues a line and takes the meaning from the next one: a backslash or a backtick."""
    found = (value for _, key, value in _directives(lines_of(text), parsing=True) if key == "escape")
    return "`" if next(found, "") == "`" else "\\"


def syntax_directive(text: str) -> str | None:
    """Return the frontend image of the `# syntax=` line, or None."""
    return next((value.split()[0] for _, key, value in _directives(lines_of(text)) if key == "syntax"), None)


def without_syntax_directive(text: str) -> str:
    """Return the text with its `# syntax=` line turned into a comment; each instruction keeps its line.

    An ordinary comment ends the directives, so the comment is placed after the other directives (`# escape=`).
    """
    if syntax_directive(text) is None:
        return text
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    lines = text.removeprefix(bom).split("\n")
    found = list(_directives(lines_of(text)))
    kept = [lines[number] for number, key, _ in found if key != "syntax"]
    comments = [
        f"# syntax line removed for this build: {value}" + ("\r" if lines[number].endswith("\r") else "")
        for number, key, value in found
        if key == "syntax"
    ]
    for (number, _, _), line in zip(found, kept + comments, strict=True):
        lines[number] = line
    return bom + "\n".join(lines)


def lines_of(text: str) -> list[str]:
    """Return the lines as Docker counts them; str.splitlines would also split at form feeds."""
    return [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]


def split_flags(rest: str) -> tuple[list[str], str]:
    """Return the flags of an instruction without dashes and quotes, and the text after them."""
    flags = []
    while match := _FLAG.match(rest):
        flags.append(re.sub(r"[\"']", "", match[1]))
        rest = rest[match.end() :]
    return flags, rest


def _directives(lines: list[str], *, parsing: bool = False) -> Iterator[tuple[int, str, str]]:
    """Yield each parser directive: its index, name and value.

    BuildKit looks for them twice: for the syntax line it skips `#!` and allows no indentation, for parsing otherwise.
    """
    for number, line in enumerate(lines):
        if number == 0 and line.startswith("#!") and not parsing:
            continue
        match = _DIRECTIVE.fullmatch(line.lstrip() if parsing else line)
        if match is None or match[1].lower() not in _KNOWN_DIRECTIVES:
            return
        yield number, match[1].lower(), match[2]


def _check_directives(lines: list[str]) -> None:
    seen = set[str]()
    for number, key, value in _directives(lines, parsing=True):
        if key in seen:
            raise DockerfileError(number + 1, f"there is a second # {key} line")
        if key == "escape" and value not in ("\\", "`"):
            raise DockerfileError(number + 1, f"the escape character is \\ or `, not {value}")
        seen.add(key)


def _instructions(lines: list[str], escape: str, *, strict: bool = False) -> Iterator[Instruction]:
    continued = re.compile(rf"(?:^|(?<=[^{re.escape(escape)}])){re.escape(escape)}[ \t]*$")
    number = 0
    while number < len(lines):
        start, words, began, open_ended = number + 1, "", False, True
        while open_ended and number < len(lines):
            line = lines[number]
            number += 1
            if line.lstrip().startswith("#") or not line.strip():
                # Docker drops comments and blank lines from the middle of an instruction.
                open_ended = began
                continue
            words += continued.sub("", line)
            open_ended = began = continued.search(line) is not None
        if words.strip():
            keyword, *rest = words.split(None, 1)
            yield Instruction(line=start, keyword=keyword.upper(), rest=rest[0].strip() if rest else "")
            for name, tabs in _heredocs(words):
                end = next((at for at in range(number, len(lines)) if _ends(lines[at], name, tabs=tabs)), None)
                if end is None and strict:
                    raise DockerfileError(start, f"the here-document has no line {name} at its end")
                number = number if end is None else end + 1


def _ends(line: str, name: str, *, tabs: bool) -> bool:
    return (line.lstrip("\t") if tabs else line).rstrip("\r") == name


def _heredocs(instruction: str) -> Iterator[tuple[str, bool]]:
    """Yield the name of each here-document that an instruction opens, and whether tabs may stand before its end."""
    keyword, *rest = instruction.split(None, 1)
    if keyword.upper() == "ONBUILD" and rest:
        keyword, *rest = rest[0].split(None, 1)
    if "<<" not in instruction or keyword.upper() not in {"ADD", "COPY", "RUN"} or _is_json(split_flags(rest[0])[1]):
        return
    with suppress(DockerfileError):  # with an open quote, BuildKit sees no here-document
        for word in shell_words(instruction, raw=True):
            match = _HEREDOC.fullmatch(word)
            names = shell_words(match[2], raw=False) if match else []
            if match and len(names) == 1:
                yield names[0], bool(match[1])


def _is_json(rest: str) -> bool:
    try:
        found = json.loads(rest)
    except ValueError:
        return False
    return isinstance(found, list) and all(isinstance(one, str) for one in found)
