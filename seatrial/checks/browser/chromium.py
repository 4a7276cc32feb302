"""Open a page in headless Chromium, through Playwright: what is wrong with it, and a screenshot.

Import this module late: Playwright costs half a second, and is installed only with the extra `browser`.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace
from playwright.async_api import Browser, Error, async_playwright
from playwright.async_api import TimeoutError as PlaywrightTimeout

from seatrial.checks.browser.tab import Tab
from seatrial.errors import StepFailed, Unavailable
from seatrial.host.atomic_write import replace_file
from seatrial.settings.variables import variables

__all__ = ["Page", "chromium", "look_at", "open_page"]

_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-proxy-server",  # the checks use none either
)
_NOT_THESE = ("--disable-popup-blocking",)  # a window that nobody clicked for stays closed
_OUTPUT = re.compile(r"\[pid=\d+\]\[(?:out|err)\] (.*)")
_LONGEST_FOLDER = 60  # characters: Chromium makes a socket in it, and a socket's path has 107 at most
_NOISE = ("crashpad", "dbus", "unexpected operator")
_LAST_LINES = 5
_SCREENSHOT_SHARE, _SCREENSHOT_SECONDS = 0.25, 3.0
_START_SECONDS, _END_SECONDS = 30.0, 5.0
_T = TypeVar("_T")


class Page(Struct, frozen=True, kw_only=True):
    """A page as a browser found it: where it ended up, its title, what is wrong with it, a line each.

    `screenshot` is the PNG's path, None if none could be taken; `seconds` is how long the visit took once the browser
    had started.
    """

    url: str
    title: str
    problems: tuple[str, ...]
    screenshot: Path | None
    seconds: float


def open_page(  # noqa: PLR0913  each argument is one thing
    url: str,
    *,
    screenshot: Path,
    seconds: float,
    program: str,
    starting: float = _START_SECONDS,
    any_certificate: bool = False,
) -> Page:
    """Open a page in headless Chromium, save its screenshot, and return what is wrong with the page.

    The browser has `starting` seconds to start; the visit then ends within `seconds`. No process and no profile is
    left, whatever happens. Raise `Unavailable` if the browser does not start or ends, and `StepFailed` if the
    screenshot cannot be written.
    """
    page, picture = _run_in_thread(_visit(url, seconds, program, starting, any_certificate=any_certificate))
    if picture is None:
        return page
    try:
        screenshot.parent.mkdir(parents=True, exist_ok=True)
        replace_file(screenshot, picture, mode=0o644)
    except OSError as error:
        raise StepFailed(
            f"the screenshot {screenshot} cannot be written",
            reason=str(error.strerror or error),
            hint="make room for it, then: invoke smoke --browser",
        ) from error
    return replace(page, screenshot=screenshot)


async def _visit(
    url: str, seconds: float, program: str, starting: float, *, any_certificate: bool
) -> tuple[Page, bytes | None]:
    async with chromium(program, starting) as browser:
        return await look_at(browser, url, seconds, starting, any_certificate=any_certificate)


async def look_at(
    browser: Browser, url: str, seconds: float, starting: float = _START_SECONDS, *, any_certificate: bool = False
) -> tuple[Page, bytes | None]:
    """Open a page in a tab of its own; return it without its screenshot, and the screenshot as PNG if there is one."""
    clock = asyncio.get_running_loop().time
    title, picture = "", None
    async with asyncio.timeout(starting):
        tab = await Tab.open(browser, url, any_certificate=any_certificate)
    began = clock()
    deadline = began + seconds
    await tab.load(until=deadline - min(_SCREENSHOT_SECONDS, seconds * _SCREENSHOT_SHARE))
    with suppress(TimeoutError, Error):  # a page that hangs has neither title nor looks
        async with asyncio.timeout_at(deadline):
            title = await tab.title()
            picture = await tab.screenshot()
            await tab.judge_icons()
    if not browser.is_connected():
        raise Error("it has ended")
    return Page(url=tab.url, title=title, problems=tab.problems, screenshot=None, seconds=clock() - began), picture


@asynccontextmanager
async def chromium(program: str, starting: float) -> AsyncIterator[Browser]:
    """Yield a Chromium with a profile of its own; afterwards both are gone. Errors of Playwright become ours."""
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=program,
                env=_environment(),
                args=_FLAGS,
                ignore_default_args=_NOT_THESE,
                chromium_sandbox=os.geteuid() != 0,
                handle_sigint=False,  # Ctrl-C in a terminal reaches every process, and it is ours to end the visit
                timeout=starting * 1000,
            )
            try:
                yield browser
            finally:
                with suppress(TimeoutError, Error):  # Playwright's own end kills what does not close
                    async with asyncio.timeout(_END_SECONDS):
                        await browser.close()
    except (Error, TimeoutError) as error:
        message = str(error)
        reason = message.partition("\n")[0]
        if isinstance(error, (PlaywrightTimeout, TimeoutError)):
            reason = f"it did not start within {starting:.0f} s"
        elif "has been closed" in reason:
            reason = "it has ended"
        output = [line for line in _OUTPUT.findall(message) if line and not any(word in line for word in _NOISE)]
        raise Unavailable(
            "the browser failed",
            reason=f"{program}: {reason}",
            hint="fix what the lines above say (or name another one in the setting browser), then run it again",
            details=tuple(dict.fromkeys(output))[-_LAST_LINES:],
            cause="browser-failed",
        ) from error


def _environment() -> dict[str, str | float | bool]:
    """Return the browser's environment variables, with which it leaves nothing in the user's home."""
    usual = tempfile.gettempdir()
    temporary = usual if len(usual) <= _LONGEST_FOLDER else "/tmp"  # noqa: S108
    own = variables(XDG_CONFIG_HOME=os.devnull, XDG_CACHE_HOME=os.devnull, GSETTINGS_BACKEND="memory", TMPDIR=temporary)
    return {**own}


def _run_in_thread(visit: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine in a thread, and cancel it if a signal arrives.

    A signal handler's exception is raised in the main thread: in an event loop there, it could be lost.
    """
    loop = asyncio.new_event_loop()
    task = loop.create_task(visit)

    def run() -> _T:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            return runner.get_loop().run_until_complete(task)

    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(run)
        try:
            return result.result()
        finally:
            if not result.done():
                loop.call_soon_threadsafe(task.cancel)
