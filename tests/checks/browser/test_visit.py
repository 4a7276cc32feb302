"""A real Chromium opens pages: what counts as an error, what does not, and that nothing of it is left."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from seatrial.checks.browser.chromium import Page, look_at, open_page
from seatrial.checks.browser.chromium import chromium as started
from seatrial.checks.browser.visit import Visit, page_of
from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.response import Expected
from seatrial.errors import StepFailed
from seatrial.events import CheckResult, Event
from seatrial.model.app import Check
from tests.servers.host_name import named
from tests.servers.local_server import Asked, Reply, Served, listen, serve
from tests.steps.scenario import make_app

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("profiles")]

GOOD = "<!doctype html><title>Example</title><h1>All is well</h1>"
Pages = dict[str, str | Reply]
Look = Callable[..., tuple[Page, bytes | None]]
Show = Callable[..., Page]


@pytest.fixture(scope="module")
def look(chromium: str) -> Iterator[Look]:
    """Open a page in a browser that the tests of this file share."""
    with asyncio.Runner() as runner:
        shared = started(chromium, 30)
        browser = runner.run(shared.__aenter__())

        async def look(url: str, seconds: float = 20) -> tuple[Page, bytes | None]:
            found = await look_at(browser, url, seconds)
            for context in browser.contexts:
                await context.close()
            return found

        yield lambda url, **given: runner.run(look(url, **given))
        runner.run(shared.__aexit__(None, None, None))


@pytest.fixture
def show(look: Look) -> Show:
    """Open the page `/` in the browser, served together with other pages by their path; return it without a picture."""

    def visit(page: str | Reply, others: Pages | None = None, seconds: float = 20) -> Page:
        with serving({"/": page, **(others or {})}) as served:
            return look(f"http://{served.host}/", seconds=seconds)[0]

    return visit


def serving(pages: Pages) -> AbstractContextManager[Served]:
    """Serve pages by their path, and 404 for the rest."""

    def answer(asked: Asked) -> Reply:
        page = pages.get(asked.path.partition("?")[0], Reply(status=404))
        return page if isinstance(page, Reply) else Reply(body=page.encode(), headers={"Content-Type": "text/html"})

    return serve(answer)


def size(picture: bytes | None) -> tuple[int, int]:
    """Return the width and height of a PNG."""
    assert picture is not None
    head = picture[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:24])
    return width, height


def test_a_good_page(look: Look) -> None:
    """A page that loads has no errors, even without a favicon, and its screenshot is a PNG of the window's size.

    Warnings, log lines, a rejection that is handled later, and requests without end are not errors.
    """
    talk = "console.warn('old'); console.log('fine'); setInterval(() => fetch('/tick'), 20)"
    later = "const promise = Promise.reject(1); setTimeout(() => promise.catch(() => 0))"
    with serving({"/": f"{GOOD}<script>{talk}; {later}</script>", "/tick": "tock"}) as served:
        page, picture = look(f"http://{served.host}/")

    assert page.problems == ()
    assert page.title == "Example"
    assert size(picture) == (1280, 800)
    assert page.seconds < 15


JAVASCRIPT = {"Content-Type": "text/javascript"}
OTHERS: Pages = {
    "/worker.js": Reply(body=b"console.error('from below')", headers=JAVASCRIPT),
    "/bad.js": Reply(body=b"throw new Error('below')", headers=JAVASCRIPT),
}
MISSING = ": the server responded with a status of 404 (Not Found)"


PROBLEMS = {
    "<script>console.error('it failed', 3)</script>": "console.error: it failed 3 (/:1)",
    "<script>console.assert(false, 'wrong')</script>": "console.assert: wrong (/:1)",
    "<script>setTimeout(() => { throw new TypeError('late') }, 20)</script>": "Uncaught TypeError: late (/:1)",
    "<script>Promise.reject(new Error('none'))</script>": "Uncaught (in promise) Error: none (/:1)",
    "<script>fetch('/gone?token=S3ntinel')</script>": f"/gone{MISSING}",
    "<script>new Worker('/worker.js')</script>": "console.error: from below (/worker.js:1)",
    "<script>new Worker('/bad.js')</script>": "Uncaught Error: below (/bad.js:1)",
    "<link rel=icon href=/favicon.ico>": f"/favicon.ico{MISSING}",
}


def test_what_is_wrong(show: Show) -> None:
    """Each error in the browser's console is a problem, with its place, and so is each part that is missing."""
    page = show(f"{GOOD}{''.join(PROBLEMS)}", OTHERS)

    assert sorted(page.problems) == sorted(PROBLEMS.values())


def test_a_frame_of_another_site(look: Look) -> None:
    """An error in a frame from another site, which has a process of its own, is an error of the page, too."""
    inner = "<script>console.error('inner'); throw new Error('far')</script><img src=/x>"
    with named("127.0.0.1") as host, serving({"/inner": inner}) as there:
        far = f"http://{host}:{there.port}"
        with serving({"/": f"{GOOD}<iframe src={far}/inner></iframe>"}) as served:
            page, _ = look(f"http://{served.host}/")

    assert set(page.problems) == {
        f"console.error: inner ({far}/inner:1)",
        f"Uncaught Error: far ({far}/inner:1)",
        f"{far}/x: the server responded with a status of 404 (Not Found)",
    }


def test_many_errors(show: Show) -> None:
    """Of a thousand errors, the first twenty are listed, each once."""
    page = show(f"{GOOD}<script>for (let i = 0; i < 999; i++) {{ console.error(i); console.error(0) }}</script>")

    assert len(page.problems) == 21
    assert page.problems[-1] == "and 979 more"


