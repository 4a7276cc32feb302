"""Retry transient errors, and only these: the rules in one place."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from seatrial.errors import RateLimited, SeatrialError
from seatrial.events import Event, Retry

__all__ = ["RetryPolicy"]

_T = TypeVar("_T")


class RetryPolicy(Struct, frozen=True, kw_only=True):
    """How often an error that is `transient` is retried, and after how many seconds.

    `delays` lie between the tries; `rate_limit_delays` replace them if a registry limits our rate. Up to a share of
    `jitter` is added, so that many clients do not come back at the same moment.
    """

    delays: tuple[float, ...] = (1.0, 3.0)
    rate_limit_delays: tuple[float, ...] = (5.0, 15.0, 45.0)
    jitter: float = 0.1
    sleep: Callable[[float], None] = time.sleep

    def call(self, attempt: Callable[[], _T], emit: Callable[[Event], None] = lambda _: None) -> _T:
        """Return the result of `attempt`, or raise its last error; emit a `Retry` before each wait."""
        attempts_made = 1
        while True:
            try:
                return attempt()
            except SeatrialError as error:
                limited = isinstance(error, RateLimited)
                delays = self.rate_limit_delays if limited else self.delays
                if not error.transient or attempts_made > len(delays):
                    raise
                seconds = delays[attempts_made - 1]
                if isinstance(error, RateLimited):
                    seconds = max(seconds, min(error.seconds, self.rate_limit_delays[-1]))
                seconds *= 1 + random.uniform(0, self.jitter)  # noqa: S311  not a secret
                attempts_made += 1
                emit(
                    Retry(
                        text=f"{error.message}: {error.reason}",
                        attempt=attempts_made,
                        attempts=len(delays) + 1,
                        seconds=seconds,
                    )
                )
                self.sleep(seconds)
