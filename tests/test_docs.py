"""The documents match the code: every command in them exists, and every task, setting and cause is documented."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from invoke.exceptions import ParseError
from invoke.parser import Parser

import seatrial
from seatrial.cli.reference import task_reference
from seatrial.model.app import App
from seatrial.model.check import Check
from seatrial.settings import schema
from seatrial.settings.reading import settings_of
from seatrial.settings.settings import Settings
from seatrial.tasks import ns
from tests.hints import wrong_commands

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "README.pt-BR.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
CHORES = {"test", "dev.bench", "dev.engines", "dev.growth", "dev.lint", "dev.lock", "dev.reference"}
CONTEXTS = {context.name: context for context in ns.to_contexts()}  # once: Invoke returns each help text only once
_BLOCK = re.MULTILINE | re.DOTALL
_FENCE = re.compile(r"^```sh\n(.*?)^```", _BLOCK)
_PROGRAM = re.compile(r"^(?:\./inv|invoke|seatrial) (?=[a-z])")


def _commands(page: Path) -> list[str]:
    text = page.read_text("utf-8")
    fenced = [line.partition("#")[0].strip() for block in _FENCE.findall(text) for line in block.splitlines()]
    inline = re.findall(r"`((?:\./inv|invoke|seatrial) [a-z][^`]*)`", text)
    return [_PROGRAM.sub("", line) for line in (*fenced, *inline) if _PROGRAM.match(line)]


WRITTEN = [(page.name, command) for page in PAGES for command in _commands(page)]


def test_written_commands_exist() -> None:
    """A command in a document names tasks that exist and flags that they take."""
    assert len(WRITTEN) > 15
    for page, command in WRITTEN:
        _check_command(page, command)


def test_the_readme_in_portuguese_is_current() -> None:
    """It has the headings, code, tables and links of the English one; comments and sentences are its own."""

    def structure(text: str) -> list[object]:
        blocks = re.findall(r"^```.*?^```", text, _BLOCK)
        code = [[re.split(r"# |(?<=\S)  +", line)[0].rstrip() for line in block.splitlines()] for block in blocks]
        links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("README")]
        rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `") or re.match(r"\| \d", line)]
        return [len(re.findall(r"^#+ ", text, re.MULTILINE)), code, links, rows]

    english, portuguese = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.pt-BR.md"))
    assert structure(portuguese) == structure(english)


def _check_command(page: str, command: str) -> None:
    words = shlex.split(command.replace("TASK", "build"))
    if words[0] in CHORES:
        return
    known = [word.removeprefix("seatrial.") for word in words if not word.startswith("…")]
    try:
        Parser(contexts=list(CONTEXTS.values())).parse_argv(known)
    except ParseError as error:
        pytest.fail(f"{page}: {error}")


@pytest.mark.parametrize("name", sorted(name for name in CONTEXTS if name))
def test_tasks_are_documented(name: str) -> None:
    """Every task is in the README and has one sentence of help, two examples, and help for each of its flags."""
    assert f"`{name}`" in (ROOT / "README.md").read_text("utf-8")
    assert re.fullmatch(r"[A-Z][^\n]*\.", ns[name].summary)
    assert len({one for one in ns[name].examples if one.startswith("invoke ") and name in shlex.split(one)}) == 2
    assert not [wrong for one in ns[name].examples for wrong in wrong_commands(one)]
    assert all(argument.help for argument in CONTEXTS[name].args.values())


def test_settings_are_documented() -> None:
    """Every setting is in docs/settings.md, and every one of a check in its example of checks."""
    page = (ROOT / "docs/settings.md").read_text("utf-8")
    example = re.search(r"^```yaml\nchecks:\n.*?^```", page, _BLOCK)
    assert example
    assert not [name for name in (*settings_of(Settings), *settings_of(App)) if f"{name}:" not in page]
    assert not [name for name in settings_of(Check) if f"{name}:" not in example[0]]


def test_the_reference_of_tasks_is_current() -> None:
    """docs/tasks.md is made from the tasks: `./inv dev.reference` writes it."""
    assert (ROOT / "docs/tasks.md").read_text("utf-8") == task_reference(ns)


def test_the_schema_of_the_settings_is_current() -> None:
    """The shipped schema is made from the structs: write `schema.json_schema()` to settings.schema.json."""
    shipped = Path(schema.__file__).with_name("settings.schema.json")
    assert shipped.read_text("utf-8") == schema.json_schema()


def _causes(tree: ast.Module) -> Iterator[str]:
    """Yield the names of causes in a module: each value of `cause`, and the name of each `Cause`."""
    for node in ast.walk(tree):
        values: list[ast.expr] = []
        if isinstance(node, ast.Call):
            kind = ast.unparse(node.func)
            wanted = {"Cause": "name"}.get(kind, "cause")
            values = [one.value for one in node.keywords if one.arg == wanted]
            values += node.args[:1] if kind.startswith("Cause.fixed_by_") else []
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "cause":
            values = [node.value]
        for value in values:
            branches = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
            yield from (one.value for one in branches if isinstance(one, ast.Constant) and isinstance(one.value, str))


def test_causes_are_documented() -> None:
    """Every cause in the code has a row in docs/causes.md, and every row names such a cause."""
    modules = [ast.parse(path.read_text("utf-8")) for path in (ROOT / "seatrial").rglob("*.py")]
    table = (ROOT / "docs/causes.md").read_text("utf-8").partition("|---|")[2]
    rows = re.findall(r"^\| `([a-z0-9-]+)` \|", table, re.MULTILINE)

    assert sorted(rows) == sorted({name for tree in modules for name in _causes(tree) if name})


def test_links() -> None:
    """A link to a file of this repository names a file that exists."""
    links = [(page, target) for page in PAGES for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8"))]
    assert not [(page, to) for page, to in links if "://" not in to and not (page.parent / to).exists()]


def test_changelog_has_the_version() -> None:
    """The changelog has a chapter about the current version."""
    assert f"## {seatrial.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
