"""A Django project: its WSGI module, settings and pages."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from msgspec import Struct

from seatrial.detection.app import PageCheck
from seatrial.detection.python_source import Module, constant

__all__ = ["DjangoProject", "find_django"]

_VARIABLE = "DJANGO_SETTINGS_MODULE"
_NOT_SECRET = "only-for-tests-and-local-runs"  # noqa: S105  what it says


class DjangoProject(Struct, frozen=True, kw_only=True):
    """A Django project: `workdir` has manage.py in it; `target` is its WSGI app; `line` where manage.py names settings.

    `environment` are variables that the settings need. `collects` says that its static files are collected.
    """

    workdir: str
    manage: str
    line: int
    settings: str
    target: str
    check: PageCheck
    environment: dict[str, str]
    needs: tuple[str, ...]
    collects: bool
    notes: tuple[str, ...]


def find_django(modules: Sequence[Module], *, has_whitenoise: bool) -> DjangoProject | None:
    """Return the Django project whose manage.py is nearest to the top; None if there is none."""
    for manage in (one for one in modules if one.name.rpartition("/")[2] == "manage.py"):
        if (found := _settings_module(manage)) is None:
            continue
        name, line = found
        workdir = manage.name.rpartition("/")[0]
        settings = _settings_files(modules, workdir, name)
        values = {key: value for module in settings for key, value in module.assignments()}
        target = str(constant(values.get("WSGI_APPLICATION")) or "")
        package = name.split(".")[0]
        environment, needs = _environment(settings)
        check, notes = _check(modules, workdir, values)
        return DjangoProject(
            workdir=workdir,
            manage=manage.name,
            line=line,
            settings=name,
            target=":".join(target.rsplit(".", 1)) if target else f"{package}.wsgi:application",
            check=check,
            environment=environment,
            needs=needs,
            collects=has_whitenoise and "STATIC_ROOT" in values,
            notes=notes,
        )
    return None


def _settings_module(manage: Module) -> tuple[str, int] | None:
    for call in manage.calls():
        arguments = [constant(one) for one in call.args]
        if manage.resolve(call.func) == "os.environ.setdefault" and arguments[:1] == [_VARIABLE] and call.args[1:]:
            name = _value(manage, call.args[1])
            return (name, call.lineno) if name else None
    return None


def _value(module: Module, node: ast.expr) -> str:
    """Return the text of an expression; of a conditional one, what it is without its condition."""
    if isinstance(node, ast.IfExp):
        return _value(module, node.orelse)
    if isinstance(node, ast.Name):
        made = [one for one in ast.walk(module.tree) if isinstance(one, ast.Assign)]
        values = [one.value for one in made if ast.unparse(one.targets[0]) == node.id]
        return _value(module, values[0]) if values and not isinstance(values[0], ast.Name) else ""
    found = constant(node)
    return found if isinstance(found, str) else ""


def _settings_files(modules: Sequence[Module], workdir: str, name: str) -> list[Module]:
    """Return the settings module, after those of its package that it takes everything from."""
    path = f"{workdir}/{name.replace('.', '/')}".lstrip("/")
    own = [one for one in modules if one.name in (f"{path}.py", f"{path}/__init__.py")]
    bases = [
        other
        for module in own
        for source in module.import_sources
        if source.startswith((".", name.rpartition(".")[0] or "?"))
        for other in modules
        if other not in own
        and other.dotted.endswith("." + source.lstrip(".").rpartition(".")[2])
        and other.name.rpartition("/")[0] == (path if module.name.endswith("__init__.py") else path.rpartition("/")[0])
    ]
    return [*bases, *own]


def _environment(settings: Sequence[Module]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the variables that the settings must have: those that can be made up, and those that cannot."""
    named: list[str] = []
    for module in settings:
        for statement in module.statements():
            if isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr):
                named += _required(module, statement)
    secrets = {name: _NOT_SECRET for name in named if "SECRET" in name or name.endswith("_KEY")}
    return secrets, tuple(dict.fromkeys(name for name in named if name not in secrets))


def _required(module: Module, statement: ast.stmt) -> Iterator[str]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Subscript) and module.resolve(node.value) == "os.environ":
            name = constant(node.slice)
        elif isinstance(node, ast.Call) and module.resolve(node.func) in ("decouple.config", "env", "env.str"):
            only = len(node.args) == 1 and not any(one.arg == "default" for one in node.keywords)
            name = constant(node.args[0]) if only else None
        else:
            continue
        if isinstance(name, str):
            yield name


def _check(modules: Sequence[Module], workdir: str, values: dict[str, ast.expr]) -> tuple[PageCheck, tuple[str, ...]]:
    """Return the page that is checked, and the host that it must be asked for."""
    notes: list[str] = []
    hosts = constant(values.get("ALLOWED_HOSTS"))
    debug = constant(values.get("DEBUG"))
    host = ""
    if isinstance(hosts, list | tuple) and hosts and not {"*", "127.0.0.1", ".localhost"} & set(hosts):
        host = str(hosts[0]).lstrip(".")
        notes.append(f"ALLOWED_HOSTS lets only {', '.join(map(str, hosts))} in: the check asks for {host}")
    elif hosts == [] and debug is False:
        notes.append("ALLOWED_HOSTS is empty and DEBUG is off: Django refuses every request; add 127.0.0.1 to it")
    root = str(constant(values.get("ROOT_URLCONF")) or "")
    paths = list(_paths(modules, workdir, root, ()))
    if "" in paths or not root or (debug is True and paths == ["admin/"]):
        return PageCheck(host=host), tuple(notes)  # without pages of its own, Django shows its welcome page
    admin = next((path for path in paths if path.rstrip("/") == "admin"), None)
    if admin:
        notes.append("it has no page at /: the check asks for the login page of its admin")
        return PageCheck(path=f"/{admin}login/" if admin.endswith("/") else f"/{admin}/login/", host=host), tuple(notes)
    notes.append("it has no page at /: the check expects 404 there; write a page of yours under checks")
    return PageCheck(status=404, host=host), tuple(notes)


def _paths(modules: Sequence[Module], workdir: str, dotted: str, seen: tuple[str, ...]) -> Iterator[str]:
    """Yield the routes of a URL configuration; those of an included one at the top, too."""
    name = f"{workdir}/{dotted.replace('.', '/')}".lstrip("/")
    for module in (one for one in modules if one.name in (f"{name}.py", f"{name}/__init__.py")):
        for call in module.calls():
            kind = module.resolve(call.func).rpartition(".")[2]
            route = constant(call.args[0]) if call.args else None
            if kind not in ("path", "re_path", "url") or not isinstance(route, str):
                continue
            if kind != "path":
                route = route.lstrip("^").removesuffix("$")
            included = _included(module, call)
            if included and included not in seen:
                inner = list(_paths(modules, workdir, included, (*seen, dotted)))
                yield from (route + one for one in inner)
                if not inner:  # of a library
                    yield route or "?"
            elif not included:
                yield route


def _included(module: Module, call: ast.Call) -> str:
    for one in call.args[1:2]:
        if isinstance(one, ast.Call) and module.resolve(one.func).rpartition(".")[2] == "include" and one.args:
            first = one.args[0]
            if isinstance(first, ast.Tuple) and first.elts:
                first = first.elts[0]
            return str(constant(first) or "")
    return ""
