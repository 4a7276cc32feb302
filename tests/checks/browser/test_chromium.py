"""The browser is found and started, and always ended."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seatrial.checks.browser.chromium import open_page
from seatrial.checks.browser.program import find_browser
from seatrial.errors import Unavailable, UsageError
from tests.checks.browser.conftest import left_in
from tests.servers.local_server import Asked, Reply, listen, serve
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("profiles")]


def test_a_program_that_is_not_a_browser(tmp_path: Path) -> None:
    """A program that ends at once, or that does not answer, is reported with its last output."""
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\necho no usable sandbox >&2\n")
    program.chmod(0o755)

    with pytest.raises(Unavailable) as caught:
        open_page("http://127.0.0.1:1/", screenshot=tmp_path / "page.png", seconds=5, program=str(program))

    assert str(program) in caught.value.reason
    assert caught.value.details == ("no usable sandbox",)
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    began = time.monotonic()
    with pytest.raises(Unavailable, match="within 1 s"):
        open_page("http://127.0.0.1:1/", screenshot=tmp_path / "page.png", seconds=60, program=str(program), starting=1)
    assert time.monotonic() - began < 30


def test_a_browser_that_starts_slowly(tmp_path: Path, chromium: str) -> None:
    """The time in which a browser starts does not count as the page's."""
    program = tmp_path / "chromium"
    program.write_text(f'#!/bin/sh\nsleep 3\nexec {chromium} "$@"\n')
    program.chmod(0o755)

    began = time.monotonic()
    with serve(lambda _: Reply(body=b"<title>Late</title>", headers={"Content-Type": "text/html"})) as served:
        where = f"http://{served.host}/"
        page = open_page(where, screenshot=tmp_path / "page.png", seconds=20, program=str(program))

    assert (page.title, page.problems) == ("Late", ())
    assert time.monotonic() - began > page.seconds + 2.5


def test_sigkill_in_the_middle(tmp_path: Path, profiles: Path, chromium: str) -> None:
    """SIGKILL during a visit also ends the browser and removes its profile."""
    program = (
        "import sys; from pathlib import Path\n"
        "from seatrial.checks.browser.chromium import open_page\n"
        "open_page(sys.argv[1], screenshot=Path(sys.argv[2]), seconds=60, program=sys.argv[3])"
    )
    with listen(lambda _: time.sleep(60)) as port:
        words = [sys.executable, "-c", program, f"http://127.0.0.1:{port}/", str(tmp_path / "page.png"), chromium]
        us = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        wait_until(lambda: any("--type=renderer" in line for line in left_in(profiles)))

        us.kill()
        us.wait(10)

        wait_until(lambda: not left_in(profiles) and not list(profiles.iterdir()), 10)


@pytest.mark.parametrize("loaded", [True, False])
def test_a_crash_of_the_page(tmp_path: Path, profiles: Path, chromium: str, *, loaded: bool) -> None:
    """If the renderer crashes, before or after the page has loaded, that is the page's problem."""
    page = b"<script>onload = () => fetch('/kill')</script>" if loaded else b"<script src=/kill></script>"
    shot = tmp_path / "page.png"
    with _serve_and_kill(page, profiles, "--type=renderer") as url:
        found = open_page(url, screenshot=shot, seconds=20, program=chromium)

    assert found.problems == ("the page crashed the browser's renderer",)
    assert found.screenshot is None
    assert found.seconds < 15


def test_the_end_of_the_browser(tmp_path: Path, profiles: Path, chromium: str) -> None:
    """If the browser itself ends, that is not the page's problem."""
    shot = tmp_path / "page.png"
    killing = _serve_and_kill(b"<script src=/kill></script>", profiles, "--headless")
    with killing as url, pytest.raises(Unavailable) as caught:
        open_page(url, screenshot=shot, seconds=20, program=chromium)

    assert (caught.value.cause, caught.value.reason) == ("browser-failed", f"{chromium}: it has ended")
    wait_until(lambda: not left_in(profiles), 5)
    # What may be left of a Chromium that was killed, and of what Playwright kept for it.
    for pattern in ("org.chromium.Chromium.*", "playwright_chromiumdev_profile-*", "playwright-artifacts-*"):
        for left in profiles.glob(pattern):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _serve_and_kill(page: bytes, profiles: Path, mark: str) -> Iterator[str]:
    """Yield the URL of a page; a request for /kill kills the browser's processes whose command lines hold `mark`."""

    def answer(asked: Asked) -> Reply:
        if asked.path == "/kill":
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                line = path.read_text() if path.exists() else ""
                if mark in line and str(profiles) in line:
                    os.kill(int(path.parent.name), signal.SIGKILL)
        return Reply(body=page, headers={"Content-Type": "text/html"})

    with serve(answer) as served:
        yield f"http://{served.host}/"


def test_finding_a_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser is found by its usual name or the one in the settings; else the hint says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable) as nothing:
        find_browser()
    assert nothing.value.hint.startswith("apt-get install")
    assert nothing.value.cause == "no-browser"
    with pytest.raises(UsageError, match="/opt/none"):
        find_browser("/opt/none")
    for name in ("chrome", "google-chrome", "mine"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)

    assert find_browser() == str(tmp_path / "google-chrome")
    assert find_browser("mine") == str(tmp_path / "mine")
    monkeypatch.setitem(sys.modules, "playwright", None)
    with pytest.raises(Unavailable) as missing:
        find_browser("mine")
    assert (missing.value.cause, missing.value.hint) == ("no-browser", "pip install 'seatrial[browser]'")


def test_a_long_path_to_temporary_files(tmp_path: Path, chromium: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser starts even if the path of the folder for temporary files is too long for a socket."""
    far = tmp_path / ("deep" * 20)
    far.mkdir()
    monkeypatch.setenv("TMPDIR", str(far))
    monkeypatch.setattr(tempfile, "tempdir", None)

    with serve(lambda _: Reply(body=b"<title>Far</title>", headers={"Content-Type": "text/html"})) as served:
        where = f"http://{served.host}/"
        assert open_page(where, screenshot=tmp_path / "page.png", seconds=20, program=chromium).title == "Far"

    assert list(far.iterdir()) == []
