"""Python files as syntax trees: nothing is imported or run."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from seatrial.detection.folder import Folder

__all__ = ["Module", "constant", "keyword_value", "read_modules"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """A Python file: `name` is its path in the app's folder, `tree` its syntax tree."""

    name: str
    tree: ast.Module = field(repr=False)

    @cached_property
    def imported(self) -> Mapping[str, str]:
        """The names that imports bind, and what each stands for: `Flask` for `flask.Flask`.

        A relative import begins with dots.
        """
        found: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for one in node.names:
                    found[one.asname or one.name.partition(".")[0]] = (
                        one.name if one.asname else one.name.partition(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom):
                source = "." * node.level + (node.module or "")
                for one in node.names:
                    dot = "" if source.endswith(".") or not source else "."
                    found[one.asname or one.name] = f"{source}{dot}{one.name}"
        return found

    @cached_property
    def import_sources(self) -> frozenset[str]:
        """The modules that the file imports from, as they are written."""
        found = set[str]()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {one.name for one in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add("." * node.level + (node.module or ""))
        return frozenset(found)

    @cached_property
    def functions(self) -> Mapping[str, _Function]:
        """The functions at the top of the file."""
        return {one.name: one for one in self.tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}

    @property
    def dotted(self) -> str:
        """The module's name, seen from the app's folder."""
        return self.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def resolve(self, node: ast.expr) -> str:
        """Return what a name or attribute stands for, as in `flask.Flask`; empty for anything else."""
        if isinstance(node, ast.Name):
            return self.imported.get(node.id, node.id)
        if isinstance(node, ast.Attribute) and (owner := self.resolve(node.value)):
            return f"{owner}.{node.attr}"
        return ""

    def calls(self) -> Iterator[ast.Call]:
        """Yield every call in the file."""
        yield from (node for node in ast.walk(self.tree) if isinstance(node, ast.Call))

    def statements(self) -> Iterator[ast.stmt]:
        """Yield the statements that an import runs, also those in an `if` or a `try`, but not the main block."""
        waiting: list[ast.stmt] = list(self.tree.body)
        while waiting:
            statement = waiting.pop(0)
            yield statement
            if isinstance(statement, ast.If) and not _is_main(statement.test):
                waiting[:0] = [*statement.body, *statement.orelse]
            elif isinstance(statement, ast.Try | ast.With):
                waiting[:0] = statement.body

    def assignments(self) -> Iterator[tuple[str, ast.expr]]:
        """Yield each name that an import of the file binds to a value, and the value."""
        for statement in self.statements():
            if isinstance(statement, ast.Assign):
                yield from ((one.id, statement.value) for one in statement.targets if isinstance(one, ast.Name))
            elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
                yield statement.target.id, statement.value


def read_modules(folder: Folder) -> list[Module]:
    """Return the Python files of a folder that can be read, those near the top first."""
    found = []
    for name in folder.files(".py"):
        content = folder.bytes(name)
        if content is None or name.rpartition("/")[2].startswith(("test_", "conftest")):
            continue
        try:
            found.append(Module(name, ast.parse(content)))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
            folder.note(f"{name}{line}", "it is not valid Python 3")
    return found


def constant(node: ast.expr | None) -> object:
    """Return the value of a literal, None for anything else."""
    try:
        return None if node is None else ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def keyword_value(call: ast.Call, names: Sequence[str], position: int | None = None) -> ast.expr | None:
    """Return the value of an argument by its name, or by its position from 0."""
    named = next((one.value for one in call.keywords if one.arg in names), None)
    if named is None and position is not None and len(call.args) > position:
        return call.args[position]
    return named


def _is_main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"
