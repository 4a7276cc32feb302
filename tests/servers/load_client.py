"""Somebody who asks for a page again and again, each time by a new connection, and counts what goes wrong."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass, field
from typing import Self

__all__ = ["LoadClient"]


@dataclass
class LoadClient:
    """Asks for the page at 127.0.0.1:`port` every few milliseconds while the context is open.

    `pages` are the different pages that came, in the order they first came; `lost` what came instead of a page, in
    words; `longest_gap` the most seconds between two pages.
    """

    port: int
    path: str = "/"
    pause: float = 0.004
    count: int = 0
    pages: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    longest_gap: float = 0.0

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._visit, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *what: object) -> None:
        self._over.set()
        self._thread.join(30)

    def _visit(self) -> None:
        last = time.monotonic()
        while not self._over.is_set():
            try:
                page = self._page()
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(f"{type(error).__name__}: {error}")
            else:
                now = time.monotonic()
                self.longest_gap, last = max(self.longest_gap, now - last), now
                self.count += 1
                if page not in self.pages:
                    self.pages.append(page)
            self._over.wait(self.pause)

    def _page(self) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", self.path, headers={"Connection": "close"})
            answer = connection.getresponse()
            body = answer.read().decode()
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise OSError(f"status {answer.status}")
        return body
