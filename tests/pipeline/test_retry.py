"""Only what may pass is tried again, a few times, each behind a longer wait, and every wait is told."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from seatrial.errors import PushRefused, RateLimited, RegistryUnavailable, SeatrialError, StepFailed
from seatrial.events import Event, Retry
from seatrial.pipeline.retry import Patience


@dataclass
class Time:
    """A time that passes only while somebody sleeps, and while an attempt goes on."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.slept.append(seconds)
        self.now += seconds

    @property
    def patience(self) -> Patience:
        """The usual patience, in this time."""
        return Patience(sleep=self.sleep)


@dataclass
class Registry:
    """What fails with these errors, one after the other, and works then; each attempt takes so many seconds."""

    time: Time
    errors: list[SeatrialError]
    takes: float = 0.0
    tried: int = 0

    def ask(self) -> str:
        """Try."""
        self.tried += 1
        self.time.now += self.takes
        if self.errors:
            raise self.errors.pop(0)
        return "digest"


def down(why: str = "answered 503") -> RegistryUnavailable:
    """An outage."""
    return RegistryUnavailable("it cannot be looked up", why=why, mend="wait")


def limited(seconds: float = 0) -> RateLimited:
    """A rate limit, with what the registry says of how long."""
    error = RateLimited("it cannot be looked up", why="answered 429", mend="wait")
    error.seconds = seconds
    return error


@pytest.fixture
def time() -> Time:
    """A time of its own."""
    return Time()


def _about(found: list[float], wanted: list[float]) -> bool:
    """Whether these are the waits wanted, each with up to a tenth on top."""
    pairs = zip(found, wanted, strict=True)
    return len(found) == len(wanted) and all(least <= one <= least * 1.1 for one, least in pairs)


def test_works_at_once(time: Time) -> None:
    """What works is tried once, without a word."""
    registry = Registry(time, [])
    assert time.patience.have(registry.ask, time.told.append) == "digest"
    assert (registry.tried, time.slept, time.told) == (1, [], [])


def test_works_at_last(time: Time) -> None:
    """What works the third time is waited for one second and then three, each told with the reason."""
    registry = Registry(time, [down(), down("reset by peer")])
    assert time.patience.have(registry.ask, time.told.append) == "digest"
    assert registry.tried == 3
    assert _about(time.slept, [1, 3])
    first, second = time.slept
    assert time.told == [
        Retry(text="it cannot be looked up: answered 503", attempt=2, tries=3, seconds=first),
        Retry(text="it cannot be looked up: reset by peer", attempt=3, tries=3, seconds=second),
    ]


def test_works_never(time: Time) -> None:
    """What does not work three times ends with its last error, as it is."""
    errors: list[SeatrialError] = [down(str(number)) for number in range(5)]
    last = errors[2]
    registry = Registry(time, errors)
    with pytest.raises(RegistryUnavailable) as caught:
        time.patience.have(registry.ask, time.told.append)
    assert caught.value is last
    assert (registry.tried, len(time.told)) == (3, 2)
    assert _about(time.slept, [1, 3])


def test_what_will_not_pass(time: Time) -> None:
    """A refusal, and an outage that knows it stays, are not tried again, nor is what is none of our errors."""
    lasting = down()
    lasting.passing = False
    refusal = PushRefused("no", why="denied", mend="log in")
    for error in (lasting, refusal, StepFailed("no", why="read-only", mend="ask")):
        with pytest.raises(SeatrialError) as caught:
            time.patience.have(Registry(time, [error]).ask, time.told.append)
        assert caught.value is error
    with pytest.raises(ZeroDivisionError):
        time.patience.have(lambda: 1 // 0, time.told.append)
    assert (time.slept, time.told) == ([], [])


def test_stops_at_the_first_that_will_not_pass(time: Time) -> None:
    """An outage that becomes a refusal is over."""
    registry = Registry(time, [down(), PushRefused("no", why="denied", mend="log in")])
    with pytest.raises(PushRefused):
        time.patience.have(registry.ask)
    assert registry.tried == 2


def test_rate_limit(time: Time) -> None:
    """A rate limit is waited for longer, and once more."""
    registry = Registry(time, [limited() for _ in range(5)])
    with pytest.raises(RateLimited):
        time.patience.have(registry.ask, time.told.append)
    assert registry.tried == 4
    assert _about(time.slept, [5, 15, 45])
    assert [one.tries for one in time.told if isinstance(one, Retry)] == [4, 4, 4]


@pytest.mark.parametrize(
    ("seconds", "wait"), [(0, 5), (2, 5), (7, 7), (45, 45), (46, 45), (86400, 45), (float("inf"), 45)]
)
def test_retry_after(time: Time, seconds: float, wait: float) -> None:
    """What a registry says of how long it wants us to wait counts up to 45 seconds, but never less than usual."""
    assert time.patience.have(Registry(time, [limited(seconds)]).ask) == "digest"
    assert _about(time.slept, [wait])


def test_both_kinds(time: Time) -> None:
    """A rate limit behind an outage waits at its own pace, and tries are counted together."""
    registry = Registry(time, [down(), limited(), down(), down()])
    with pytest.raises(RegistryUnavailable, match="503"):
        time.patience.have(registry.ask)
    assert registry.tried == 3
    assert _about(time.slept, [1, 15])


def test_a_long_attempt(time: Time) -> None:
    """However long an attempt took, as a large upload does, the next one is made."""
    registry = Registry(time, [down()], takes=3600.0)
    assert time.patience.have(registry.ask) == "digest"
    assert registry.tried == 2


def test_own_waits(time: Time) -> None:
    """Who wants no wait and no jitter gets none."""
    patience = Patience(waits=(0.5,), jitter=0, sleep=time.sleep)
    assert patience.have(Registry(time, [down()]).ask) == "digest"
    with pytest.raises(RegistryUnavailable):
        patience.have(Registry(time, [down(), down()]).ask)
    assert time.slept == [0.5, 0.5]
