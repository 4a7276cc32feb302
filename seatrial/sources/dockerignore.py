"""Which files of a build context are left out: `.dockerignore` as Docker reads it.

The rules are those of moby/patternmatcher (`MatchesOrParentMatches`) and its `ignorefile`, including their oddities.
Docker turns each pattern into a Go regular expression, so `[^a]`, or a `*` or `?` in a class, can match a slash.
"""

from __future__ import annotations

import re
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Final

from msgspec import Struct

__all__ = ["IgnorePatternError", "IgnoreRules", "find_ignore_file"]

# Go's unicode.IsSpace: str.strip() would also remove \x1c to \x1f.
_SPACE: Final = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_MEMBER: Final = r"(?:\\[\s\S]|[^\\\]-])"
# The grammar of Go's filepath.Match, with which Docker validates a pattern.
_WELL_FORMED: Final = re.compile(rf"(?:\\[\s\S]|[^\\\[]|\[\^?+(?:{_MEMBER}(?:-{_MEMBER})?)+\])*")
# An escaped letter reaches Go's regexp unchanged; these mean the same in Python.
_ESCAPABLE: Final = re.compile(r"[\x00-\x7f](?<![A-Za-z0-9])|[ABDSWabdfnrstvw]")
_ESCAPABLE_IN_CLASS: Final = re.compile(r"[\x00-\x7f](?<![A-Za-z0-9])|[DSWadfnrstvw]")
_ANY: Final = r"[\s\S]*"
_ANY_DIRECTORIES: Final = "(.*/)?"


class IgnorePatternError(ValueError):
    """A pattern that Docker refuses: its line (from 1), the pattern as written, and the reason as text."""

    def __init__(self, line: int, pattern: str, reason: str) -> None:
        super().__init__(line, pattern, reason)
        self.line = line
        self.pattern = pattern
        self.reason = reason

    def __str__(self) -> str:
        """Return the line, the pattern and the reason."""
        return f"line {self.line}: {self.pattern!r}: {self.reason}"


class _Rule(Struct, frozen=True, kw_only=True):
    """One line; `regex` matches paths that fit the pattern or lie below a directory that fits it."""

    exception: bool
    pattern: str
    regex: str

    def may_match_below(self, directory: str) -> bool:
        parts = self.pattern.split("/")
        for depth, name in enumerate(directory.split("/")):
            if depth == len(parts):
                return False
            part = parts[depth]
            if "**" in part or re.search(r"[\[\\^]", part):
                return True  # these can match slashes or have another meaning, so any path may match
            if not re.fullmatch(_glob(part), name):
                return False
        return len(parts) > directory.count("/") + 1


