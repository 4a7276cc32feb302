"""Visitors of an app on several nodes, who ask the next node when one does not answer, as a load balancer does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from tests.waiting import page

__all__ = ["Visits", "visitors"]

_PAUSE = 0.01


@dataclass
class Visits:
    """What visitors saw: requests that no node answered, and what each node answered when."""

    unanswered: int = 0
    answers: dict[str, list[tuple[float, str]]] = field(default_factory=dict)

    @property
    def answered(self) -> int:
        """How many requests were answered."""
        return sum(map(len, self.answers.values()))

    def gap(self, address: str) -> float:
        """Return the longest time without an answer of this node, in seconds."""
        times = [at for at, _ in self.answers[address]]
        return max(after - before for before, after in pairwise(times))

    def pages(self, address: str) -> list[str]:
        """Return what a node answered, in its order, each change once."""
        return [text for text, _ in groupby(text for _, text in self.answers[address])]


@contextmanager
def visitors(addresses: Sequence[str], port: int) -> Iterator[Visits]:
    """Let one visitor for each node send requests during the block, to its own node first."""
    visits = Visits(answers={one: [] for one in addresses})
    over = threading.Event()

    def visit(first: int) -> None:
        while not over.wait(_PAUSE):
            for address in (*addresses[first:], *addresses[:first]):
                if (found := page(port, address)) is not None:
                    visits.answers[address].append((time.monotonic(), found))
                    break
            else:
                visits.unanswered += 1

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(len(addresses))]
    for one in threads:
        one.start()
    try:
        yield visits
    finally:
        over.set()
        for one in threads:
            one.join()
