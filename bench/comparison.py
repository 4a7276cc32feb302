"""What a row says: the values of Seatrial and of a peer, measured in the same rounds, and the goal of their ratio."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.timing import Row, ratio

__all__ = ["Comparison", "megabytes", "seconds"]


def seconds(value: float) -> str:
    """Return a time as text."""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def megabytes(value: float) -> str:
    """Return a size in bytes as text."""
    return f"{value / 1e6:.1f} MB"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Seatrial against one peer; each value of `ours` was measured in the same round as that of `other`.

    The goal is the highest ratio, or the lowest if more is better. `floor` are the seconds of the bare calls.
    """

    name: str
    peer: str
    ours: Sequence[float]
    other: Sequence[float]
    goal: float
    checked: str
    more_is_better: bool = False
    floor: Sequence[float] = ()
    as_text: Callable[[float], str] = seconds

    @property
    def ratio(self) -> float:
        """The median of the ratios within each round."""
        return ratio(self.ours, self.other)

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest ratio of a round."""
        ratios = [mine / theirs for mine, theirs in zip(self.ours, self.other, strict=True)]
        return min(ratios), max(ratios)

    @property
    def floor_share(self) -> tuple[float, ...]:
        """The floor's ratio to the peer, if there is one."""
        return (ratio(self.floor, self.other),) if self.floor else ()

    @property
    def met(self) -> bool:
        """Whether the ratio, as it is shown, meets the goal."""
        shown = round(self.ratio, 2)
        return shown >= self.goal if self.more_is_better else shown <= self.goal

    @property
    def goal_text(self) -> str:
        """The goal with its direction."""
        return f"{'≥' if self.more_is_better else '≤'} {self.goal:.2f}"

    @property
    def row(self) -> Row:
        """The line for the terminal: the floor stands behind our own value."""
        bare = f" (floor {self.as_text(median(self.floor))})" if self.floor else ""
        return Row(
            name=f"{self.name} / {self.peer}",
            ours=self.as_text(median(self.ours)) + bare,
            other=self.as_text(median(self.other)),
            ratio=f"{self.ratio:.2f}",
            goal=self.goal_text,
            met=self.met,
        )
