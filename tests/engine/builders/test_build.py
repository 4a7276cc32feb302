"""An engine without BuildKit is refused."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from seatrial.engine.connection import Connection
from seatrial.engine.docker.engine import DockerEngine
from seatrial.errors import EngineUnavailable
from seatrial.model.app import BuildOptions


class _OldConnection(Connection):
    """A connection to an engine with an API from before BuildKit."""

    client = SimpleNamespace(api_version="1.38")


def test_an_engine_without_buildkit() -> None:
    """The error has the exit code of something that is missing, and its own cause."""
    with pytest.raises(EngineUnavailable) as caught:
        DockerEngine(_OldConnection()).builder(BuildOptions())

    assert (caught.value.exit_code, caught.value.cause) == (3, "unfit-builder")
