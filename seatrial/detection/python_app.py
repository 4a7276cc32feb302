"""A Python app: what it is, how it is served, and what it answers."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from seatrial.detection.app import PythonApp
from seatrial.detection.django import find_django
from seatrial.detection.folder import Folder
from seatrial.detection.python_entry import Entry, entries, import_root, runs_on_import
from seatrial.detection.python_pages import page_check
from seatrial.detection.python_source import Module, constant, read_modules
from seatrial.detection.requirements import Requirements, python_version, read_requirements

__all__ = ["find_python_app"]

_MARKS = ("requirements.txt", "pyproject.toml", "setup.py", "Pipfile", "manage.py", "requirements")
_IN_IMAGE = "/app"
_FOLDER = re.compile(r"\w[\w-]*(?:/\w[\w-]*)*")


def find_python_app(folder: Folder) -> PythonApp | None:
    """Return the Python app whose own folder this is; None if it is not one.

    Without a file that names libraries, the app must be directly in the folder: others are apps of their own.
    """
    modules = read_modules(folder)
    if not any((folder.path / mark).exists() for mark in _MARKS):
        modules = [one for one in modules if "/" not in one.name]
        modules = modules if any(entries(modules)) else []
    if not modules:
        return None
    requirements = read_requirements(folder)
    found = _django_app(modules, requirements) or _framework_app(folder, modules, requirements)
    return found and _complete(folder, modules, found, requirements)


def _django_app(modules: Sequence[Module], requirements: Requirements) -> PythonApp | None:
    project = find_django(modules, has_whitenoise=requirements.has("whitenoise"))
    if project is None:
        return None
    notes = [*project.notes]
    if project.needs:
        notes.append(f"its settings need {', '.join(project.needs)}: add values under environment")
    return PythonApp(
        what="Django",
        why=f"settings {project.settings}, named in {project.manage}, line {project.line}",
        port=8000,
        port_from="Django's own",
        base_image="",
        target=project.target,
        server="gunicorn",
        workdir=project.workdir,
        prepare="python manage.py collectstatic --noinput" if project.collects else "",
        check=project.check,
        environment=project.environment,
        extra=() if requirements.has("django") or requirements.whole else ("django",),
        notes=tuple(notes),
    )


def _framework_app(folder: Folder, modules: Sequence[Module], requirements: Requirements) -> PythonApp | None:
    found = entries(modules)
    if not found:
        return None
    entry = found[0]
    framework = entry.framework
    root = import_root(folder, entry.module)
    name = entry.module.dotted.removeprefix(root.replace("/", ".")).lstrip(".")
    check, notes = page_check(folder, modules, entry)
    notes += _others(found)
    served, line = False, runs_on_import(entry)
    if line and framework.package == "flask":
        served = True
    elif line:
        notes += (
            f"{entry.module.name}, line {line} starts a server on import: put it below if __name__ == '__main__':",
        )
    known = not framework.package or requirements.has(framework.package) or requirements.whole
    return PythonApp(
        what=framework.name,
        why=f"{entry.name}{'()' * entry.is_factory} in {entry.module.name}, line {entry.line}",
        port=framework.port,
        port_from=f"{framework.name}'s own" if framework.package else "gunicorn's and uvicorn's own",
        base_image="",
        target=f"{name}:{entry.name}" + "()" * entry.is_factory,
        server="uvicorn" if framework.is_async else "gunicorn",
        factory=entry.is_factory,
        runs_on_import=served,
        workdir="" if root in ("", "src") else root,
        path=root if root == "src" else "",
        check=check,
        extra=() if known else (framework.package,),
        notes=notes,
    )


def _others(found: Sequence[Entry]) -> tuple[str, ...]:
    """Return a note if another app object is as likely as the first one."""
    first = found[0]
    for other in found[1:]:
        same = (other.rank[:4], other.module.name == first.module.name) == (first.rank[:4], False)
        if same and not other.is_factory:
            return (f"{other.module.name}, line {other.line} has another app, {other.name}; the first one is served",)
    return ()


def _complete(folder: Folder, modules: Sequence[Module], app: PythonApp, requirements: Requirements) -> PythonApp:
    """Return the app with Python's version, its server and the folders where it writes."""
    version, version_from = python_version(folder)
    notes = list(app.notes)
    extra = app.extra
    if extra:
        place = f"{requirements.source} does not name" if requirements.source else "no file names"
        notes.append(f"{place} {extra[0]}: the Dockerfile installs it")
    if not (requirements.has(app.server) or _brings_server(app.server, requirements)):
        missing = f"{requirements.source} names no server" if requirements.source else "no file names a server"
        notes.append(f"{missing}: the Dockerfile adds {app.server}")
        extra = (*extra, app.server)
    if version_from:
        notes.append(f"Python {version}: {version_from} says so")
    start = f"{_IN_IMAGE}/{app.workdir}".rstrip("/")
    return replace(
        app,
        base_image=f"python:{version}-slim",
        requirements=requirements,
        extra=extra,
        writes=tuple(dict.fromkeys(f"{start}/{name}" for module in modules for name in _written(module))),
        notes=tuple(notes),
    )


def _brings_server(server: str, requirements: Requirements) -> bool:
    """Return whether a library of the app has the server among its own."""
    return server == "uvicorn" and any(requirements.has(f"fastapi[{extra}]") for extra in ("standard", "all"))


def _written(module: Module) -> Iterator[str]:
    """Yield the folders that a file makes where it is started, and Flask's folder for the data of an instance."""
    flask_database = "flask_sqlalchemy" in module.import_sources
    for node in ast.walk(module.tree):
        is_path = isinstance(node, ast.Attribute) and node.attr == "instance_path"
        is_file = isinstance(node, ast.Constant) and flask_database and re.match(r"sqlite:///[^/:]", str(node.value))
        if is_path or is_file:
            yield "instance"
        elif isinstance(node, ast.Call) and module.resolve(node.func) in ("os.mkdir", "os.makedirs"):
            name = constant(node.args[0]) if node.args else None
            if isinstance(name, str) and _FOLDER.fullmatch(name):
                yield name
