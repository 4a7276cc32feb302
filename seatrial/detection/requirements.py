"""What pip must install for a Python app: from its requirements, its pyproject.toml or its lock file."""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from seatrial.detection.folder import Folder

__all__ = ["Requirements", "python_version", "read_requirements"]

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?")
_INCLUDE = re.compile(r"\s*(?:-r|--requirement|-c|--constraint)[\s=]+(\S+)")
_LOCAL = re.compile(r"\s*(?:-e|--editable)?[\s=]*\.(?:/\S*|\[[^\]]*\])?\s*(?:#.*)?$")
_FILES = ("requirements.txt", "requirements/production.txt", "requirements/prod.txt", "requirements/base.txt")
# Debian's packages for libraries that pip has to compile.
_SYSTEM = {
    "psycopg2": ("gcc", "libc6-dev", "libpq-dev"),
    "mysqlclient": ("gcc", "libc6-dev", "pkg-config", "default-libmysqlclient-dev"),
    "uwsgi": ("gcc", "libc6-dev"),
    "python-ldap": ("gcc", "libc6-dev", "libldap-dev", "libsasl2-dev"),
    "pycairo": ("gcc", "libc6-dev", "pkg-config", "libcairo2-dev"),
}
_DEFAULT_PYTHON = (3, 13)
_OLDEST, _NEWEST = 8, 14
_PYTHON = re.compile(r"^(?:python-?)?\s*3\.(\d{1,2})", re.MULTILINE)


class Requirements(Struct, frozen=True, kw_only=True):
    """What names the app's libraries.

    `files` are those that pip reads; `lock` is the tool whose lock file does it instead (uv, poetry, pipenv), or
    pyproject, and `locked_files` are what it reads. `whole`: the app itself is installed, too, so that its files come
    first. `hashed`: pip checks hashes, and takes nothing without one beside them. `names` are the libraries
    (`gunicorn`), with extras (`fastapi[standard]`), and `source` is the file that names them.
    """

    files: tuple[str, ...] = ()
    lock: str = ""
    locked_files: tuple[str, ...] = ()
    whole: bool = False
    hashed: bool = False
    names: frozenset[str] = frozenset()
    source: str = ""

    @property
    def system(self) -> tuple[str, ...]:
        """Debian's packages that some of the libraries are compiled with."""
        return tuple(
            dict.fromkeys(package for name, packages in _SYSTEM.items() if name in self.names for package in packages)
        )

    def has(self, name: str) -> bool:
        """Return whether a library is named."""
        return name in self.names


def read_requirements(folder: Folder) -> Requirements:
    """Return what names the libraries of the app in a folder; empty requirements if nothing does."""
    project = _toml(folder, "pyproject.toml")
    for lock, tool in (("uv.lock", "uv"), ("poetry.lock", "poetry")):
        if folder.has(lock) and folder.has("pyproject.toml"):
            names = frozenset(_project_names(project))
            return Requirements(lock=tool, locked_files=("pyproject.toml", lock), names=names, source=lock)
    for file in _FILES:
        if folder.has(file):
            return _from_files(folder, file)
    if folder.has("Pipfile.lock") and folder.has("Pipfile"):
        names = frozenset(_normal(name) for name in _toml(folder, "Pipfile").get("packages", {}))
        return Requirements(lock="pipenv", locked_files=("Pipfile", "Pipfile.lock"), names=names, source="Pipfile.lock")
    own = project.get("project", {})
    if "dependencies" in own and "dependencies" not in own.get("dynamic", ()):
        names = frozenset(_project_names(project))
        return Requirements(lock="pyproject", locked_files=("pyproject.toml",), names=names, source="pyproject.toml")
    if own or "poetry" in project.get("tool", {}) or folder.has("setup.py"):
        source = "pyproject.toml" if project else "setup.py"
        return Requirements(whole=True, names=frozenset(_project_names(project)), source=source)
    return Requirements()


def python_version(folder: Folder) -> tuple[str, str]:
    """Return the version of Python that the app wants (`3.12`), and the file that says so (empty: the default)."""
    for name in (".python-version", "runtime.txt"):
        if (found := _PYTHON.search(folder.text(name) or "")) and _OLDEST <= int(found[1]) <= _NEWEST:
            return f"3.{found[1]}", name
    project = _toml(folder, "pyproject.toml")
    wanted = str(project.get("project", {}).get("requires-python", ""))
    poetry = project.get("tool", {}).get("poetry", {}).get("dependencies", {})
    wanted = wanted or str(poetry.get("python", ""))
    version = _toml(folder, "Pipfile").get("requires", {}).get("python_version", "")
    if found := _PYTHON.match(str(version)):
        return f"3.{found[1]}", "Pipfile"
    if minor := _allowed(wanted):
        return f"3.{minor}", "pyproject.toml"
    return f"{_DEFAULT_PYTHON[0]}.{_DEFAULT_PYTHON[1]}", ""


def _allowed(wanted: str) -> int:
    """Return the minor version nearest to the default one that a specifier allows; 0 if it allows the default."""
    default = _DEFAULT_PYTHON[1]
    upper = re.search(r"<(=?)\s*3\.(\d+)", wanted)
    exact = re.search(r"(?:==|~=|~)\s*3\.(\d+)", wanted)
    lower = re.search(r"(?:>=|\^)\s*3\.(\d+)", wanted)
    if exact:
        return int(exact[1]) if int(exact[1]) != default else 0
    if upper and (highest := int(upper[2]) - (0 if upper[1] else 1)) < default:
        return highest
    return int(lower[1]) if lower and int(lower[1]) > default else 0


def _from_files(folder: Folder, first: str) -> Requirements:
    files, names, whole = [], set[str](), False
    waiting = [first]
    while waiting:
        file = waiting.pop(0)
        if file in files or (text := folder.text(file)) is None:
            continue
        files.append(file)
        for line in text.splitlines():
            if included := _INCLUDE.match(line):
                waiting.append(posixpath.normpath(posixpath.join(posixpath.dirname(file), included[1])))
            elif line.strip() and _LOCAL.match(line):
                whole = True
            elif not line.lstrip().startswith(("#", "-")) and (found := _NAME.match(line)):
                names |= set(_with_extras(found))
    hashed = "--hash=" in "".join(folder.text(file) or "" for file in files)
    return Requirements(files=tuple(files), whole=whole, hashed=hashed, names=frozenset(names), source=first)


def _project_names(project: Mapping[str, Any]) -> Iterator[str]:
    for one in project.get("project", {}).get("dependencies", ()):
        if found := _NAME.match(str(one)):
            yield from _with_extras(found)
    poetry = project.get("tool", {}).get("poetry", {}).get("dependencies", {})
    for name, value in poetry.items() if isinstance(poetry, dict) else ():
        yield _normal(name)
        extras = value.get("extras", ()) if isinstance(value, dict) else ()
        yield from (f"{_normal(name)}[{extra}]" for extra in extras)


def _with_extras(found: re.Match[str]) -> Iterator[str]:
    name = _normal(found[1])
    yield name
    for extra in (found[2] or "").strip("[]").split(","):
        if extra.strip():
            yield f"{name}[{extra.strip().lower()}]"


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _toml(folder: Folder, name: str) -> dict[str, Any]:
    text = folder.text(name)
    try:
        return tomllib.loads(text) if text else {}
    except tomllib.TOMLDecodeError as error:
        folder.note(name, f"it is not valid TOML: {error}")
        return {}
