"""Gather the evidence of a failure while the container still exists."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.probe import PENDING, Result, request_for
from seatrial.checks.http.request import send, speaks_tls
from seatrial.checks.http.response import Expected
from seatrial.diagnosis.evidence import Evidence, Page, Sources, without_server_end
from seatrial.engine.model import Image
from seatrial.engine.protocol import Engine
from seatrial.errors import SeatrialError, sanitize, sanitize_line
from seatrial.model.app import App, Check

__all__ = ["gather"]

_LOG_LINES = 1000
_REQUEST_SECONDS = 1.0
_PAGE_BYTES = 16 * 1024
_REQUIREMENTS = ("requirements.txt", "pyproject.toml", "Pipfile", "package.json")
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
# Folders of a project that often hold its modules without being a package themselves.
_ROOTS = ("src", "lib", "backend", "server")
_LARGEST_FILE = 1024 * 1024


def gather(  # noqa: PLR0913  each argument is one thing
    engine: Engine,
    app: App,
    image: Image,
    container_id: str,
    *,
    results: tuple[Result, ...] = (),
    words: str = "",
) -> Evidence:
    """Return the evidence of a container that failed its checks, or its start with the engine's message `words`.

    Unknown evidence stays empty.
    """
    inspection = engine.inspect_container(container_id)
    port = None
    if inspection and inspection.running and (container := engine.container(container_id)):
        port = container.ports.get(app.port)
    evidence = Evidence(
        app=app,
        inspection=inspection,
        log=_log(engine, container_id) if inspection else (),
        results=results,
        words=words,
        image_platform=image.platform,
        engine_platform=_platform(engine),
        sources=_sources(app.context),
    )
    if port is None or evidence.check is None:
        return evidence
    base_url = BaseUrl(host=engine.published_host, port=port)
    wrong = evidence.answered or evidence.answers_with_error
    page = _page(base_url, evidence.check, Expected.of(image)) if wrong else None
    asks_tls = evidence.check.scheme == "http" and (evidence.silent or "status 400" in evidence.problem)
    asks_tls = asks_tls and PENDING not in evidence.problem  # another connection would disturb the one that waits
    return replace(evidence, page=page, tls=asks_tls and speaks_tls(base_url, seconds=_REQUEST_SECONDS))


def _log(engine: Engine, container_id: str) -> tuple[str, ...]:
    try:
        lines = tuple(engine.logs(container_id, tail=_LOG_LINES))
    except SeatrialError:
        return ()
    return without_server_end(tuple(sanitize_line(line) for line in lines))


def _platform(engine: Engine) -> str:
    try:
        return engine.platform()
    except SeatrialError:
        return ""


def _page(base_url: BaseUrl, check: Check, expected: Expected) -> Page | None:
    """Return the page behind a wrong answer, or None; only a GET or HEAD request is repeated."""
    if check.method not in ("GET", "HEAD"):
        return None
    request = replace(request_for(check, expected), method="GET", body=None)
    try:
        response = send(
            base_url.spoken(check.scheme), request, seconds=_REQUEST_SECONDS, follow=check.follows_redirects
        )
    except OSError:
        return None
    body = replace(response, body=response.body[:_PAGE_BYTES]).text
    title = _TITLE.search(body)
    return Page(
        status=response.status,
        server=sanitize(response.headers.get("server", ""), limit=60),
        title=sanitize(" ".join(html.unescape(title[1]).split()), limit=160) if title else "",
        text=body,
    )


def _sources(folder: Path) -> Sources:
    """Return the modules and requirements in the app's folder."""
    file = next((folder / name for name in _REQUIREMENTS if (folder / name).is_file()), None)
    return Sources(
        modules=frozenset(_modules(folder)),
        requirements=file.name if file else "",
        required=frozenset(_required(file)) if file else frozenset(),
    )


def _modules(folder: Path) -> Iterator[str]:
    for root in (folder, *(folder / name for name in _ROOTS)):
        try:
            for entry in root.iterdir():
                if entry.suffix == ".py" or (entry / "__init__.py").exists():
                    yield entry.stem
        except OSError:
            continue


def _required(file: Path) -> Iterator[str]:
    """Yield the package names in a requirements file, and perhaps other words from the same places."""
    try:
        if file.stat().st_size > _LARGEST_FILE:
            return
        text = file.read_text("utf-8", "replace")
    except OSError:
        return
    pattern = r"^\s*([A-Za-z0-9][\w.-]*)" if file.suffix == ".txt" else r"[\"']?([A-Za-z0-9@][\w./-]*)"
    for name in re.findall(pattern, text, re.MULTILINE):
        yield re.sub(r"[-_.]+", "-", name.lower())
