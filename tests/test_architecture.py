"""Which room may import which room or library."""

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
# From top to bottom: a module imports only from its own room and from rooms on lines below its own.
LAYERS = (
    ("__main__",),
    ("tasks",),
    ("cli",),
    ("output",),
    ("doctor",),
    ("steps",),
    ("diagnosis",),
    ("checks",),
    ("layers",),
    ("pipeline",),
    ("engine",),
    ("detection",),
    ("registry", "sources", "settings"),
    ("model", "host"),
    ("wording", "events", "errors"),
)
# Which other stages a stage of the pipeline may use.
STAGES = {
    "build": set(),
    "smoke": set(),
    "setup": set(),
    "init": set(),
    "serve": {"smoke"},
    "publish": {"build"},
    "prune": set(),
    "deploy": {"publish", "smoke"},
}
# The only places that may import a library, as paths below the package.
ONLY = {
    "invoke": ("tasks.py", "__main__.py", "cli/"),
    "docker": ("engine/",),
    "urllib3": ("checks/http/", "engine/"),
    "requests": ("registry/connections.py", "engine/"),
    "rich": ("output/",),
    "jinja2": ("output/page/", "steps/init/"),
    "subprocess": ("host/subprocesses.py", "steps/setup/engine.py"),
    "playwright": ("checks/browser/",),
    "google": ("engine/builders/",),
    "h2": ("engine/builders/",),
    "yaml": ("settings/", "output/manifest.py"),
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
    """Return every module that a file imports, including late imports and those for the type checker."""
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


def test_every_room_has_a_layer() -> None:
    """The layers list exactly the rooms of the package."""
    rooms = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    rooms |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert sorted(room for layer in LAYERS for room in layer) == sorted(rooms)


def test_a_room_imports_only_rooms_below() -> None:
    """A module imports only from its own room and from layers below; the package file imports nothing of ours."""
    layers = {room: number for number, layer in enumerate(LAYERS) for room in layer} | {"__init__": len(LAYERS)}
    arrows = [(_name(path), _room(_module(path)), to) for path in MODULES for to in _imports_of_ours(path)]
    assert not [(name, to) for name, own, to in arrows if _room(to) != own and layers[_room(to)] <= layers[own]]


def test_no_cycle_between_folders() -> None:
    """The folders inside a room do not import each other in a cycle."""
    arrows: dict[str, set[str]] = {}
    for path in (path for path in MODULES if path.parent != PACKAGE):
        own = _module(path).rpartition(".")[0]
        arrows.setdefault(own, set()).update({found.rpartition(".")[0] for found in _imports_of_ours(path)} - {own})
    TopologicalSorter(arrows).prepare()


def test_a_step_uses_no_other_stage() -> None:
    """A step does not print, exit or ask for input, and uses only the other stages that STAGES allows."""
    for path in (PACKAGE / "steps").rglob("*.py"):
        calls = [node.func for node in ast.walk(_tree(path)) if isinstance(node, ast.Call)]
        called = {one.id for one in calls if isinstance(one, ast.Name)}
        assert not called & {"print", "exit", "input"}, path
        own = path.parent.name
        used = {found.split(".")[2] for found in _imports_of_ours(path) if found.startswith("seatrial.steps.")} - {own}
        assert used <= STAGES.get(own, set()), path


def test_libraries_stay_in_their_rooms() -> None:
    """A library in ONLY is imported only in its rooms."""
    imports = {(_name(path), found.split(".")[0]) for path in MODULES for found in _imports(path)}
    assert not [(name, library) for name, library in imports if not name.startswith(ONLY.get(library, ""))]


def test_the_environment_is_read_in_settings() -> None:
    """Only the settings read the environment."""
    for path in MODULES:
        reads = [one for one in ast.walk(_tree(path)) if isinstance(one, ast.Attribute)]
        assert _name(path).startswith("settings/") or not {one.attr for one in reads} & {"environ", "getenv"}, path


def test_decoders_are_made_when_a_module_is_loaded() -> None:
    """What apps do at once decodes with decoders made before: msgspec crashes if two threads prepare a type at once."""
    alone = ("cli/", "doctor/", "output/", "settings/")
    for path in (path for path in MODULES if not _name(path).startswith(alone)):
        functions = [one for one in ast.walk(_tree(path)) if isinstance(one, ast.FunctionDef)]
        calls = [
            ast.unparse(one.func) for function in functions for one in ast.walk(function) if isinstance(one, ast.Call)
        ]
        assert not [call for call in calls if call.endswith(("json.decode", "Decoder"))], path


def test_a_package_file_holds_one_sentence() -> None:
    """An `__init__.py` has a docstring and no code, so importing a package costs nothing."""
    for path in PACKAGE.rglob("__init__.py"):
        allowed = {"__all__", "__version__"} if path.parent == PACKAGE else set()
        docstring, *more = _tree(path).body
        assert isinstance(docstring, ast.Expr), path
        assert all(isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in allowed for node in more), path


def test_public_names() -> None:
    """Every module has one `__all__`, and it lists every public function and class."""
    decorated = {"tasks.py", "cli/read_tasks.py"}  # their functions are public through the collection
    for path in (path for path in MODULES if path.stem != "__init__"):
        body = _tree(path).body
        lists = [one for one in body if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "__all__"]
        assert len(lists) == 1, path
        public = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        if _name(path) not in decorated:
            names = set(ast.literal_eval(lists[0].value))
            assert {name for name in public if not name.startswith("_")} <= names, path


def test_length() -> None:
    """No file is longer than LONGEST_FILE."""
    files = [*MODULES, *Path(__file__).parent.rglob("*.py")]
    assert not [path for path in files if len(path.read_text("utf-8").splitlines()) > LONGEST_FILE]


def test_the_readme_shows_the_rooms() -> None:
    """The tree in the README names exactly the rooms of the package, in the order of the layers."""
    tree = (ROOT / "README.md").read_text("utf-8").partition("## Where things are")[2].split("```")[1]
    inside = tree.partition("\nseatrial/")[2].partition("\ntests/")[0]
    named = [word.strip("/").removesuffix(".py") for line in inside.splitlines()[1:] for word in line[:19].split()]
    layers = {room: number for number, layer in enumerate(LAYERS) for room in layer}
    assert sorted(named) == sorted(layers)
    assert [layers[room] for room in named] == sorted(layers.values())


def test_error_tree() -> None:
    """The docstring of `seatrial.errors` lists every error with its exit code."""
    tree = errors.__doc__ or ""
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.SeatrialError)
    ]
    for kind in kinds:
        (line,) = [line for line in tree.splitlines() if f" {kind.__name__} " in f" {line.lstrip(' │├└─')} "]
        if kind is not errors.Interrupted:
            assert f" {kind.exit_code} " in line
            assert kind.exit_code in {1, 2, 3, 4}


@pytest.mark.parametrize(
    ("words", "more"),
    [
        (["--list"], set()),
        (["release", "--version", "a/b"], {"seatrial.cli.session", "seatrial.events", "seatrial.registry.credentials"}),
    ],
)
def test_heavy_imports_are_late(words: list[str], more: set[str], tmp_path: Path) -> None:
    """Neither the list of tasks nor a wrong version loads settings, pipeline, asyncio, or a library but Invoke's."""
    heavy = {"asyncio", "docker", "google", "h2", "jinja2", "msgspec", "playwright", "requests", "rich", "urllib3"}
    heavy |= {"seatrial.engine.model", "seatrial.model.app", "seatrial.pipeline.world", "seatrial.settings.settings"}
    heavy |= {"seatrial.steps"}
    command = [sys.executable, "-X", "importtime", "-m", "seatrial", *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "seatrial.tasks" in loaded
    assert not loaded & (heavy | more)