def test_nobody_there(look: Look, free_port: int) -> None:
    """A page that cannot be reached is an error of the page, not of the browser."""
    page, _ = look(f"http://127.0.0.1:{free_port}/")

    assert "the page does not load: net::ERR_CONNECTION_REFUSED" in page.problems


def test_a_download(show: Show) -> None:
    """A download is not a page."""
    page = show(Reply(body=b"PK", headers={"Content-Type": "application/zip", "Content-Disposition": "attachment"}))

    assert page.problems == ("the page does not load: it is sent as a download",)


def test_a_page_that_never_finishes(look: Look) -> None:
    """If a part of a page never arrives, the problem names that part, within the given time."""
    with listen(lambda _: time.sleep(60)) as port:
        tag = f"<img src=http://127.0.0.1:{port}/slow>"
        with serving({"/": GOOD + tag}) as served:
            page, picture = look(f"http://{served.host}/", seconds=4)

    assert page.seconds < 10
    assert picture
    assert len(page.problems) == 1
    assert "did not finish loading within" in page.problems[0]
    assert f"it waits for http://127.0.0.1:{port}/slow" in page.problems[0]


def test_a_page_that_reloads_for_ever(look: Look) -> None:
    """A page that reloads itself for ever fails within the given time, and has a picture."""
    with serving({"/": f"{GOOD}<script>setTimeout(() => location.reload(), 300)</script>"}) as served:
        page, picture = look(f"http://{served.host}/", seconds=4)

    assert page.seconds < 10
    assert picture
    assert "it was loaded" in page.problems[0]


def test_a_script_that_never_ends(tmp_path: Path, chromium: str) -> None:
    """A script that never ends fails within the given time, and the browser is ended."""
    shot = tmp_path / "page.png"
    with serving({"/": f"{GOOD}<script>while (true) {{}}</script>"}) as served:
        page = open_page(f"http://{served.host}/", screenshot=shot, seconds=4, program=chromium)

    assert page.seconds < 10
    assert page.screenshot is None
    assert "did not finish loading within" in page.problems[0]


def test_a_redirect(show: Show) -> None:
    """The page at the end of redirects is the one that is checked and shown in the screenshot."""
    first = Reply(status=302, headers={"Location": "/second"})
    second = "<script>location.replace('/example')</script>"
    page = show(first, {"/second": second, "/example": f"{GOOD}<script>console.error('here')</script>"})

    assert page.url.endswith("/example")
    assert page.title == "Example"
    assert page.problems == ("console.error: here (/example:1)",)


@pytest.mark.parametrize(
    "script",
    [
        "alert('goodbye'); if (!confirm('leave?')) console.error('no'); window.open('/other')",
        "onbeforeunload = e => e.preventDefault(); setTimeout(() => location.reload(), 50); onload = () => 0",
    ],
)
def test_what_would_wait_for_a_person(show: Show, script: str) -> None:
    """Dialogs are accepted and new windows ignored: nothing waits for a click."""
    once = f"<script>if (!sessionStorage.been) {{ sessionStorage.been = 1; {script} }}</script>"
    page = show(f"{GOOD}{once}", {"/other": "<script>alert('also here')</script>"})

    assert page.problems == ()
    assert page.title == "Example"
    assert page.seconds < 15


def test_which_page_is_opened() -> None:
    """The page is `/`, unless the checks expect pages only at other paths."""
    assert page_of(()) == "/"
    assert page_of((Check(path="/healthz"), Check())) == "/"
    assert page_of((Check(status=404), Check(path="/app/"))) == "/app/"
    assert page_of((Check(path="/in", method="POST"), Check(path="/me", headers={"Authorization": "x"}))) == "/"


def test_a_page_of_a_version(tmp_path: Path, chromium: str) -> None:
    """`{version}` in the path is replaced as in a check, and the visit is reported like a check."""
    app = make_app("demo", tmp_path / "app", "python", 5000).but(checks=(Check(path="/v/{version}"),))
    events: list[Event] = []
    with serving({"/v/1.4": GOOD}) as served:
        expected, shot = Expected(version="1.4"), tmp_path / "page.png"
        visit = Visit(program=chromium, app=app, expected=expected, screenshot=shot, emit=events.append)
        visit(BaseUrl(port=served.port))

    assert [(one.check, one.problem) for one in events if isinstance(one, CheckResult)] == [
        ("browser /v/{version}", None)
    ]


def test_no_proxy(tmp_path: Path, chromium: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser ignores a proxy in the environment, as the checks do."""
    with serve(lambda _: Reply(status=502)) as proxy, serving({"/": GOOD}) as served, named("127.0.0.1") as host:
        monkeypatch.setenv("http_proxy", f"http://{proxy.host}")
        page = open_page(
            f"http://{host}:{served.port}/", screenshot=tmp_path / "page.png", seconds=20, program=chromium
        )
    assert (page.problems, page.title, proxy.asked) == ((), "Example", [])


def test_a_picture_that_cannot_be_written(tmp_path: Path, chromium: str) -> None:
    """A screenshot that cannot be saved is reported without a traceback."""
    (tmp_path / "file").touch()
    with serving({"/": GOOD}) as served, pytest.raises(StepFailed, match="cannot be written"):
        open_page(f"http://{served.host}/", screenshot=tmp_path / "file" / "page.png", seconds=20, program=chromium)
