"""The browser's process is found and started, and always ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from seatrial.checks.browser.chromium import find_browser, open_page
from seatrial.errors import Unavailable, UsageError
from tests.checks.browser.conftest import left_in
from tests.servers.local_server import Reply, listen, serve
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("profiles")]


def test_a_program_that_is_not_a_browser(tmp_path: Path) -> None:
    """A program that ends at once, or that does not answer, is reported with its last output."""
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\necho no usable sandbox >&2\n")
    program.chmod(0o755)

    with pytest.raises(Unavailable) as caught:
        open_page("http://127.0.0.1:1/", screenshot=tmp_path / "page.png", seconds=5, program=str(program))

    assert "the browser ended" in caught.value.reason
    assert caught.value.details == ("no usable sandbox",)
    program.write_text("#!/bin/sh\nsleep 60\n")
    began = time.monotonic()
    with pytest.raises(Unavailable, match="in time"):
        open_page("http://127.0.0.1:1/", screenshot=tmp_path / "page.png", seconds=60, program=str(program), starting=1)
    assert time.monotonic() - began < 30


def test_a_browser_that_starts_slowly(tmp_path: Path) -> None:
    """The time in which a browser starts does not count as the page's."""
    program = tmp_path / "chromium"
    program.write_text('#!/bin/sh\nsleep 8\nexec chromium "$@"\n')
    program.chmod(0o755)

    with serve(lambda _: Reply(body=b"<title>Late</title>", headers={"Content-Type": "text/html"})) as served:
        where = f"http://{served.host}/"
        page = open_page(where, screenshot=tmp_path / "page.png", seconds=7, program=str(program))

    assert (page.title, page.problems) == ("Late", ())
    assert page.seconds < 7


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_in_the_middle(tmp_path: Path, profiles: Path, number: signal.Signals) -> None:
    """A signal during a visit, even SIGKILL, also ends the browser and removes its profile."""
    program = (
        "import sys; from pathlib import Path\n"
        "from seatrial.checks.browser.chromium import open_page; from seatrial.cli.session import terminable\n"
        "with terminable(): open_page(sys.argv[1], screenshot=Path(sys.argv[2]), seconds=60)"
    )
    with listen(lambda _: time.sleep(60)) as port:
        words = [sys.executable, "-c", program, f"http://127.0.0.1:{port}/", str(tmp_path / "page.png")]
        us = subprocess.Popen(words, env={**os.environ, "TMPDIR": str(profiles)}, stderr=subprocess.DEVNULL)
        wait_until(lambda: any("--type=renderer" in line for line in left_in(profiles)))

        us.send_signal(number)
        us.wait(10)

        wait_until(lambda: not left_in(profiles) and not list(profiles.iterdir()), 10)


def test_finding_a_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser is found by its usual name or the one in the settings; else the hint says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable) as nothing:
        find_browser()
    assert nothing.value.hint.startswith("apt-get install")
    assert nothing.value.cause == "no-browser"
    with pytest.raises(UsageError, match="there is no browser /opt/none"):
        find_browser("/opt/none")
    for name in ("chrome", "google-chrome", "mine"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)

    assert find_browser() == str(tmp_path / "google-chrome")
    assert find_browser("mine") == str(tmp_path / "mine")


def test_a_long_path_to_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser starts even if the path of the folder for temporary files is too long for a socket."""
    far = tmp_path / ("deep" * 20)
    far.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(far))

    with serve(lambda _: Reply(body=b"<title>Far</title>", headers={"Content-Type": "text/html"})) as served:
        assert open_page(f"http://{served.host}/", screenshot=tmp_path / "page.png", seconds=20).title == "Far"

    assert list(far.iterdir()) == []
