"""The steps' messages: each sentence is pinned once, in a row of the `messages.py` of its room."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from seatrial.pipeline.outcome import Outcome
from seatrial.pipeline.state import StateFolder
from tests.steps.build import messages as build
from tests.steps.memory_backend import MemoryBackend
from tests.steps.publish import messages as publish
from tests.steps.scenario import StepScenario, make_app


@pytest.fixture
def demo(tmp_path: Path, free_port: int) -> StepScenario:
    """A scenario in memory whose project is `demo` and whose app is `web`."""
    backend = MemoryBackend({}, "demo")
    app = make_app("demo", tmp_path / "app", backend.base, free_port)
    scenario = StepScenario(app=app, backend=backend, state=StateFolder(tmp_path / "notes"))
    scenario.set_reply("hello")
    return scenario


@pytest.mark.parametrize(("provoke", "expected"), [*build.ROWS, *publish.ROWS])
def test_messages(
    demo: StepScenario, provoke: Callable[[StepScenario], Outcome], expected: tuple[str, str, str]
) -> None:
    """Every outcome has its message, its reason and its hint."""
    outcome = provoke(demo)

    error = outcome.error
    texts = (error.message, error.reason, error.hint) if error else (outcome.message, outcome.reason, "")
    shown = "\n".join(texts).replace(str(demo.app.context), "FOLDER").replace(str(demo.app.host_port), "PORT")
    shown = re.sub(r"sha256:[0-9a-f]+", "DIGEST", shown)
    shown = re.sub(r"\(\d+(\.\d+)? [kM]?B\)", "(SIZE)", shown)
    assert tuple(shown.split("\n")) == expected
