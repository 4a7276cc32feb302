"""The files that init writes, made from what was found and from the templates beside this module."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

from seatrial.detection.app import FoundApp, OtherApp, PageCheck, PythonApp

__all__ = ["render_dockerfile", "render_dockerignore", "render_settings", "render_tasks"]

_TEMPLATES = Path(__file__).with_name("templates")
_SCHEMA = Path(__file__).parents[2] / "settings" / "settings.schema.json"
_DEBIAN = ("python:", "node:")


def render_settings(root: Path, project: str, apps: Mapping[str, FoundApp], given: Mapping[str, str | None]) -> str:
    """Return the settings file of the apps, by their names.

    `given` are the texts of the Dockerfiles that are there; None for one that is written.
    """
    schema = _SCHEMA.relative_to(root).as_posix() if _SCHEMA.is_relative_to(root) else ""
    used: set[int] = set()
    shown = []
    for name, app in apps.items():
        host_port = app.port
        while host_port in used:
            host_port += 1
        used.add(host_port)
        shown.append({"name": name, "settings": list(_settings(app, given[name], host_port))})
    text = _render("invoke.yaml", schema=schema, project=project, apps=shown)
    return _aligned(text)


def render_tasks() -> str:
    """Return the tasks.py with Seatrial's tasks."""
    return _render("tasks.py")


def render_dockerfile(name: str, app: FoundApp) -> str:
    """Return the Dockerfile of an app."""
    more: dict[str, Any] = {}
    if isinstance(app, PythonApp):
        files = sorted(app.requirements.files, key=lambda file: str(PurePosixPath(file).parent))
        groups = groupby(files, key=lambda file: str(PurePosixPath(file).parent))
        more["copied"] = [("" if folder == "." else f"{folder}/", list(found)) for folder, found in groups]
        more["hashed"] = app.requirements.hashed
    return _render(app.template, name=name, app=app, **more)


def render_dockerignore(app: FoundApp, dockerfile: str | None, *, own_tasks: bool) -> str:
    """Return the .dockerignore of an app, without what its own Dockerfile names.

    `own_tasks` says that the tasks.py beside the app is Seatrial's, and not a module of the app.
    """
    text = _render("dockerignore", app=app, own_tasks=own_tasks)
    if dockerfile is None:
        return text
    copied = " ".join(
        line for line in dockerfile.splitlines() if line.lstrip().upper().startswith(("COPY", "ADD", "RUN"))
    )
    return "".join(line for line in text.splitlines(keepends=True) if not _is_named(line.strip(), copied))


def _is_named(pattern: str, copied: str) -> bool:
    name = pattern.removeprefix("**/").strip("*/")
    return not pattern.startswith("#") and name not in ("", ".git") and name in copied


def _settings(app: FoundApp, dockerfile: str | None, host_port: int) -> Iterator[tuple[str, str, str]]:
    """Yield each setting of an app that differs from its default, with its comment."""
    if app.folder:
        yield "context", _scalar(app.folder), "the folder that the image is built from"
    if app.dockerfile not in ("", "Dockerfile"):
        yield "dockerfile", _scalar("/".join(filter(None, (app.folder, app.dockerfile)))), "how the image is built"
    if dockerfile is not None and not app.port_from.startswith("EXPOSE") and not isinstance(app, OtherApp):
        yield "port", str(app.port), "where the app listens in its container"
    if host_port != app.port:
        yield "host_port", str(host_port), "where run serves it on 127.0.0.1"
    if app.base_images and (dockerfile is None or "ARG BASE_IMAGE" in dockerfile):
        yield "base_images", f"[{', '.join(app.base_images)}]", "the first that exists is the Dockerfile's BASE_IMAGE"
    if app.environment:
        values = ", ".join(f'{name}: "${{{name}:-{value}}}"' for name, value in app.environment.items())
        yield "environment", f"{{{values}}}", "the app needs it: set a real one where it is deployed"
    if app.writes:
        yield "tmpfs", f"[{', '.join(app.writes)}]", "where the app writes, in memory; volumes keep it"
    if dockerfile is None and app.base_image.startswith(_DEBIAN):
        yield "image_facts_allowed", "[setuid]", "Debian's su, mount and so on: here they give no rights"
    yield "checks", f"[{_check(app.check)}]", "what smoke asks, before a push and a run"


def _scalar(text: str) -> str:
    """Return a text as YAML, in quotes only if it needs them."""
    return text if re.fullmatch(r"[A-Za-z][\w./-]*", text) else json.dumps(text, ensure_ascii=False)


def _check(check: PageCheck) -> str:
    """Return a check as YAML in one line."""
    parts = [f"path: {check.path}"]
    if check.status != 200:  # noqa: PLR2004  the default
        parts.append(f"status: {check.status}")
    if check.text:
        parts.append(f"text: {json.dumps(check.text, ensure_ascii=False)}")
    if check.json is not None:
        parts.append(f"json: {json.dumps(check.json, ensure_ascii=False)}")
    if check.host:
        parts.append(f"headers: {{Host: {check.host}}}")
    return f"{{{', '.join(parts)}}}"


def _aligned(text: str) -> str:
    """Return the settings with their comments in one column, as far as the lines are short."""
    lines = [line.split("  # ") for line in text.splitlines()]
    column = max((len(code) for code, *comment in lines if comment and len(code) <= 50), default=0)  # noqa: PLR2004
    return "".join("  # ".join([code.ljust(column if comment else 0), *comment]) + "\n" for code, *comment in lines)


def _render(template: str, **values: object) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # late: only init needs it

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  these are no pages
    )
    return environment.get_template(f"{template}.j2").render(values)
