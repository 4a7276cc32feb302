"""The DevTools protocol over a browser's debugging pipe: JSON both ways, each message ended by a zero byte."""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Callable
from typing import Any

__all__ = ["DevTools", "DevToolsError", "EventHandler"]

EventHandler = Callable[[str, dict[str, Any], str], None]
"""Who hears of the browser's events: the method, its parameters, and the session it came from."""

_CHUNK = 256 * 1024
_LONGEST_SLICE = 1.0


class DevToolsError(Exception):
    """The browser did not do what it was asked; the text is its reason."""


class DevTools:
    """A conversation with a browser through two file descriptors, which stay the caller's to close.

    Everything raises `ConnectionError` once the browser has gone.
    """

    def __init__(self, read_from: int, write_to: int) -> None:
        self.on_event: EventHandler = lambda _method, _params, _session: None
        self._read_from = read_from
        self._write_to = write_to
        self._last = 0
        self._parts: list[bytes] = []
        self._awaited: set[int] = set()
        self._replies: dict[int, dict[str, Any]] = {}
        self._poll = select.poll()
        self._poll.register(read_from, select.POLLIN)

    def send(self, method: str, *, session: str = "", **params: Any) -> int:  # noqa: ANN401  whatever JSON holds
        """Ask for something and give the question's number, without a wait for the reply."""
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        rest = json.dumps(message).encode() + b"\0"
        while rest:
            rest = rest[os.write(self._write_to, rest) :]
        return self._last

    def call(self, method: str, *, until: float, session: str = "", **params: Any) -> dict[str, Any]:  # noqa: ANN401
        """Ask for something and give the reply, while the events that come meanwhile are heard.

        `DevToolsError` where the reply is an error, `TimeoutError` at `until`, a moment of the monotonic clock.
        """
        number = self.send(method, session=session, **params)
        self._awaited.add(number)
        try:
            while (reply := self.reply(number)) is None:
                self.wait(until, f"no reply to {method}")
        finally:
            self._awaited.discard(number)
        if "error" in reply:
            raise DevToolsError(str(reply["error"].get("message", "no reason given")))
        result: dict[str, Any] = reply.get("result", {})
        return result

    def expect(self, number: int) -> None:
        """Keep the reply to a question that was sent until it is looked for."""
        self._awaited.add(number)

    def reply(self, number: int) -> dict[str, Any] | None:
        """Return the reply to an expected question as it came, once, or None so far."""
        return self._replies.pop(number, None)

    def wait(self, until: float, what: str = "nothing came") -> None:
        """Hear what comes next; `TimeoutError(what)` when that moment of the monotonic clock is past."""
        if time.monotonic() >= until:
            raise TimeoutError(f"{what} in time")
        self.listen(until)

    def listen(self, until: float) -> None:
        """Hear what comes next, or nothing until that moment of the monotonic clock; also for less than a second."""
        wait = min(max(until - time.monotonic(), 0), _LONGEST_SLICE)
        if not self._poll.poll(wait * 1000):
            return
        piece = os.read(self._read_from, _CHUNK)
        if not piece:
            raise ConnectionError("the browser ended")
        *ends, rest = piece.split(b"\0")
        for end in ends:
            message = b"".join([*self._parts, end])
            self._parts.clear()
            self._take(json.loads(message))
        self._parts.append(rest)

    def _take(self, message: dict[str, Any]) -> None:
        if "method" in message:
            self.on_event(message["method"], message.get("params", {}), message.get("sessionId", ""))
        elif message.get("id") in self._awaited:
            self._replies[message["id"]] = message
