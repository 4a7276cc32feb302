"""Who may import and do what: the house stays as docs and CONTRIBUTING say it is."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial import errors

PACKAGE = Path(__file__).parent.parent / "seatrial"
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FILE = 300
# Who alone may import a package, as paths below seatrial/.
ONLY = {
    "invoke": {"tasks.py", "read_tasks.py", "command_line.py", "program.py"},
    "docker": {"engine/"},
    "urllib3": {"engine/", "registry/"},
    "rich": {"console.py", "build_tree.py", "transfer_bars.py"},
    "requests": {"registry/", "engine/"},
    "subprocess": {"browser/", "command.py", "credentials.py", "surroundings/engine.py"},
    "msgspec": {"settings.py", "checks/settings.py"},
    "yaml": {"settings_file.py"},
}
# What a step may take from its neighbours: shared nouns, never another wish.
SHARED = {"trial", "destination", "holder", "identity", "moving", "publication", "recipe", "serving", "swap"}


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_imports(path: Path) -> None:
    """A package that belongs in one room is imported in no other."""
    for package, rooms in ONLY.items():
        if any(found.split(".")[0] == package for found in _imports(path)):
            assert any(_name(path).startswith(room) for room in rooms), f"{package} is not to be imported here"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_environment(path: Path) -> None:
    """The environment is read in one place."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}:
            assert _name(path) == "settings.py"


@pytest.mark.parametrize("path", sorted((PACKAGE / "steps").glob("*.py")), ids=_name)
def test_steps(path: Path) -> None:
    """A step prints nothing, exits nowhere, and takes nothing from another step."""
    called = {
        node.func.id for node in ast.walk(_tree(path)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"print", "exit", "input"}
    if path.stem == "__init__":
        return
    for found in _imports(path):
        room, _, module = found.partition("seatrial.steps.")
        if not room and module:
            assert module.split(".")[0] in SHARED, found


@pytest.mark.parametrize("path", sorted((PACKAGE / "engine").glob("*.py")), ids=_name)
def test_engine(path: Path) -> None:
    """The seam knows nothing of steps, worlds and commands."""
    above = (
        "seatrial.steps",
        "seatrial.world",
        "seatrial.step",
        "seatrial.pipeline",
        "seatrial.playbook",
        "seatrial.console",
    )
    assert not [found for found in _imports(path) if found.startswith(above)]


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_public_names(path: Path) -> None:
    """Every module says in a sorted __all__ what it offers, and has all of it."""
    tree = _tree(path)
    lists = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__"
    ]
    assert len(lists) == 1, "there is no __all__"
    names = ast.literal_eval(lists[0])
    public = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    decorated = {"tasks.py", "read_tasks.py"}  # their functions are offered as the collection
    if _name(path) not in decorated:
        assert {name for name in public if not name.startswith("_")} <= set(names)


@pytest.mark.parametrize("path", [*MODULES, *sorted(Path(__file__).parent.rglob("*.py"))], ids=str)
def test_length(path: Path) -> None:
    """No file has got away."""
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_FILE


def test_error_tree() -> None:
    """Every error stands in the tree at the top of its module, with the exit code it has."""
    tree = errors.__doc__ or ""
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.SeatrialError)
    ]
    for kind in kinds:
        (line,) = [line for line in tree.splitlines() if f" {kind.__name__} " in f" {line.lstrip(' │├└─')} "]
        if kind is not errors.Interrupted:
            assert f" {kind.exit_code} " in line
            assert kind.exit_code in {1, 2, 3, 4}


def test_heavy_imports_are_late() -> None:
    """Listing tasks and asking for help do not pay for the SDK, for requests or for colours."""
    words = "import sys, seatrial.tasks; print(*sorted({'docker', 'requests', 'rich', 'urllib3'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