class IgnoreRules(Struct, frozen=True, kw_only=True, dict=True):
    """The rules of one ignore file; `IgnoreRules()` excludes nothing."""

    rules: tuple[_Rule, ...] = ()

    @classmethod
    def parse(cls, text: bytes) -> IgnoreRules:
        """Parse an ignore file; raise `IgnorePatternError` if Docker would refuse a pattern.

        Docker refuses some patterns only when it compares a path with them; here all are refused at once.
        """
        rules = []
        for number, raw in enumerate(text.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
            # surrogateescape, as in os.fsdecode: a pattern can name files whose names are not UTF-8.
            written = raw.removesuffix(b"\r").decode("utf-8", "surrogateescape")
            pattern = _normalised(written)
            if not pattern:
                continue
            try:
                rules.append(_rule(pattern))
            except ValueError as error:
                raise IgnorePatternError(number, written.strip(_SPACE), str(error)) from None
        return cls(rules=tuple(rules))

    def excludes(self, path: str) -> bool:
        """Return whether `path` (relative to the context, with /) is left out; the last rule that matches wins."""
        if path in {"", "."}:
            return False
        excluded = False
        for exception, regex in self._groups:
            if exception == excluded and regex.fullmatch(path):
                excluded = not excluded
        return excluded

    @cached_property
    def _groups(self) -> tuple[tuple[bool, re.Pattern[str]], ...]:
        """The exclusions, or exceptions, that follow each other as one regular expression: any of them decides."""
        grouped = groupby(self.rules, key=lambda rule: rule.exception)
        return tuple((kind, re.compile("|".join(one.regex for one in group), re.ASCII)) for kind, group in grouped)

    def may_include_below(self, directory: str) -> bool:
        """Return whether an exception may include something below this excluded directory; if not, skip it."""
        return any(rule.exception and rule.may_match_below(directory) for rule in self.rules)


def find_ignore_file(context: Path, dockerfile: Path | None) -> Path | None:
    """Return `DOCKERFILE.dockerignore` beside the Dockerfile, else the context's `.dockerignore`, else None.

    What is there may be something else than a file that can be read.
    """
    own = [dockerfile.with_name(f"{dockerfile.name}.dockerignore")] if dockerfile else []
    return next((path for path in (*own, context / ".dockerignore") if _is_there(path)), None)


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # a loop of links, for example: reading it says what is wrong
    return True


def _normalised(line: str) -> str:
    """Return the pattern on a line as Docker normalises it; empty for a comment or a blank line."""
    if line.startswith("#"):
        return ""
    pattern = line.strip(_SPACE)
    sign = "!" if pattern.startswith("!") else ""
    pattern = pattern[len(sign) :].strip(_SPACE)
    if pattern:
        pattern = _clean(pattern)
        pattern = pattern[1:] if len(pattern) > 1 and pattern.startswith("/") else pattern
    # Docker's matcher trims and cleans once more after its reader, so "!/" becomes "!".
    pattern = (sign + pattern).strip(_SPACE)
    return _clean(pattern) if pattern else ""


def _clean(path: str) -> str:
    """Return the path as Go's filepath.Clean does; posixpath.normpath would keep a double slash at the start."""
    rooted = path.startswith("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in {"", "."} and not (part == ".." and rooted):
            parts.append(part)
    return ("/" if rooted else "") + "/".join(parts) or "."


def _rule(pattern: str) -> _Rule:
    exception = pattern.startswith("!")
    body = pattern.removeprefix("!")
    if not body:
        raise ValueError("an exception needs a pattern after the '!'")
    if not _WELL_FORMED.fullmatch(body):
        raise ValueError("it has a '[' without ']', an empty or incomplete range, or a '\\' at the end")
    # Whatever follows a matching directory is in it: Docker calls this "parent matches".
    regex = rf"(?:{_regex(body)})(?:/{_ANY})?"
    try:
        if re.search(r"[\[\\]", body):  # nothing else can make it invalid, and compiling takes long
            re.compile(regex, re.ASCII)
    except re.error as error:
        raise ValueError(f"it is not a valid regular expression: {error.msg}") from None
    return _Rule(exception=exception, pattern=body, regex=regex)


def _regex(pattern: str) -> str:
    """Return a Python regular expression for a pattern; some patterns Docker compares as plain text."""
    wild = pattern.replace("**", "", 1)
    if "\\" not in pattern and not re.search(r"[*?\[\]]", wild):
        if pattern.startswith("**/"):
            return f"(?:{_ANY}/)?" + re.escape(pattern[3:])
        if pattern.startswith("**"):
            return _ANY + re.escape(pattern[2:])
        if pattern.endswith("**"):
            return re.escape(pattern[:-2]) + _ANY
        if wild == pattern:
            return re.escape(pattern)
    return _glob(pattern)


def _glob(pattern: str) -> str:
    out: list[str] = []
    in_class = False  # as the regular expression sees it, which is not always as the pattern means it
    position = 0
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if char == "*" and pattern.startswith("*", position):
            position += 1 + pattern.startswith("/", position + 1)
            token = _ANY_DIRECTORIES if position < len(pattern) else ".*"
            if out[-1:] != [token] or in_class:  # twice in a row means the same and costs backtracking
                out.append(token)
        elif char in "*?":
            # Inside a class, Docker's "[^/]" puts '[', '^' and '/' into that class and then closes it.
            out.append((r"\[^/]" if in_class else "[^/]") + ("*" if char == "*" else ""))
            in_class = False
        elif char == "\\":
            out.append(_escaped(pattern[position], _ESCAPABLE_IN_CLASS if in_class else _ESCAPABLE))
            position += 1
        elif char == "[" and in_class:
            if pattern.startswith(":", position):
                raise ValueError("classes such as [:alpha:] are not supported: write [a-zA-Z]")
            out.append(r"\[")
        elif char in "[]":
            in_class = char == "["
            out.append(char)
        elif char == "^" or (char == "-" and in_class):
            out.append(char)
        else:
            out.append(re.escape(char))
    return "".join(out)


def _escaped(char: str, allowed: re.Pattern[str]) -> str:
    if not allowed.fullmatch(char):
        raise ValueError(f"Docker reads '\\{char}' as a regular expression: remove the '\\'")
    return "\\" + char
