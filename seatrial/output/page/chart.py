"""The columns of a chart over a repository's releases, from the oldest to the newest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from seatrial.pipeline.ledger import Entry
from seatrial.wording import spaced_size

__all__ = ["LONGEST_NAME", "Bar", "Chart", "charts", "long_seconds"]

_FLOOR, _TALLEST, _SHORTEST = 150.0, 112.0, 2.0  # pixels of the drawing
_WIDEST, _FILLED = 14.0, 0.62  # a column in per cent of the drawing, and of its place
LONGEST_NAME = 12
"""Letters of a version below its column."""
_MOST_LETTERS = 36  # in a line of the narrowest drawing
_TENTH, _MINUTE = 0.1, 60


class Bar(Struct, frozen=True, kw_only=True):
    """A column: `x`, `middle` and `width` are per cent of the drawing, `y` and `height` pixels."""

    version: str
    value: str
    this: bool
    named: bool
    x: float
    middle: float
    width: float
    y: float
    height: float


class Chart(Struct, frozen=True, kw_only=True):
    """A chart with its title, and what it shows in words."""

    title: str
    summary: str
    bars: tuple[Bar, ...]


def charts(entries: Sequence[Entry], this: Entry | None) -> tuple[Chart, ...]:
    """Return a chart of sizes and one of durations, without those of which nothing is known; `this` stands out."""
    kinds: tuple[tuple[str, Callable[[Entry], float | None], Callable[[float], str]], ...] = (
        ("Image size", lambda one: one.size, lambda size: spaced_size(int(size))),
        ("Duration", lambda one: one.seconds, long_seconds),
    )
    made = []
    for title, value, text in kinds:
        known = [(one, found) for one in entries if (found := value(one)) is not None and found >= 0]
        if known:
            made.append(_chart(title, known, text, this))
    return tuple(made)


def long_seconds(seconds: float) -> str:
    """Return a duration as text: `35 ms`, `0.35 s`, `12.4 s`, `3 min 5 s`."""
    if seconds < _TENTH:
        return f"{seconds * 1000:.0f} ms"
    if seconds < _MINUTE:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole // _MINUTE} min {whole % _MINUTE} s"


def _chart(title: str, known: Sequence[tuple[Entry, float]], text: Callable[[float], str], this: Entry | None) -> Chart:
    most = max(value for _, value in known) or 1.0
    place = 100 / len(known)
    width = min(place * _FILLED, _WIDEST)
    longest = max(max(len(entry.version[:LONGEST_NAME]), len(text(value))) for entry, value in known)
    every = -(-len(known) // max(_MOST_LETTERS // longest, 2))
    bars = []
    for number, (entry, value) in enumerate(known):
        height = max(value / most * _TALLEST, _SHORTEST)
        middle = place * (number + 0.5)
        bars.append(
            Bar(
                version=entry.version,
                value=text(value),
                this=entry is this,
                named=(len(known) - 1 - number) % every == 0,
                x=round(middle - width / 2, 2),
                middle=round(middle, 2),
                width=round(width, 2),
                y=round(_FLOOR - height, 1),
                height=round(height, 1),
            )
        )
    first, last = bars[0], bars[-1]
    span = f"{first.value} for {first.version}"
    if len(bars) > 1:
        span += f" to {last.value} for {last.version}, in {len(bars)} releases"
    return Chart(title=title, summary=f"{title}: {span}", bars=tuple(bars))
