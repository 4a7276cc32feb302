"""Words, quotes and variables in a Dockerfile, read as BuildKit reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

__all__ = ["AUTOMATIC_ARGS", "DockerfileError", "UnknownValueError", "expand", "shell_words"]

_PLATFORM_PARTS: Final = ("ARCH", "OS", "OSVERSION", "PLATFORM", "VARIANT")
AUTOMATIC_ARGS: Final = frozenset(
    {"TARGETSTAGE", *(f"{side}{part}" for side in ("BUILD", "TARGET") for part in _PLATFORM_PARTS)}
)
"""The arguments that BuildKit sets itself, without a value in the Dockerfile; the caller must pass their values."""
_SPECIAL: Final = "@*#?-$!"
_TEMPLATE: Final = re.compile(r"\$(?:(\$)|\w+|\{\w+\})")


class DockerfileError(ValueError):
    """A Dockerfile that cannot be built: the line (from 1) and the reason as text."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(line, reason)
        self.line = line
        self.reason = reason

    def __str__(self) -> str:
        """Return the line and the reason."""
        return f"line {self.line}: {self.reason}"


class UnknownValueError(DockerfileError):
    """A variable whose value is known only to the builder."""


def expand(word: str, values: Mapping[str, str | DockerfileError], *, escape: str = "\\", line: int = 1) -> str:
    """Return `word` without quotes and with its variables filled in from `values`.

    Raise `DockerfileError` if BuildKit refuses the word, for a variable whose value is an error, or for an automatic
    argument without a value.
    """

    def lookup(name: str) -> str | None:
        value = values.get(name)
        if isinstance(value, DockerfileError):
            raise value
        if value is None and name in AUTOMATIC_ARGS:
            raise UnknownValueError(line, f"{word}: the value of {name} is not known before the build")
        return value

    return _text(_Reader(word, lookup, escape=escape, line=line).read())


def shell_words(text: str, *, raw: bool) -> list[str]:
    """Return the words of a text as a shell splits it, with variables as they are written.

    With `raw`, quotes and backslashes are kept. Blanks after `<<` and `<<-` are part of the word. Raise
    `DockerfileError` if a quote is not closed.
    """
    words, inside = [""], False
    for piece, splits in _Reader(text, None, raw_quotes=raw).read(raw=raw):
        for char in piece:
            if splits and char.isspace():
                inside = False
            else:
                words += [] if inside else [""]
                words[-1] += char
                inside = True
    return [word for word in words if word]


_Pieces = list[tuple[str, bool]]
"""The parts of a text, and whether blanks in them separate words."""


