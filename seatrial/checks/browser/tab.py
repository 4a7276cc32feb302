"""One tab of a browser: what it loads, what goes wrong in it, and how it looks."""

from __future__ import annotations

import base64
import json
import time
from typing import Any
from urllib.parse import urlsplit

from seatrial.checks.browser.devtools import DevTools
from seatrial.errors import sanitize

__all__ = ["Tab"]

_SIZE: dict[str, Any] = {"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": False}
_WATCHED: dict[str, Any] = {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}
_QUIET = 0.3
_LONGEST_UNREST = 2.0
_MOST_PROBLEMS = 20
_DOMAINS = ("Page", "Runtime", "Log", "Network", "Inspector")
_BAD_CALLS = {"error": "console.error", "assert": "console.assert"}
_NOT_OURS = {"intervention", "worker"}  # because nobody clicks here; because the worker itself says it, too
_RESOURCE = "Failed to load resource: "
_ICON = "[...document.querySelectorAll('link[rel~=icon i]')].some(one => one.href === {url})"


class Tab:
    """A tab of 1280 by 800 pixels, and what goes wrong in it and in its frames and workers.

    Every moment is one of the monotonic clock, and a `TimeoutError` comes when it is past.
    """

    def __init__(self, devtools: DevTools, *, until: float) -> None:
        self._devtools = devtools
        self._problems: dict[str, str] = {}
        self._icons: dict[str, str] = {}
        self._under_way: dict[tuple[str, str], tuple[str, str]] = {}
        self._loads = 0
        self._loaded: float | None = None
        self._last_activity = time.monotonic()
        self._crashed = False
        self._url = ""
        devtools.call("Browser.setDownloadBehavior", until=until, behavior="deny")
        self._target: str = devtools.call("Target.createTarget", until=until, url="about:blank")["targetId"]
        attached = devtools.call("Target.attachToTarget", until=until, targetId=self._target, flatten=True)
        self._session: str = attached["sessionId"]
        devtools.on_event = self._on_event
        for domain in _DOMAINS:
            devtools.call(f"{domain}.enable", session=self._session, until=until)
        devtools.call("Target.setAutoAttach", session=self._session, until=until, **_WATCHED)
        devtools.call("Emulation.setDeviceMetricsOverride", session=self._session, until=until, **_SIZE)

    @property
    def problems(self) -> tuple[str, ...]:
        """What went wrong so far, each in one line, the first twenty of them."""
        lines = [*self._problems.values()]
        more = len(lines) - _MOST_PROBLEMS
        return (*lines[:_MOST_PROBLEMS], *([f"and {more} more"] if more > 0 else []))

    def load(self, url: str, *, until: float) -> None:
        """Open a page and wait until it has loaded and is quiet; that it does not is a problem like others.

        Quiet is 0.3 s without a request, or 2 s after loading for a page that never rests.
        """
        began = time.monotonic()
        self._url = url
        number = self._devtools.send("Page.navigate", session=self._session, url=url)
        self._devtools.expect(number)
        while not self._at_rest(time.monotonic()):
            if (reply := self._devtools.reply(number)) and (refusal := _refusal(reply)):
                self._add("navigation", f"the page does not load: {refusal}")
                return
            if time.monotonic() >= until:
                self._add("late", self._late(time.monotonic() - began))
                return
            self._devtools.listen(min(until, time.monotonic() + _QUIET / 4))

    def title(self, *, until: float) -> tuple[str, str]:
        """Return the page's title and the address where it ended up."""
        info = self._devtools.call("Target.getTargetInfo", until=until, targetId=self._target)["targetInfo"]
        return sanitize(str(info["title"]), limit=100), sanitize(str(info["url"]), limit=200)

    def picture(self, *, until: float) -> bytes:
        """Return how it looks, as a PNG."""
        found = self._devtools.call("Page.captureScreenshot", session=self._session, until=until, format="png")
        return base64.b64decode(found["data"])

    def judge_icons(self, *, until: float) -> None:
        """Let a missing /favicon.ico be a problem only where the page itself names it: browsers ask for it unasked."""
        for url, words in self._icons.items():
            asked = _ICON.format(url=json.dumps(url))
            answer = self._devtools.call("Runtime.evaluate", session=self._session, until=until, expression=asked)
            if answer.get("result", {}).get("value") is True:
                self._add(url, words)

    def _at_rest(self, now: float) -> bool:
        if self._crashed:
            return True
        if self._loaded is None:
            return False
        quiet = not self._under_way and now - self._last_activity >= _QUIET
        return quiet or now - self._loaded >= _LONGEST_UNREST

    def _late(self, seconds: float) -> str:
        waiting = [self._short(url) for _, url in self._under_way.values()][:3]
        behind = f"; it waits for {', '.join(waiting)}" if waiting else ""
        behind += f"; it began anew {self._loads} times" if self._loads > 1 else ""
        return f"the page did not finish loading within {seconds:.1f} s{behind}"

    def _add(self, key: str, words: str) -> None:
        self._problems.setdefault(key, sanitize(" ".join(words.split()), limit=300))

    def _on_event(self, method: str, params: dict[str, Any], session: str) -> None:
        match method:
            case "Target.attachedToTarget":
                self._attach(params["sessionId"])
            case "Target.detachedFromTarget":
                self._detach(params.get("sessionId", ""))
            case "Page.javascriptDialogOpening":
                self._devtools.send("Page.handleJavaScriptDialog", session=session, accept=True)
            case "Inspector.targetCrashed":
                self._crashed = self._crashed or session == self._session
                self._add("crash", "the page crashed the browser's renderer")
            case "Runtime.consoleAPICalled" if params["type"] in _BAD_CALLS:
                words = f"{_BAD_CALLS[params['type']]}: {' '.join(_describe_value(one) for one in params['args'])}"
                self._add(words, words + self._place(params.get("stackTrace", {}).get("callFrames", [])[:1]))
            case "Runtime.exceptionThrown":
                self._exception(params["exceptionDetails"], session)
            case "Runtime.exceptionRevoked":
                self._problems.pop(f"exception {session} {params['exceptionId']}", None)
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self._entry(params["entry"])
            case _:
                self._progress(method, params, session)

    def _attach(self, session: str) -> None:
        """Hear of what goes wrong there, too, and let it begin."""
        for domain in _DOMAINS:
            self._devtools.send(f"{domain}.enable", session=session)
        self._devtools.send("Target.setAutoAttach", session=session, **_WATCHED)
        self._devtools.send("Runtime.runIfWaitingForDebugger", session=session)

    def _progress(self, method: str, params: dict[str, Any], session: str) -> None:
        """Keep count of requests and loads."""
        request = (session, str(params.get("requestId")))
        if method == "Network.requestWillBeSent":
            self._under_way[request] = (str(params.get("loaderId")), str(params["request"]["url"]))
        elif method in {"Network.loadingFinished", "Network.loadingFailed"}:
            self._under_way.pop(request, None)
        elif session != self._session:
            return
        elif method == "Page.frameNavigated" and not params["frame"].get("parentId"):
            self._loaded = None
            mine = params["frame"]["loaderId"]
            self._under_way = {key: one for key, one in self._under_way.items() if one[0] == mine}
        elif method == "Page.loadEventFired":
            self._loaded = time.monotonic()
            self._loads += 1
        else:
            return
        self._last_activity = time.monotonic()

    def _detach(self, session: str) -> None:
        self._under_way = {key: one for key, one in self._under_way.items() if key[0] != session}

    def _exception(self, details: dict[str, Any], session: str) -> None:
        thrown = _describe_value(details.get("exception", {}))
        frames = details.get("stackTrace", {}).get("callFrames", [])[:1]
        place = self._place(frames or [details])
        self._add(f"exception {session} {details['exceptionId']}", f"{details['text']} {thrown}{place}")

    def _entry(self, entry: dict[str, Any]) -> None:
        if entry["source"] in _NOT_OURS:
            return
        url, text = str(entry.get("url", "")), str(entry["text"])
        words = f"{self._short(url)}: {text.removeprefix(_RESOURCE)}" if url else text
        if entry["source"] == "network" and urlsplit(url).path == "/favicon.ico":
            self._icons[url] = words
        else:
            self._add(f"{url} {text}", words)

    def _place(self, frames: list[dict[str, Any]]) -> str:
        """Return where in the page's sources something happened."""
        for frame in frames:
            if url := frame.get("url"):
                return f" ({self._short(str(url))}:{int(frame.get('lineNumber', 0)) + 1})"
        return ""

    def _short(self, url: str) -> str:
        """Return an address without its query (it may hold a secret), and without the origin where it is the page's."""
        here, there = urlsplit(self._url), urlsplit(url)
        if there.scheme not in {"http", "https"}:
            return sanitize(url, limit=40)
        own = (there.scheme, there.netloc) == (here.scheme, here.netloc)
        return sanitize(there.path if own else f"{there.scheme}://{there.netloc}{there.path}", limit=120)


def _describe_value(value: dict[str, Any]) -> str:
    """Return a JavaScript value in words: an error's first line, a text as it is."""
    if "value" in value:
        return value["value"] if isinstance(value["value"], str) else json.dumps(value["value"])
    return str(value.get("description", value.get("type", ""))).partition("\n")[0]


def _refusal(reply: dict[str, Any]) -> str:
    """Return why the browser did not open the page, or None when it did."""
    if "error" in reply:
        return str(reply["error"].get("message"))
    if reply["result"].get("isDownload"):
        return "it is sent as a download"
    return str(reply["result"].get("errorText", ""))
