"""The app object or factory of a Python app, found in its source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from seatrial.detection.folder import Folder
from seatrial.detection.python_source import Module

__all__ = ["FRAMEWORKS", "Entry", "Framework", "entries", "import_root", "runs_on_import"]


class Framework(Struct, frozen=True):
    """A web framework: its package, whether its apps are ASGI apps, and the port of its own server."""

    name: str
    package: str
    is_async: bool
    port: int


_FLASK = Framework("Flask", "flask", is_async=False, port=5000)
_FASTAPI = Framework("FastAPI", "fastapi", is_async=True, port=8000)
DJANGO = Framework("Django", "django", is_async=False, port=8000)
_WSGI = Framework("a WSGI app", "", is_async=False, port=8000)
_ASGI = Framework("an ASGI app", "", is_async=True, port=8000)
FRAMEWORKS = {
    "flask.Flask": _FLASK,
    "apiflask.APIFlask": Framework("APIFlask", "apiflask", is_async=False, port=5000),
    "fastapi.FastAPI": _FASTAPI,
    "fastapi.applications.FastAPI": _FASTAPI,
    "starlette.applications.Starlette": Framework("Starlette", "starlette", is_async=True, port=8000),
    "quart.Quart": Framework("Quart", "quart", is_async=True, port=5000),
    "litestar.Litestar": Framework("Litestar", "litestar", is_async=True, port=8000),
    "bottle.Bottle": Framework("Bottle", "bottle", is_async=False, port=8080),
    "bottle.default_app": Framework("Bottle", "bottle", is_async=False, port=8080),
    "falcon.App": Framework("Falcon", "falcon", is_async=False, port=8000),
    "falcon.asgi.App": Framework("Falcon", "falcon", is_async=True, port=8000),
    "django.core.wsgi.get_wsgi_application": DJANGO,
    "django.core.asgi.get_asgi_application": Framework("Django", "django", is_async=True, port=8000),
}
"""What makes an app when it is called."""

# Files that people name after what is in them, and names that servers look for.
_FILES = ({"wsgi", "asgi"}, {"app", "main", "application", "server", "run", "api", "web"}, {"__init__"})
_NAMES = ("app", "application", "api", "server")
_PATH = re.compile(r"[\w][\w./-]{1,99}")
_FACTORIES = ("create_app", "make_app", "build_app", "get_app", "app_factory", "create_application")


class Entry(Struct, frozen=True):
    """An app object or a factory: `name` in `module`, made on `line`."""

    module: Module
    name: str
    framework: Framework
    line: int
    is_factory: bool = False

    @property
    def rank(self) -> tuple[object, ...]:
        """How likely servers are meant to use it; the lowest first."""
        stem = self.module.name.rpartition("/")[2].removesuffix(".py")
        file = next((number for number, names in enumerate(_FILES) if stem in names), len(_FILES))
        names = _FACTORIES if self.is_factory else _NAMES
        name = names.index(self.name) if self.name in names else len(names)
        plain = not self.framework.package
        return (plain, self.is_factory, *self.closeness, file, name, self.module.name)

    @property
    def closeness(self) -> tuple[int, ...]:
        """How far the file is from the folder's top."""
        return (self.module.name.removesuffix("/__init__.py").removeprefix("src/").count("/"),)


def entries(modules: Sequence[Module]) -> list[Entry]:
    """Return all app objects and factories, the most likely one first."""
    factories = [one for module in modules for one in _factories(module)]
    found = [one for module in modules for one in _objects(module, factories)]
    made = {(one.module.name, one.name) for one in found}
    return sorted(
        [*found, *(one for one in factories if (one.module.name, one.name) not in made)], key=lambda one: one.rank
    )


def import_root(folder: Folder, module: Module) -> str:
    """Return the folder (relative, empty for the app's own) where Python must look for the module.

    It is the first one above that is not a package: by its `__init__.py`, or by how the module imports others.
    """
    *parts, _ = module.name.split("/")
    depth = len(parts)
    while depth and folder.has("/".join((*parts[:depth], "__init__.py"))):
        depth -= 1
    relative = [len(source) - len(source.lstrip(".")) for source in module.import_sources if source.startswith(".")]
    if relative and depth == len(parts):
        depth = max(0, len(parts) - max(relative))
    for number, part in enumerate(parts[:depth]):
        heads = [source.split(".") for source in module.import_sources]
        if any(head[0] == part and len(head) > 1 and _exists(folder, [*parts[:number], *head]) for head in heads):
            return "/".join(parts[:number])
    if depth and depth == len(parts) and _uses_paths_of(folder, module, "/".join(parts)):
        return ""
    return "/".join(parts[:depth])


def runs_on_import(entry: Entry) -> int:
    """Return the line where an import of the app's module starts a server (`app.run()`), 0 for none."""
    for statement in entry.module.statements():
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            called = entry.module.resolve(statement.value.func)
            if called in (f"{entry.name}.run", "uvicorn.run", f"{entry.name}.run_server"):
                return statement.lineno
    return 0


def _objects(module: Module, factories: Sequence[Entry]) -> Iterator[Entry]:
    for name, value in module.assignments():
        if isinstance(value, ast.Call):
            called = module.resolve(value.func)
            if framework := FRAMEWORKS.get(called):
                yield Entry(module, name, framework, value.lineno)
            elif factory := _factory(module, called, factories):
                yield Entry(module, name, factory.framework, value.lineno)
    for name, function in module.functions.items():
        arguments = [one.arg for one in function.args.args]
        if isinstance(function, ast.AsyncFunctionDef) and arguments == ["scope", "receive", "send"]:
            yield Entry(module, name, _ASGI, function.lineno)
        elif isinstance(function, ast.FunctionDef) and arguments in (
            ["environ", "start_response"],
            ["env", "start_response"],
        ):
            yield Entry(module, name, _WSGI, function.lineno)


def _factories(module: Module) -> Iterator[Entry]:
    """Yield the functions that return a new app and can be called without arguments."""
    for name, function in module.functions.items():
        required = len(function.args.args) - len(function.args.defaults)
        made = [
            (FRAMEWORKS[called], node)
            for node in ast.walk(function)
            if isinstance(node, ast.Call) and (called := module.resolve(node.func)) in FRAMEWORKS
        ]
        returns = any(isinstance(node, ast.Return) and node.value is not None for node in ast.walk(function))
        if isinstance(function, ast.FunctionDef) and made and returns and not required and not name.startswith("_"):
            yield Entry(module, name, made[0][0], made[0][1].lineno, is_factory=True)


def _factory(module: Module, called: str, factories: Sequence[Entry]) -> Entry | None:
    """Return the factory that a call means, of this file or imported from another."""
    source, _, name = called.lstrip(".").rpartition(".")
    for one in factories:
        if one.name == name and (
            (not source and one.module.name == module.name) or (source and _ends_with(one.module.dotted, source))
        ):
            return one
    return None


def _ends_with(dotted: str, source: str) -> bool:
    return f".{dotted}".endswith(f".{source}")


def _exists(folder: Folder, parts: Sequence[str]) -> bool:
    path = "/".join(parts)
    return folder.has(f"{path}.py") or folder.has_folder(path)


def _uses_paths_of(folder: Folder, module: Module, own: str) -> bool:
    """Return whether the file names paths that are in the app's folder and not in the file's own."""
    found = {node.value for node in ast.walk(module.tree) if isinstance(node, ast.Constant)}
    paths = [one for one in found if isinstance(one, str) and _PATH.fullmatch(one)]
    return any((folder.path / one).exists() and not (folder.path / own / one).exists() for one in paths)
