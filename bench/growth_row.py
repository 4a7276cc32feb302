"""A series of the growth measurement: what one kind of run costs, by the size of what grows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Growth"]

_FLAT = 0.15  # of the smallest project's cost: less is lost in the noise
_LINEAR = 1.25


@dataclass(frozen=True, kw_only=True)
class Growth:
    """The cost of one kind of run, by the size of what grows, in seconds of processor and of clock.

    It is the lowest of all rounds, because other programs can only raise it.
    """

    grows: str
    row: str
    cpu: Mapping[int, float]
    wall: Mapping[int, float]

    @property
    def first(self) -> float:
        """The cost at the smallest size."""
        return self.cpu[min(self.cpu)]

    @property
    def last(self) -> float:
        """The cost at the largest size."""
        return self.cpu[max(self.cpu)]

    @property
    def flat(self) -> bool:
        """Whether nothing grows that could be told from noise."""
        return self.last - self.first < _FLAT * self.first

    @property
    def exponent(self) -> float:
        """The power of the size with which the cost above the smallest grows; 1 is linear."""
        smallest, *_, half, largest = sorted(self.cpu)
        above = [max(self.cpu[size] - self.first, 1e-4) for size in (half, largest)]
        return math.log(above[1] / above[0]) / math.log((largest - smallest) / (half - smallest))

    @property
    def too_fast(self) -> bool:
        """Whether it grows faster than its size."""
        return not self.flat and self.exponent > _LINEAR

    @property
    def each(self) -> float:
        """The seconds that each more of it costs."""
        return (self.last - self.first) / (max(self.cpu) - min(self.cpu))

    @property
    def verdict(self) -> str:
        """How it grows."""
        if self.flat:
            return "flat"
        return f"{'worse than linear' if self.too_fast else 'linear'} ({self.exponent:.1f})"
