"""What a runner of GitHub Actions reads: the commands in a line, and the outputs in a file, as its own source does."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Command", "commands", "read_outputs"]

_NAMES = [
    "add-mask",
    "add-matcher",
    "add-path",
    "debug",
    "echo",
    "endgroup",
    "error",
    "group",
    "notice",
    "remove-matcher",
    "save-state",
    "set-env",
    "set-output",
    "stop-commands",
    "warning",
]


@dataclass(frozen=True)
class Command:
    """A workflow command."""

    name: str
    text: str
    properties: dict[str, str] = field(default_factory=dict)


def commands(output: str) -> list[Command]:
    """Return the commands that a runner finds in what a program prints."""
    lines = output.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [found for line in lines if (found := _colons(line) or _brackets(line))]


def _colons(line: str) -> Command | None:
    head, mark, text = line.lstrip().removeprefix("::").partition("::")
    return _command(head, text, ",") if line.lstrip().startswith("::") and mark else None


def _brackets(line: str) -> Command | None:
    head, mark, text = line.partition("##[")[2].partition("]")
    return _command(head, text, ";") if mark else None


def _command(head: str, text: str, separator: str) -> Command | None:
    name, _, rest = head.partition(" ")
    if name.lower() not in _NAMES:
        return None
    pairs = (pair.split("=", 1) for pair in rest.strip().split(separator) if "=" in pair)
    properties = {key: _unescaped(value).replace("%3A", ":").replace("%2C", ",") for key, value in pairs}
    return Command(name, _unescaped(text), {key: value.replace("%25", "%") for key, value in properties.items()})


def _unescaped(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n")


def read_outputs(text: str) -> dict[str, str]:
    """Return the outputs in a file, NAME<<DELIMITER with lines up to the delimiter."""
    found, lines = {}, iter(text.splitlines())
    for line in lines:
        name, _, delimiter = line.partition("<<")
        found[name] = "\n".join(iter(lambda: next(lines), delimiter))
    return found
