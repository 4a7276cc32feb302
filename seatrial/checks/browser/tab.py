"""A browser's tab: what it loads and what goes wrong in it."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.async_api import Browser, CDPSession, ConsoleMessage, Error, Page, Request
from playwright.async_api import TimeoutError as PlaywrightTimeout

from seatrial.errors import sanitize
from seatrial.wording import and_more

__all__ = ["Tab"]

_LONGEST_UNREST = 2.0
_MOST_PROBLEMS = 20
_BAD_CALLS = {"error": "console.error", "assert": "console.assert"}
_CRASH = "the page crashed the browser's renderer"
_RESOURCE = "Failed to load resource: "
_ICON = "[...document.querySelectorAll('link[rel~=icon i]')].some(one => one.href === {url})"
_STACK = re.compile(r"\n +at .*")
_FRAME = re.compile(r"\n +at (?:.*\()?(\S+?):(\d+):\d+\)?$", re.MULTILINE)


class Tab:
    """A tab of 1280 by 800 pixels, and what goes wrong in it, in its frames and in its workers."""

    def __init__(self, page: Page, console: CDPSession, url: str) -> None:
        self._page = page
        self._url = url
        self._problems: dict[str, str] = {}
        self._exceptions: dict[int, str] = {}
        self._described: set[str] = set()
        self._page_errors: list[Error] = []
        self._interventions: set[str] = set()
        self._icons: dict[str, str] = {}
        self._requests: dict[Request, None] = {}
        self._loads = 0
        page.on("console", self._on_console)
        page.on("crash", self._on_crash)
        page.on("dialog", lambda dialog: dialog.accept())
        page.on("load", self._on_load)
        page.on("pageerror", self._on_page_error)
        page.on("request", self._on_request)
        page.on("requestfinished", self._on_request_end)
        page.on("requestfailed", self._on_request_end)
        console.on("Log.entryAdded", self._on_log_entry)
        console.on("Runtime.exceptionThrown", self._on_exception)
        console.on("Runtime.exceptionRevoked", self._on_revoked)

    @classmethod
    async def open(cls, browser: Browser, url: str, *, any_certificate: bool) -> Self:
        """Open an empty tab for the page at `url`."""
        page = await browser.new_page(
            viewport={"width": 1280, "height": 800}, accept_downloads=False, ignore_https_errors=any_certificate
        )
        console = await page.context.new_cdp_session(page)
        tab = cls(page, console, url)
        await console.send("Log.enable")
        await console.send("Runtime.enable")
        return tab

    @property
    def url(self) -> str:
        """The address where the page ended up."""
        return sanitize(self._page.url, limit=200)

    @property
    def problems(self) -> tuple[str, ...]:
        """What has gone wrong so far, a line each, at most the first twenty."""
        for error in self._page_errors:
            line = _first_line(error.stack or f"{error.name}: {error.message}")
            if line not in self._described:  # a worker's or a foreign frame's: not on the page's own console
                frame = _FRAME.search(error.stack or "")
                self._add(f"Uncaught {line}{self._place(frame[1], int(frame[2])) if frame else ''}")
        lines = [line for line, text in self._problems.items() if text not in self._interventions]
        return (*lines[:_MOST_PROBLEMS], *filter(None, [and_more(len(lines) - _MOST_PROBLEMS)]))

    async def load(self, *, until: float) -> None:
        """Open the page and wait until it has loaded and is quiet; if that fails, it is one of the problems.

        Quiet is half a second without a request, or 2 s after loading if the requests never end. Raise Playwright's
        `Error` only if the browser itself has ended.
        """
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout_at(until):
                await self._page.goto(self._url, wait_until="commit", timeout=0)
                while not await self._rests():
                    pass
        except TimeoutError:
            self._add(self._late(clock() - began))
        except Error as error:
            if "has been closed" in error.message:  # the browser itself has ended
                raise
            if _CRASH not in self._problems:
                self._add(f"the page does not load: {_refusal(error)}")

    async def title(self) -> str:
        """Return the page's title."""
        return sanitize(await self._page.title(), limit=100)

    async def screenshot(self) -> bytes:
        """Return a screenshot, as a PNG."""
        return await self._page.screenshot(timeout=0)

    async def judge_icons(self) -> None:
        """Make a missing /favicon.ico a problem only if the page itself names it: browsers always ask for it."""
        for url, words in self._icons.items():
            if await self._page.evaluate(_ICON.format(url=json.dumps(url))):
                self._add(words)

    async def _rests(self) -> bool:
        """Wait until the page has loaded and is quiet; return whether that was its last load."""
        await self._page.wait_for_load_state("load", timeout=0)
        loads = self._loads
        with suppress(PlaywrightTimeout):
            await self._page.wait_for_load_state("networkidle", timeout=_LONGEST_UNREST * 1000)
        await self._page.wait_for_load_state("load", timeout=0)
        return self._loads == loads

    def _late(self, seconds: float) -> str:
        waiting = [self._short(request.url) for request in self._requests][:3]
        behind = f"; it waits for {', '.join(waiting)}" if waiting else ""
        behind += f"; it was loaded {self._loads} times" if self._loads > 1 else ""
        return f"the page did not finish loading within {seconds:.1f} s{behind}"

    def _add(self, words: str, text: str = "") -> str:
        """Add a problem and return its line; `text` is Chromium's own."""
        line = sanitize(" ".join(words.split()), limit=300)
        self._problems[line] = text
        return line

    def _on_crash(self, _: Page) -> None:
        self._add(_CRASH)

    def _on_load(self, _: Page) -> None:
        self._loads += 1

    def _on_request(self, request: Request) -> None:
        self._requests[request] = None

    def _on_request_end(self, request: Request) -> None:
        self._requests.pop(request, None)

    def _on_page_error(self, error: Error) -> None:
        self._page_errors.append(error)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type not in _BAD_CALLS:
            return
        url, line = message.location["url"], message.location["lineNumber"] + 1
        if message.args or not url:
            self._add(f"{_BAD_CALLS[message.type]}: {_STACK.sub('', message.text)}{self._place(url, line)}")
            return
        words = f"{self._short(url)}: {message.text.removeprefix(_RESOURCE)}"  # Chromium's own message about a URL
        if message.text.startswith(_RESOURCE) and urlsplit(url).path == "/favicon.ico":
            self._icons[url] = words
        else:
            self._add(words, message.text)

    def _on_log_entry(self, event: dict[str, Any]) -> None:
        """Remember what Chromium itself refused, because nobody had clicked: the page is not to blame."""
        if event["entry"]["source"] == "intervention":
            self._interventions.add(event["entry"]["text"])

    def _on_exception(self, event: dict[str, Any]) -> None:
        details = event["exceptionDetails"]
        thrown = details.get("exception", {})
        line = _first_line(str(thrown.get("description") or thrown.get("value", thrown.get("type", ""))))
        self._described.add(line)
        frame = next(iter(details.get("stackTrace", {}).get("callFrames", [])), details)
        place = self._place(frame.get("url", ""), frame["lineNumber"] + 1)
        self._exceptions[details["exceptionId"]] = self._add(f"{details['text']} {line}{place}")

    def _on_revoked(self, event: dict[str, Any]) -> None:
        """Forget a rejection that was handled after all."""
        self._problems.pop(self._exceptions.pop(event["exceptionId"], ""), None)

    def _place(self, url: str, line: int) -> str:
        """Return where in the page's sources something happened."""
        return f" ({self._short(url)}:{line})" if url else ""

    def _short(self, url: str) -> str:
        """Return a URL without its query, which may hold a secret, and without the origin if it is the page's."""
        here, there = urlsplit(self._url), urlsplit(url)
        if there.scheme not in {"http", "https"}:
            return sanitize(url, limit=40)
        own = (there.scheme, there.netloc) == (here.scheme, here.netloc)
        return sanitize(there.path if own else f"{there.scheme}://{there.netloc}{there.path}", limit=120)


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _refusal(error: Error) -> str:
    """Return why the browser did not open the page."""
    if "Download is starting" in error.message:
        return "it is sent as a download"
    found = re.search(r"net::\w+", error.message)
    return found[0] if found else _first_line(error.message)
