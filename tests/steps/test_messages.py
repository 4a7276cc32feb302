"""The steps' messages: each sentence is pinned once, in a row of the `messages.py` of its room."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seatrial.pipeline.outcome import Outcome
from seatrial.pipeline.state import StateFolder
from tests.steps.build import messages as build
from tests.steps.deploy import messages as deploy
from tests.steps.init import messages as init
from tests.steps.memory_backend import MemoryBackend
from tests.steps.publish import messages as publish
from tests.steps.scenario import StepScenario, make_app
from tests.steps.serve import messages as serve
from tests.steps.setup import messages as setup
from tests.steps.smoke import messages as smoke


@pytest.fixture
def demo(tmp_path: Path, free_port: int) -> Iterator[StepScenario]:
    """A scenario in memory whose project is `demo` and whose app is `web`."""
    backend = MemoryBackend("demo")
    app = make_app("demo", tmp_path / "app", backend.base, free_port)
    scenario = StepScenario(app=app, backend=backend, state=StateFolder(tmp_path / "notes"))
    scenario.set_reply("hello")
    yield scenario
    backend.clean()


@pytest.mark.parametrize(
    ("provoke", "expected", "code"),
    [*build.ROWS, *deploy.ROWS, *init.ROWS, *publish.ROWS, *serve.ROWS, *setup.ROWS, *smoke.ROWS],
)
def test_messages(
    demo: StepScenario, provoke: Callable[[StepScenario], Outcome], expected: tuple[str, str, str], code: int
) -> None:
    """Every outcome has its message, its reason, its hint and its exit code."""
    outcome = provoke(demo)

    error = outcome.error
    assert not code or (error and error.exit_code == code)
    texts = (error.message, error.reason, error.hint) if error else (outcome.message, outcome.reason, "")
    shown = "\n".join(texts).replace(str(demo.app.context), "FOLDER").replace(str(demo.app.host_port), "PORT")
    shown = shown.replace(f"--port {demo.app.host_port + 1}", "--port NEXT")
    shown = re.sub(r"sha256:[0-9a-f]+", "DIGEST", shown)
    shown = re.sub(r"\b[0-9a-f]{12}\b", "SHORT", shown)
    shown = re.sub(r"\d+\.\d\d s\b", "SECONDS", shown)
    shown = re.sub(r"\(\d+(\.\d+)? [kM]?B\)", "(SIZE)", shown)
    assert tuple(shown.split("\n")) == expected
