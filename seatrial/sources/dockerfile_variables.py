"""Variables in a Dockerfile, filled in as BuildKit does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

__all__ = ["PLATFORM_ARGS", "DockerfileError", "expand"]

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR: Final = re.compile(r":?[-+?]|##?|%%?|//?")
# BuildKit sets these itself, without a value in the Dockerfile; the caller must pass their values.
PLATFORM_ARGS: Final = frozenset(a + b for a in ("BUILD", "TARGET") for b in ("ARCH", "OS", "PLATFORM", "VARIANT"))


class DockerfileError(ValueError):
    """A Dockerfile that cannot be built: the line (from 1) and the reason as text."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(line, reason)
        self.line = line
        self.reason = reason

    def __str__(self) -> str:
        """Return the line and the reason."""
        return f"line {self.line}: {self.reason}"


def expand(word: str, values: Mapping[str, str | DockerfileError], *, escape: str = "\\", line: int = 1) -> str:
    """Return `word` without quotes and with its variables filled in from `values`.

    Raise `DockerfileError` for a variable whose value is an error, or for a platform argument without a value.
    """
    return _Expansion(word, values, escape, line).run()


class _Expansion:
    """The state of expanding one word: the word and the position up to which it has been read."""

    def __init__(self, word: str, values: Mapping[str, str | DockerfileError], escape: str, line: int) -> None:
        self.word = word
        self.values = values
        self.escape = escape
        self.line = line
        self.position = 0

    def run(self, until: str = "") -> str:
        """Return the expanded rest of the word, or the part before `until`; `until` is consumed."""
        out: list[str] = []
        while self.position < len(self.word):
            char = self._next()
            if char == until:
                return "".join(out)
            if char == "'" and until != '"':
                end = self.word.find("'", self.position)
                end = len(self.word) if end < 0 else end
                out.append(self.word[self.position : end])
                self.position = end + 1
            elif char == '"':
                out.append(self.run('"'))
            elif char == self.escape and self.position < len(self.word):
                following = self._next()
                out.append(following if until != '"' or following in f'"${self.escape}' else char + following)
            else:
                out.append(self._variable() if char == "$" else char)
        if until:
            raise DockerfileError(self.line, f"{self.word}: the closing {until!r} is missing")
        return "".join(out)

    def _next(self) -> str:
        char = self.word[self.position]
        self.position += 1
        return char

    def _variable(self) -> str:
        braced = self.word.startswith("{", self.position)
        match = _NAME.match(self.word, self.position + braced)
        if match is None:
            if braced:
                raise DockerfileError(self.line, f"{self.word}: there is no name after '${{'")
            return "$"
        name = match[0]
        self.position = match.end()
        operator = rest = ""
        if braced:
            if found := _OPERATOR.match(self.word, self.position):
                operator, self.position = found[0], found.end()
            elif not self.word.startswith("}", self.position):
                raise DockerfileError(self.line, f"{self.word}: the operator after {name} is not known")
            rest = self.run("}")
        value = self.values.get(name)
        if isinstance(value, DockerfileError):
            raise value
        if value is None and name in PLATFORM_ARGS:
            raise DockerfileError(self.line, f"{self.word}: the value of {name} is not known before the build")
        return self._applied(name, value, operator, rest)

    def _applied(self, name: str, value: str | None, operator: str, rest: str) -> str:
        is_set = bool(value) if operator.startswith(":") else value is not None
        text = value or ""
        match operator.removeprefix(":"):
            case "":
                return text
            case "-":
                return text if is_set else rest
            case "+":
                return rest if is_set else ""
            case "?":
                if is_set:
                    return text
                raise DockerfileError(self.line, f"{name}: {rest or 'it has no value'}")
            case trim:
                return _trimmed(text, trim, rest)


def _trimmed(value: str, operator: str, rest: str) -> str:
    """Return `value` as the shell's ${v#p} ${v##p} ${v%p} ${v%%p} ${v/p/r} ${v//p/r} would."""
    sign, doubled = operator[0], len(operator) > 1
    pattern, _, replacement = rest.partition("/") if sign == "/" else (rest, "", "")
    star = ".*" if doubled or sign == "/" else ".*?"
    glob = re.compile("".join({"*": star, "?": "."}.get(char, re.escape(char)) for char in pattern), re.DOTALL)
    if sign == "/":
        return glob.sub(lambda _: replacement, value, count=0 if doubled else 1) if pattern else value
    if sign == "#":
        match = glob.match(value)
        return value[match.end() :] if match else value
    ends = range(len(value) + 1) if doubled else range(len(value), -1, -1)
    return next((value[:end] for end in ends if glob.fullmatch(value, end)), value)
