"""A client that requests a page again and again, each time on a new connection, and counts failures."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass, field
from typing import Self

__all__ = ["LoadClient"]


@dataclass
class LoadClient:
    """A client that requests the page at 127.0.0.1:`port` every `pause` seconds during the block.

    `pages` are the different pages received, in order of first appearance. `lost` are the failed requests, as text.
    `longest_gap` is the longest time between two pages, in seconds.
    """

    port: int
    path: str = "/"
    pause: float = 0.004
    count: int = 0
    pages: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    longest_gap: float = 0.0

    def __enter__(self) -> Self:
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._request_repeatedly, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *what: object) -> None:
        self._stopped.set()
        self._thread.join(30)

    def _request_repeatedly(self) -> None:
        last = time.monotonic()
        while not self._stopped.is_set():
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
            self._stopped.wait(self.pause)

    def _page(self) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", self.path, headers={"Connection": "close"})
            response = connection.getresponse()
            body = response.read().decode()
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise OSError(f"status {response.status}")
        return body
