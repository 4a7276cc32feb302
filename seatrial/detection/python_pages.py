"""The pages of a Python app, as far as its source names them, and the one that is checked."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from msgspec import Struct

from seatrial.detection.app import PageCheck
from seatrial.detection.folder import Folder
from seatrial.detection.page import sure_text
from seatrial.detection.python_entry import Entry
from seatrial.detection.python_source import Module, constant, keyword_value

__all__ = ["page_check"]

_HEALTH = ("/healthz", "/health", "/ping", "/status", "/livez", "/api/health", "/api/healthz", "/api/status")
_DECORATORS = ("route", "get", "api_route", "view")
_CALLS = {"add_url_rule": 0, "add_route": 0, "Route": 0, "add_resource": 1, "add_api_route": 0}
_PARTS = ("Blueprint", "APIRouter", "APIBlueprint", "Router")


class _Page(Struct, frozen=True):
    """A page that GET shows: `function` makes it, if a decorator on it alone says so."""

    path: str
    module: Module
    function: ast.FunctionDef | ast.AsyncFunctionDef | None = None


def page_check(folder: Folder, modules: Sequence[Module], entry: Entry) -> tuple[PageCheck, tuple[str, ...]]:
    """Return what the app answers for sure, and what the user should know about that."""
    pages: dict[str, _Page] = {}
    for one in (page for module in modules for page in _pages(module, modules)):
        pages.setdefault(one.path, one)  # a decorator says more than a call
    if page := pages.get("/"):
        return _content(folder, page), ()
    if path := next((path for path in _HEALTH if path in pages), None):
        return PageCheck(path=path), ()
    if entry.framework.name == "FastAPI" and not _hides_documents(entry):
        return PageCheck(path="/docs"), ("it has no page at /: the check asks for /docs",)
    if not entry.framework.package or entry.framework.name in ("Bottle", "Falcon", "Litestar"):
        return PageCheck(), ()
    note = "it has no page at /: the check expects 404 there; write a page of yours under checks"
    return PageCheck(status=404), (note,)


def _pages(module: Module, modules: Sequence[Module]) -> Iterator[_Page]:
    prefixes = {
        name: str(constant(keyword_value(value, ("url_prefix", "prefix"))) or "")
        for name, value in module.assignments()
        if isinstance(value, ast.Call) and module.resolve(value.func).rpartition(".")[2] in _PARTS
    }
    for function in (one for one in ast.walk(module.tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)):
        for call in (one for one in function.decorator_list if isinstance(one, ast.Call)):
            owner, _, kind = module.resolve(call.func).rpartition(".")
            path = constant(keyword_value(call, ("path", "rule"), 0))
            if kind in _DECORATORS and isinstance(path, str) and path[:1] in ("/", "") and _is_get(call):
                prefix = prefixes.get(owner)
                if prefix is not None:
                    path = _registered(owner, module, modules) + prefix + path
                plain = len(function.decorator_list) == 1 or _all_routes(module, function)
                yield _Page(path or "/", module, function if plain else None)
    for call in module.calls():
        name = module.resolve(call.func).rpartition(".")[2]
        path = constant(keyword_value(call, ("path", "rule"), _CALLS[name])) if name in _CALLS else None
        if isinstance(path, str) and path.startswith("/"):
            yield _Page(path, module)
        elif name in _DECORATORS and constant(keyword_value(call, ("path", "rule"), 0)) == "/" and not prefixes:
            yield _Page("/", module)  # not as a decorator, or one that was not understood


def _all_routes(module: Module, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return all(
        isinstance(one, ast.Call) and module.resolve(one.func).rpartition(".")[2] in _DECORATORS
        for one in function.decorator_list
    )


def _registered(owner: str, module: Module, modules: Sequence[Module]) -> str:
    """Return the prefix under which a part (a blueprint, a router) is added to the app."""
    own = module.dotted.rpartition(".")[2]
    for other in modules:
        for call in other.calls():
            if other.resolve(call.func).rpartition(".")[2] in ("register_blueprint", "include_router") and call.args:
                added = other.resolve(call.args[0]).split(".")
                if added[-1] == owner and (len(added) < 2 or added[-2] in (own, "") or other is module):  # noqa: PLR2004
                    return str(constant(keyword_value(call, ("url_prefix", "prefix"))) or "")
    return ""


def _is_get(call: ast.Call) -> bool:
    methods = constant(keyword_value(call, ("methods", "method")))
    return methods is None or (isinstance(methods, list | tuple | set | str) and "GET" in methods)


def _hides_documents(entry: Entry) -> bool:
    for call in entry.module.calls():
        if call.lineno == entry.line:
            return any(one.arg in ("docs_url", "openapi_url", "root_path") for one in call.keywords)
    return False


def _content(folder: Folder, page: _Page) -> PageCheck:
    """Return a check of the page's text, or of its JSON, if it is always the same."""
    function = page.function
    returned = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)] if function else []
    if len(returned) != 1 or returned[0] is None:
        return PageCheck(path=page.path)
    value = returned[0]
    known = constant(value)
    if isinstance(known, dict) and known and all(isinstance(one, str | int | bool) for one in known.values()):
        return PageCheck(path=page.path, json=known)
    if isinstance(known, str):
        text = sure_text(known, static=True) or known.strip()
        return PageCheck(path=page.path, text=text if "<" not in text and "\n" not in text and len(text) < 80 else "")  # noqa: PLR2004
    if isinstance(value, ast.Call) and (name := _template(page.module, value)):
        return PageCheck(path=page.path, text=_template_text(folder, page.module, name))
    return PageCheck(path=page.path)


def _template(module: Module, call: ast.Call) -> str:
    """Return the name of the template that a call renders, as Flask and FastAPI do; empty for another call."""
    if module.resolve(call.func).rpartition(".")[2] not in ("render_template", "TemplateResponse"):
        return ""
    names = [constant(one) for one in (*call.args, *(one.value for one in call.keywords if one.arg == "name"))]
    return next((one for one in names if isinstance(one, str)), "")


def _template_text(folder: Folder, module: Module, name: str) -> str:
    """Return the sure text of a template in a folder beside the module, or in the app's own."""
    below = module.name.rpartition("/")[0]
    for place in (f"{below}/templates/{name}".lstrip("/"), f"templates/{name}"):
        if (html := folder.text(place)) is not None:
            return sure_text(html)
    return ""
