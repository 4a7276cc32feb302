"""What may pass is tried again, and nothing else: the rules of retrying, in one place."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from seatrial.errors import RateLimited, SeatrialError
from seatrial.events import Event, Retry

__all__ = ["Patience"]

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How often and how long is waited, in seconds, for an error that is `passing`.

    `waits` lie between the tries, `rate_waits` in their place where a registry limits our rate. A share of `jitter`
    comes on top, so that many do not come back at once.
    """

    waits: tuple[float, ...] = (1.0, 3.0)
    rate_waits: tuple[float, ...] = (5.0, 15.0, 45.0)
    jitter: float = 0.1
    sleep: Callable[[float], None] = time.sleep

    def have(self, attempt: Callable[[], _T], tell: Callable[[Event], None] = lambda _: None) -> _T:
        """Give what `attempt` gives, in one of the tries; raise its last error when none of them did."""
        tried = 1
        while True:
            try:
                return attempt()
            except SeatrialError as error:
                limited = isinstance(error, RateLimited)
                waits = self.rate_waits if limited else self.waits
                if not error.passing or tried > len(waits):
                    raise
                seconds = waits[tried - 1]
                if isinstance(error, RateLimited):
                    seconds = max(seconds, min(error.seconds, self.rate_waits[-1]))
                seconds *= 1 + random.uniform(0, self.jitter)  # noqa: S311  nobody is to guess nothing from it
                tried += 1
                tell(Retry(text=f"{error.what}: {error.why}", attempt=tried, tries=len(waits) + 1, seconds=seconds))
                self.sleep(seconds)
