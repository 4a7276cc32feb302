"""What a run takes does not depend on how much a build prints, or how often a push reports."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from seatrial.engine.builders.buildkit import Progress
from seatrial.engine.builders.buildkit_status import Status, Vertex, VertexLog
from seatrial.engine.protocol import Emit
from seatrial.events import Transfer
from seatrial.output.console import Console
from seatrial.pipeline.build_log import build_log
from seatrial.pipeline.converge import converge
from seatrial.pipeline.outcome import Status as OutcomeStatus
from seatrial.pipeline.state import StateFolder
from seatrial.pipeline.step import Change
from seatrial.pipeline.world import World
from tests.engine.memory.engine import MemoryEngine
from tests.pipeline.test_pipeline import FakeStep

_SHORT, _LONG = 10, 2_000
_KEPT = 200_000  # bytes; each of the long runs says megabytes


@dataclass
class _Building(FakeStep):
    """A step with a build that prints a kilobyte so many times."""

    lines: int = 0

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Build."""
        progress = Progress()
        with build_log(world.state, "web", "1", emit) as logged:
            for number in range(self.lines):
                said = VertexLog(vertex="v", stream=1, data=f"{number:>999}\n".encode())
                for event in progress.feed(Status(vertexes=(Vertex(digest="v", name="RUN talk"),), logs=(said,))):
                    logged(event)
        super().apply(world, change, emit)


@dataclass
class _Pushing(FakeStep):
    """A step with a push that reports its progress so many times."""

    lines: int = 0

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Push."""
        for number in range(self.lines):
            emit(Transfer(layer=f"layer {number % 60}", text="Pushing", current=number, total=self.lines))
        super().apply(world, change, emit)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world with nothing in it."""
    engine = MemoryEngine()
    yield World(engine=engine, registry=engine.registry, state=StateFolder(tmp_path))
    engine.close()


@pytest.mark.parametrize("kind", [_Building, _Pushing])
def test_memory(world: World, kind: type[_Building | _Pushing]) -> None:
    """The memory of a long run at its peak is that of a short one."""

    def peak(lines: int) -> int:
        tracemalloc.start()
        outcome, _ = converge(kind(name="step", lines=lines), world, check=False, emit=Console(errors=False).on_event)
        assert outcome.status is OutcomeStatus.CHANGED
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(_SHORT)  # loads modules
    short = peak(_SHORT)

    assert peak(_LONG) < short + _KEPT
