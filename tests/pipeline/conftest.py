"""The world of the pipeline's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial.pipeline.state import StateFolder
from seatrial.pipeline.world import World
from tests.engine.memory.engine import MemoryEngine


@pytest.fixture
def engine() -> Iterator[MemoryEngine]:
    """An engine with nothing in it."""
    engine = MemoryEngine()
    yield engine
    engine.close()


@pytest.fixture
def world(engine: MemoryEngine, tmp_path: Path) -> World:
    """A world with nothing in it."""
    return World(engine=engine, registry=engine.registry, state=StateFolder(tmp_path))
