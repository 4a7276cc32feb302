"""Which room may import which, and what is done in one room only."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from seatrial import errors

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "seatrial"
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FILE = 300
# The house, from the top floor to the cellar: a module imports only from its own room and from lines below its own.
FLOORS = (
    ("__main__",),
    ("tasks",),
    ("cli",),
    ("output",),
    ("doctor",),
    ("steps",),
    ("diagnosis",),
    ("checks",),
    ("pipeline",),
    ("engine",),
    ("registry", "sources", "settings"),
    ("model", "host"),
    ("wording", "events", "errors"),
)
# Which stage of the road may use another one.
STAGES = {"build": set(), "smoke": set(), "setup": set(), "serve": {"smoke"}, "publish": {"build"}}
# Where alone a library may be imported, as paths below the package.
ONLY = {
    "invoke": ("tasks.py", "__main__.py", "cli/"),
    "docker": ("engine/docker/", "engine/builders/", "engine/connection.py"),
    "urllib3": ("engine/", "registry/"),
    "requests": ("registry/", "engine/"),
    "rich": ("output/",),
    "subprocess": ("host/subprocesses.py", "registry/credentials.py", "steps/setup/engine.py"),
    "playwright": ("checks/browser/",),
    "msgspec": ("settings/", "engine/builders/", "doctor/dockerfile_lint.py"),
    "google": ("engine/builders/",),
    "yaml": ("settings/",),
}


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def _room(module: str) -> str:
    """Return the room of `seatrial.room.module` or of `seatrial/room/module.py`."""
    return module.removeprefix("seatrial.").split(".")[0]


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@functools.cache
def _imports(path: Path) -> frozenset[str]:
    """Return every module that a file imports, late and for the type checker as well."""
    return frozenset(_walk_imports(path))


def _walk_imports(path: Path) -> Iterator[str]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = ROOT.joinpath(*node.module.split("."))
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                is_module = (inside / f"{alias.name}.py").exists() or (inside / alias.name).is_dir()
                yield whole if is_module else node.module


def _imports_of_ours(path: Path) -> set[str]:
    return {found for found in _imports(path) if found.startswith("seatrial.")}


def test_the_rooms_are_the_house() -> None:
    """Every room of the package has its floor, and every floor's room is there."""
    there = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    there |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert sorted(room for floor in FLOORS for room in floor) == sorted(there)


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_room_imports_only_rooms_below(path: Path) -> None:
    """Imports lead downstairs, or to the same room."""
    floors = {room: number for number, floor in enumerate(FLOORS) for room in floor}
    own = _room(_module(path))
    if own == "__init__":
        assert not _imports_of_ours(path)
        return
    upstairs = {to for to in _imports_of_ours(path) if _room(to) != own and floors[_room(to)] <= floors[own]}
    assert not upstairs


def test_no_circle_between_sub_rooms() -> None:
    """The folders inside a room import each other in one direction only."""
    arrows: dict[str, set[str]] = {}
    for path in (path for path in MODULES if path.parent != PACKAGE):
        own = _module(path).rpartition(".")[0]
        arrows.setdefault(own, set()).update({found.rpartition(".")[0] for found in _imports_of_ours(path)} - {own})
    TopologicalSorter(arrows).prepare()


@pytest.mark.parametrize("path", sorted((PACKAGE / "steps").rglob("*.py")), ids=_name)
def test_a_step_takes_from_no_other_stage(path: Path) -> None:
    """A step prints nothing, exits nowhere, and uses another stage only where the house allows it."""
    called = {
        node.func.id for node in ast.walk(_tree(path)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"print", "exit", "input"}
    own = path.parent.name
    used = {found.split(".")[2] for found in _imports_of_ours(path) if found.startswith("seatrial.steps.")} - {own}
    assert used <= STAGES.get(own, set())


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_library_belongs_in_one_room(path: Path) -> None:
    """A library that belongs in one room is imported in no other."""
    for library, rooms in ONLY.items():
        if any(found.split(".")[0] == library for found in _imports(path)):
            assert _name(path).startswith(rooms), f"{library} is not to be imported here"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_the_environment_is_read_in_settings(path: Path) -> None:
    """Only the settings read the environment."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}:
            assert _name(path).startswith("settings/")


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("__init__.py")), ids=_name)
def test_a_package_file_holds_one_sentence(path: Path) -> None:
    """A package's own file says what lives there, and nothing else: importing it costs nothing."""
    allowed = {"__all__", "__version__"} if path.parent == PACKAGE else set()
    docstring, *more = _tree(path).body
    assert isinstance(docstring, ast.Expr)
    assert all(isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in allowed for node in more)


@pytest.mark.parametrize("path", [path for path in MODULES if path.stem != "__init__"], ids=_name)
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
    decorated = {"tasks.py", "cli/read_tasks.py"}  # their functions are offered as the collection
    if _name(path) not in decorated:
        assert {name for name in public if not name.startswith("_")} <= set(names)


@pytest.mark.parametrize("path", [*MODULES, *sorted(Path(__file__).parent.rglob("*.py"))], ids=str)
def test_length(path: Path) -> None:
    """No file has more lines than one can keep in mind."""
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_FILE


def test_the_readme_shows_the_house() -> None:
    """The tree in the README names exactly the rooms of the package, from the top floor to the cellar."""
    tree = (ROOT / "README.md").read_text("utf-8").partition("## Where things are")[2].split("```")[1]
    inside = tree.partition("\nseatrial/")[2].partition("\ntests/")[0]
    named = [word.strip("/").removesuffix(".py") for line in inside.splitlines()[1:] for word in line[:19].split()]
    floors = {room: number for number, floor in enumerate(FLOORS) for room in floor}
    assert sorted(named) == sorted(floors)
    assert [floors[room] for room in named] == sorted(floors.values())


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
    """Listing tasks and asking for help do not pay for the SDK, requests, protobuf, Playwright or colours."""
    heavy = "{'docker', 'google', 'playwright', 'requests', 'rich', 'urllib3'}"
    words = f"import sys, seatrial.tasks; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
