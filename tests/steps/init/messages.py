"""What `init` says."""

from __future__ import annotations

from seatrial.detection.search import search
from seatrial.pipeline.outcome import Outcome
from seatrial.pipeline.step import Step
from seatrial.steps.init.plan import init_steps
from tests.detection.folders import FLASK, write
from tests.steps.message_rows import check, real, row
from tests.steps.scenario import StepScenario

__all__ = ["ROWS"]


def _step(scenario: StepScenario, name: str, below: str = "shop") -> Step:
    """Return the step of init with this name, for a folder `shop` with a Flask app."""
    folder = scenario.app.context / "shop"
    if not folder.exists():
        write(folder, {f"{below}/app.py".removeprefix("shop/"): FLASK})
    return next(one for one in init_steps(search(folder)) if one.name == name)


def _gone(scenario: StepScenario) -> Outcome:
    """Remove the folder before its settings are written."""
    step = _step(scenario, "settings")
    (scenario.app.context / "shop/app.py").unlink()
    (scenario.app.context / "shop").rmdir()
    return scenario.real(step)


ROWS = (
    row("app", lambda s: real(s, _step(s, "app")), "Flask: app in app.py, line 2; port 5000 (Flask's own)"),
    row(
        "app in a folder",
        lambda s: real(s, _step(s, "app", "api")),
        "api: Flask: app in app.py, line 2; port 5000 (Flask's own)",
    ),
    row("would write", lambda s: check(s, _step(s, "settings")), "would write invoke.yaml"),
    row("written", lambda s: real(s, _step(s, "image")), "wrote Dockerfile"),
    row("kept", lambda s: real(s, _step(s, "tasks"), _step(s, "tasks")), "tasks.py is there and is kept"),
    row(
        "not written",
        _gone,
        "invoke.yaml cannot be written",
        "No such file or directory",
        "make FOLDER/shop a folder that you may write to, then run it again",
        1,
    ),
)
