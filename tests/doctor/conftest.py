"""The engine that the doctor looks at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from seatrial.model.reference import ImageReference
from tests.engine.memory.engine import MemoryEngine


@pytest.fixture
def engine() -> Iterator[MemoryEngine]:
    """An engine that has the base image."""
    memory = MemoryEngine()
    memory.add("base", ImageReference.parse("python:3.13-slim"))
    yield memory
    memory.close()
