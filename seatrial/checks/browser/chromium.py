"""A visit by a real browser: Chromium opens a page, says what went wrong in it, and leaves a picture."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from seatrial.checks.browser.devtools import DevTools, DevToolsError
from seatrial.checks.browser.tab import Tab
from seatrial.errors import StepFailed, Unavailable, UsageError, sanitize
from seatrial.host.atomic_write import replace_file

__all__ = ["Page", "find_browser", "open_page"]

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_ON_MACOS = tuple(f"/Applications/{name}.app/Contents/MacOS/{name}" for name in ("Google Chrome", "Chromium"))
_FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-startup-window",
    "--no-first-run",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-extensions",
    "--no-proxy-server",  # the checks use none either
    "--disable-dev-shm-usage",  # in a container it is small, and Chromium dies when it is full
)
_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_LAST_LINES = 5
_NOISE = ("dbus", "unexpected operator")
_LONGEST_PLACE = 30  # characters: Chromium puts a socket there, and a socket's path has 104 at most
_FIRST_FREE = 10
_PICTURE_SHARE, _PICTURE_SECONDS = 0.25, 3.0
_START_SECONDS, _END_SECONDS = 30.0, 7.0


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a browser found: where it ended up, the page's title, what went wrong, each in one line, and the picture.

    `screenshot` is the PNG's path, None where the page did not let itself be drawn; `seconds` is how long it took once
    the browser had started.
    """

    url: str
    title: str
    problems: tuple[str, ...]
    screenshot: Path | None
    seconds: float


def find_browser(named: str | None = None) -> str:
    """Return the browser's program: the one that is named, else the first Chromium there is.

    Raises `UsageError` when the named one is not there, `Unavailable` when there is none.
    """
    if named is not None:
        if found := shutil.which(named):
            return found
        raise UsageError(
            f"there is no browser {sanitize(named, limit=100)}",
            reason="the setting browser names it, and no such program is found",
            hint="name a Chromium there, or leave the setting out",
            cause="no-browser",
        )
    for name in (*_PROGRAMS, *_ON_MACOS):
        if found := shutil.which(name):
            return found
    raise Unavailable(
        "there is no browser to visit with",
        reason=f"none of {', '.join(_PROGRAMS)} is on the PATH",
        hint="apt-get install -y --no-install-recommends chromium (or name one in the setting browser)",
        cause="no-browser",
    )


def open_page(
    url: str, *, screenshot: Path, seconds: float, program: str | None = None, starting: float = _START_SECONDS
) -> Page:
    """Open a page in headless Chromium, and give what went wrong in it; its picture is kept as `screenshot`.

    The browser has `starting` seconds to start, and then it all ends within `seconds`; nothing of it is left, whatever
    happens. Raises `Unavailable` when the browser itself is not there, does not start or dies, `StepFailed` when the
    picture cannot be written.
    """
    start_until = time.monotonic() + starting
    with _chromium(program or find_browser()) as (devtools, failure):
        try:
            tab = Tab(devtools, until=start_until)
            began = time.monotonic()
            deadline = began + seconds
            tab.load(url, until=deadline - min(_PICTURE_SECONDS, seconds * _PICTURE_SHARE))
            picture, title, address = None, "", url
            with suppress(TimeoutError, DevToolsError):  # a page that is stuck can be neither asked nor drawn
                title, address = tab.title(until=deadline)
                picture = tab.picture(until=deadline)
                tab.judge_icons(until=deadline)
        except (ConnectionError, TimeoutError, DevToolsError) as error:
            raise failure(str(error)) from error
    if picture is not None:
        _keep(picture, screenshot)
    return Page(
        url=address,
        title=title,
        problems=tab.problems,
        screenshot=screenshot if picture is not None else None,
        seconds=time.monotonic() - began,
    )


class _BrowserFailure:
    """What a browser wrote before it failed, as an error."""

    def __init__(self, program: str, written: Path) -> None:
        self._program = program
        self._written = written

    def __call__(self, reason: str) -> Unavailable:
        lines: list[str] = []
        with suppress(OSError):
            lines = self._written.read_text("utf-8", "replace").splitlines()
        shown = [line for line in lines if line.strip() and not any(noise in line for noise in _NOISE)]
        return Unavailable(
            "the browser failed",
            reason=f"{self._program}: {reason}",
            hint="mend what the lines above say (or name another one in the setting browser), then run it again",
            details=tuple(shown[-_LAST_LINES:]),
            cause="browser-failed",
        )


@contextmanager
def _chromium(program: str) -> Iterator[tuple[DevTools, _BrowserFailure]]:
    """Yield the line to a Chromium that starts, with a profile of its own; both are gone afterwards."""
    usual = tempfile.gettempdir()
    folder = tempfile.mkdtemp(prefix="seatrial-browser-", dir=usual if len(usual) <= _LONGEST_PLACE else "/tmp")  # noqa: S108
    written = Path(folder) / "messages"
    ours: list[int] = []
    process = None
    try:
        (its_read, our_write), (our_read, its_write) = _pipe(), _pipe()
        ours = [our_read, our_write]
        try:
            process = _start(program, folder, written, its_read, its_write)
        finally:
            os.close(its_read)
            os.close(its_write)
        yield DevTools(our_read, our_write), _BrowserFailure(program, written)
    finally:
        for one in ours:
            os.close(one)
        if process is not None:
            _end(process)
        shutil.rmtree(folder, ignore_errors=True)


def _start(program: str, folder: str, written: Path, its_read: int, its_write: int) -> subprocess.Popen[bytes]:
    """Start a browser below a keeper, which ends it as soon as nobody holds the keeper's input any more."""
    flags = [*_FLAGS, f"--user-data-dir={folder}/profile", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    places = [f"{name}={folder}" for name in ("TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")]
    supervisor = [sys.executable, "-IS", str(_SUPERVISOR), folder, str(its_read), str(its_write)]
    with written.open("wb") as messages:
        return subprocess.Popen(
            [*supervisor, "env", *places, program, *flags],
            pass_fds=(its_read, its_write),
            start_new_session=True,  # Ctrl-C at the terminal is for us: we end it
            stdin=subprocess.PIPE,
            stdout=messages,
            stderr=messages,
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _pipe() -> tuple[int, int]:
    """Return the two ends of a pipe, with numbers beyond those the browser gets them under."""
    ends = os.pipe()
    try:
        moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE) for end in ends]
    finally:
        for end in ends:
            os.close(end)
    return moved[0], moved[1]


def _keep(picture: bytes, path: Path) -> None:
    """Put a picture where an older one may be; `StepFailed` when that cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, picture, mode=0o644)
    except OSError as error:
        raise StepFailed(
            f"the picture {path} cannot be written",
            reason=str(error.strerror or error),
            hint="make room for it, then: invoke smoke --browser",
        ) from error