class _Reader:
    """A text and the position up to which it has been read.

    `lookup` returns a variable's value; without it variables stay as they are written.
    """

    def __init__(
        self,
        text: str,
        lookup: Callable[[str], str | None] | None,
        *,
        escape: str = "\\",
        line: int = 1,
        raw_quotes: bool = False,
    ) -> None:
        self.text = text
        self.escape = escape
        self.line = line
        self.raw_quotes = raw_quotes
        self.position = 0
        self._lookup = lookup

    def read(self, until: str = "", *, raw: bool = False) -> _Pieces:
        """Return the rest of the text, or the part before `until`, which is consumed; `raw` keeps escapes."""
        pieces: _Pieces = []
        while char := self._next():
            if char == until:
                return pieces
            if char == "$":
                pieces.append((self._variable(), True))
            elif char in "'\"":
                inside = self._quoted(char, raw=raw)
                pieces.append((f"{char}{inside}{char}" if self.raw_quotes else inside, False))
            elif char == self.escape:
                pieces.append(((char if raw else "") + self._next(), False))
            elif char == "<" and self._peek() == "<":
                blanks = re.compile(r"<(?:-?[\t\r ]+)?").match(self.text, self.position)
                self.position = blanks.end() if blanks else self.position
                pieces.append((f"<{blanks[0] if blanks else ''}", False))
            else:
                pieces.append((char, True))
        if until:
            raise self._error(f"the closing {until!r} is missing")
        return pieces

    def _peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def _next(self) -> str:
        char = self._peek()
        self.position += 1
        return char

    def _error(self, reason: str) -> DockerfileError:
        return DockerfileError(self.line, f"{self.text}: {reason}")

    def _quoted(self, quote: str, *, raw: bool) -> str:
        out: list[str] = []
        while (char := self._next()) != quote:
            if not char:
                raise self._error(f"the closing {quote!r} is missing")
            if quote == '"' and char == "$":
                out.append(self._variable())
            elif quote == '"' and char == self.escape and self._peek():
                escaped = self._peek() in f'"${self.escape}'
                out += [char if raw else "", self._next() if escaped else char]
            else:
                out.append(char)
        return "".join(out)

    def _variable(self) -> str:
        start = self.position - 1
        value = self._braced() if self._peek() == "{" else self._plain()
        return self.text[start : self.position] if self._lookup is None else value

    def _plain(self) -> str:
        name = self._name()
        return (self._value(name) or "") if name else "$"

    def _braced(self) -> str:
        self.position += 1
        if self._peek() in ("{", "}", ":"):
            raise self._error("there is no name after '${'")
        name, operator = self._name(), self._next()
        if operator == "}":
            return self._value(name) or ""
        if operator == "/":
            return self._replaced(name)
        if operator == ":":
            operator += self._next()
        if operator not in (":-", "-", ":+", "+", ":?", "?", "#", "%"):
            raise self._error(f"the operator after {name} is not known")
        rest = _text(self.read("}", raw=operator in "#%"))
        value = self._value(name)
        if operator in "#%":
            return self._trimmed(value or "", operator, rest)
        is_set = bool(value) if operator.startswith(":") else value is not None
        if operator.endswith("?") and not is_set and self._lookup:
            raise DockerfileError(self.line, f"{name}: {rest or 'it has no value'}")
        if operator.endswith("+"):
            return rest if is_set else ""
        return (value or "") if is_set else rest

    def _name(self) -> str:
        start, first = self.position, self._peek()
        if first and first in _SPECIAL:
            self.position += 1
        elif first.isdecimal():
            while self._peek().isdecimal():
                self.position += 1
        else:
            while self._peek().isalpha() or self._peek().isdecimal() or self._peek() == "_":
                self.position += 1
        return self.text[start : self.position]

    def _value(self, name: str) -> str | None:
        return self._lookup(name) if self._lookup else None

    def _trimmed(self, value: str, operator: str, pattern: str) -> str:
        """Return the value without what the pattern matches at its beginning (`#`) or end (`%`)."""
        greedy = pattern.startswith(operator)
        parts = self._pattern(pattern[greedy:], greedy=greedy)
        if operator == "#":
            match = re.match("".join(parts), value)
            return value[match.end() :] if match else value
        match = re.match("".join(reversed(parts)), value[::-1])  # backwards, because the shortest match counts
        return value[: len(value) - match.end()] if match else value

    def _replaced(self, name: str) -> str:
        every = self._peek() == "/"
        self.position += every
        pattern, replacement = _text(self.read("/", raw=True)), _text(self.read("}", raw=True))
        value, out, end = self._value(name) or "", "", 0
        for number, match in enumerate(re.finditer("".join(self._pattern(pattern, greedy=True)), value)):
            if number and (not every or match.span() == (end, end)):
                continue
            # As Go's ReplaceAllString: $1 and ${x} are groups, and there are none.
            out += value[end : match.start()] + (_TEMPLATE.sub(r"\1", replacement) if every else replacement)
            end = match.end()
        return out + value[end:]

    def _pattern(self, pattern: str, *, greedy: bool) -> list[str]:
        """Return the regular expressions of a pattern's characters."""
        parts: list[str] = []
        chars = iter(re.findall(r"\\[}/]|[\s\S]", pattern))
        for char in chars:
            following = next(chars, "") if char == "\\" else char[-1]
            if char == "\\" and following not in ("*", "?", "\\"):
                raise self._error(f"\\{following} has no meaning in a pattern")
            star = ".*" if greedy else ".*?"
            parts.append({"*": star, "?": "."}.get(char, re.escape(following)))
        return parts


def _text(pieces: _Pieces) -> str:
    return "".join(piece for piece, _ in pieces)
