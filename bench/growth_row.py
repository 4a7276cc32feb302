"""A series of the growth measurement: what one kind of run costs, by the size of what grows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Growth"]

_NOISE = 0.15  # the share of a cost that repeats differ by


@dataclass(frozen=True, kw_only=True)
class Growth:
    """The cost of one kind of run in seconds of processor, by the size of what grows.

    It is the lowest of all rounds, because other programs can only raise it.
    """

    grows: str
    row: str
    cpu: Mapping[int, float]
    rounds: int

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
        return self.last - self.first < _NOISE * self.first

    @property
    def too_fast(self) -> bool:
        """Whether the largest size costs more than the last size but one foretells."""
        smallest, *_, half, largest = sorted(self.cpu)
        each = max(0.0, (self.cpu[half] - self.first) / (half - smallest))
        return not self.flat and self.last > (self.first + each * (largest - smallest)) * (1 + _NOISE)

    @property
    def each(self) -> float:
        """The seconds that each more of it costs."""
        return (self.last - self.first) / (max(self.cpu) - min(self.cpu))

    @property
    def verdict(self) -> str:
        """How it grows."""
        return "flat" if self.flat else "worse than linear" if self.too_fast else "linear"
