"""The cause of a failed task, from the words of the engine on its node."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.diagnosis.task import task_error
from seatrial.engine.model import Image
from seatrial.engine.swarm import Task
from tests.engine.memory.engine import MemoryEngine
from tests.steps.scenario import make_app

PORT_TAKEN = (
    "starting container failed: driver failed programming external connectivity on endpoint shop-web.1.oq6x56h "
    "(61e32c0d): Error starting userland proxy: listen tcp4 0.0.0.0:18301: bind: address already in use"
)
NOT_PULLED = "No such image: registry.test:5000/demo/web:1@sha256:7ffca435"


@pytest.mark.parametrize(("words", "cause"), [(PORT_TAKEN, "port-taken"), (NOT_PULLED, "image-not-pulled")])
def test_what_the_node_lacks(tmp_path: Path, words: str, cause: str) -> None:
    """Port and registry are the node's: it is named, and the app is not blamed."""
    app = make_app("shop", tmp_path / "app", "scratch", 18300)
    error = task_error(MemoryEngine(), app, Image(id="i"), Task(id="t", state="rejected", error=words), "vm7")
    assert (error.cause, "vm7" in error.message) == (cause, True)
    assert cause != "port-taken" or "18301" in error.message  # that of the engine's words, one of several
