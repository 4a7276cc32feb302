"""Only transient errors are retried, a few times, after longer and longer waits that are emitted."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from seatrial.errors import PushRefused, RateLimited, RegistryUnavailable, SeatrialError, StepFailed
from seatrial.events import Event, Retry
from seatrial.pipeline.retry import RetryPolicy


@dataclass
class FakeClock:
    """A clock that moves only in `sleep` and during an attempt."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.slept.append(seconds)
        self.now += seconds

    @property
    def retry_policy(self) -> RetryPolicy:
        """The default policy on this clock."""
        return RetryPolicy(sleep=self.sleep)


@dataclass
class Registry:
    """A registry that fails with these errors in turn and then works; each attempt `takes` so many seconds."""

    clock: FakeClock
    errors: list[SeatrialError]
    takes: float = 0.0
    attempts_made: int = 0

    def ask(self) -> str:
        """Make an attempt."""
        self.attempts_made += 1
        self.clock.now += self.takes
        if self.errors:
            raise self.errors.pop(0)
        return "digest"


def down(reason: str = "answered 503") -> RegistryUnavailable:
    """Return an outage."""
    return RegistryUnavailable("it cannot be looked up", reason=reason, hint="wait")


def limited(seconds: float = 0) -> RateLimited:
    """Return a rate limit, with the seconds that the registry asks to wait."""
    return RateLimited("it cannot be looked up", reason="answered 429", hint="wait").but(seconds=seconds)


@pytest.fixture
def clock() -> FakeClock:
    """A fake clock."""
    return FakeClock()


def _about(found: list[float], wanted: list[float]) -> bool:
    """Return whether these are the expected waits, each up to a tenth longer."""
    return all(least <= one <= least * 1.1 for one, least in zip(found, wanted, strict=True))


def test_works_at_last(clock: FakeClock) -> None:
    """What works is tried once; what works the third time waits one second and then three, each with an event.

    It does not matter how long an attempt took.
    """
    registry = Registry(clock, [])
    assert clock.retry_policy.call(registry.ask, clock.events.append) == "digest"
    assert (registry.attempts_made, clock.slept, clock.events) == (1, [], [])
    registry = Registry(clock, [down(), down("reset by peer")], takes=3600.0)
    assert clock.retry_policy.call(registry.ask, clock.events.append) == "digest"
    assert registry.attempts_made == 3
    assert _about(clock.slept, [1, 3])
    first, second = clock.slept
    assert clock.events == [
        Retry(text=str(down()), attempt=2, attempts=3, seconds=first),
        Retry(text=str(down("reset by peer")), attempt=3, attempts=3, seconds=second),
    ]


def test_works_never(clock: FakeClock) -> None:
    """An attempt that fails three times ends with its last error, unchanged."""
    errors: list[SeatrialError] = [down(str(number)) for number in range(5)]
    last = errors[2]
    with pytest.raises(RegistryUnavailable) as caught:
        clock.retry_policy.call(Registry(clock, errors).ask, clock.events.append)
    assert caught.value is last
    assert len(clock.events) == 2


def test_what_will_not_pass(clock: FakeClock) -> None:
    """A refusal, a lasting outage and any foreign exception are not retried."""
    lasting = down().but(transient=False)
    refusal = PushRefused("no", reason="denied", hint="log in")
    for error in (lasting, refusal, StepFailed("no", reason="read-only", hint="ask")):
        with pytest.raises(SeatrialError) as caught:
            clock.retry_policy.call(Registry(clock, [error]).ask, clock.events.append)
        assert caught.value is error
    with pytest.raises(ZeroDivisionError):
        clock.retry_policy.call(lambda: 1 // 0, clock.events.append)
    assert (clock.slept, clock.events) == ([], [])


def test_rate_limit(clock: FakeClock) -> None:
    """A rate limit has longer waits, and one retry more."""
    registry = Registry(clock, [limited() for _ in range(5)])
    with pytest.raises(RateLimited):
        clock.retry_policy.call(registry.ask, clock.events.append)
    assert registry.attempts_made == 4
    assert _about(clock.slept, [5, 15, 45])
    assert [one.attempts for one in clock.events if isinstance(one, Retry)] == [4, 4, 4]


@pytest.mark.parametrize(("seconds", "wait"), [(2, 5), (7, 7), (46, 45), (float("inf"), 45)])
def test_retry_after(clock: FakeClock, seconds: float, wait: float) -> None:
    """The wait that a registry asks for counts up to 45 seconds, but the wait is never shorter than usual."""
    assert clock.retry_policy.call(Registry(clock, [limited(seconds)]).ask) == "digest"
    assert _about(clock.slept, [wait])


def test_both_kinds(clock: FakeClock) -> None:
    """A rate limit after an outage has its own waits, and attempts are counted together."""
    registry = Registry(clock, [down(), limited(), down(), down()])
    with pytest.raises(RegistryUnavailable, match="503"):
        clock.retry_policy.call(registry.ask)
    assert registry.attempts_made == 3
    assert _about(clock.slept, [1, 15])


def test_own_waits(clock: FakeClock) -> None:
    """A policy with its own delays and no jitter waits exactly these."""
    retry_policy = RetryPolicy(delays=(0.5,), jitter=0, sleep=clock.sleep)
    with pytest.raises(RegistryUnavailable):
        retry_policy.call(Registry(clock, [down(), down()]).ask)
    assert clock.slept == [0.5]
