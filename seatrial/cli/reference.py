"""The reference of all tasks, docs/tasks.md, made from the tasks themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from invoke.collection import Collection
from invoke.parser.argument import Argument

from seatrial.cli.collection import SeatrialTask
from seatrial.cli.program import grouped

__all__ = ["task_reference"]

_HEAD = """\
# All tasks

What `invoke --help TASK` shows, for every task. Without a value in its column, a flag is off or comes from the settings
([settings.md](settings.md)). A flag that may be given several times has `…` behind it."""


def task_reference(collection: Collection) -> str:
    """Return the reference of a collection's tasks as Markdown."""
    contexts = {context.name: context for context in collection.to_contexts()}
    lines = [_HEAD]
    for title, names in grouped(collection.tasks).items():
        lines += ["", f"## {title}"]
        for name in names:
            lines += _section(name, collection[name], contexts[name].args.values())
    return "\n".join(lines) + "\n"


def _section(name: str, task: SeatrialTask, flags: Iterable[Argument]) -> Iterator[str]:
    yield from ("", f"### {name}", "", task.summary, "")
    rows = [_row(flag) for flag in flags]
    if rows:
        yield from ("| flag | default | what it does |", "|---|---|---|", *rows, "")
    yield from ("```sh", *task.examples, "```")


def _row(flag: Argument) -> str:
    """Return a flag's row in the table of its task."""
    words = [f"--{flag.names[0].replace('_', '-')}", *(f"-{letter}" for letter in flag.nicknames)]
    value = " VALUE" if flag.takes_value else ""
    names = ", ".join(f"`{word}{value}`" for word in words)
    default = f"`{flag.default}`" if isinstance(flag.default, str) else ""
    return f"| {names}{' …' if flag.kind is list else ''} | {default} | {flag.help} |"
