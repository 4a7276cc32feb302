"""What the tests of status start from."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.pipeline.world import World
from seatrial.steps.publish.destination import Destination
from tests.output.published_releases import make_destination, make_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An empty world."""
    return make_world(tmp_path)


@pytest.fixture
def destination(tmp_path: Path) -> Destination:
    """The destination of the app."""
    return make_destination(tmp_path)
