"""The scenario of this room: in memory; the tests that need a real registry ask for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.steps.conftest import make_scenario
from tests.steps.scenario import StepScenario


@pytest.fixture(params=["memory"])
def scenario(request: pytest.FixtureRequest, tmp_path: Path, free_port: int) -> Iterator[StepScenario]:
    """A scenario with an open registry."""
    yield from make_scenario(request, tmp_path, free_port)
