"""What `run` and `stop` say."""

from __future__ import annotations

from seatrial.model.version import Version
from seatrial.pipeline.outcome import Outcome
from seatrial.steps.serve.run import Run
from tests.steps.message_rows import changed, check, real, row
from tests.steps.scenario import StepScenario

__all__ = ["ROWS"]


def _serving(scenario: StepScenario) -> StepScenario:
    """Serve version 1, and return the scenario."""
    scenario.prepare(scenario.build(), scenario.serve())
    return scenario


def _ended(scenario: StepScenario) -> StepScenario:
    """Let the container end, and return the scenario."""
    scenario.backend.engine.stop(scenario.app.container_name, grace=1)
    return scenario


def _killed(scenario: StepScenario) -> StepScenario:
    """Leave the container of a killed run, and return the scenario."""
    labels = {**scenario.app.labels, **scenario.world.process.labels, "seatrial.pid": "999999999"}
    scenario.backend.put_container("demo-web-next-dead", labels)
    return scenario


def _foreign(scenario: StepScenario, port: int | None = None) -> Outcome:
    """Run while a foreign container has the app's name, or its port."""
    scenario.backend.put_container("other" if port else "demo-web", {}, *([port] if port else []))
    return real(scenario, scenario.build(), scenario.serve())


ROWS = (
    row("run", lambda s: real(s, s.build(), s.serve()), "started demo/web:1 at http://127.0.0.1:PORT/"),
    row("would run", lambda s: check(s, s.build(), s.serve()), "would start demo/web:1 at http://127.0.0.1:PORT/"),
    row("runs", lambda s: real(_serving(s), s.serve()), "demo/web:1 runs at http://127.0.0.1:PORT/"),
    row(
        "another image",
        lambda s: real(changed(_serving(s)), s.build("2"), s.serve("2")),
        "started demo/web:2 at http://127.0.0.1:PORT/",
        "it replaces image SHORT",
    ),
    row(
        "other options",
        lambda s: real(_serving(s), Run(target=s.app.but(pids=9, memory=9), version=Version("1"))),
        "started demo/web:1 at http://127.0.0.1:PORT/",
        "changed options: memory, pids",
    ),
    row(
        "ended",
        lambda s: real(_ended(_serving(s)), s.serve()),
        "started demo/web:1 at http://127.0.0.1:PORT/",
        "its container ended with exit code 0",
    ),
    row(
        "leftover",
        lambda s: real(_killed(_serving(s)), s.serve()),
        "cleaned up",
        "a killed run left demo-web-next-dead",
    ),
    row(
        "name taken",
        _foreign,
        "the name demo-web is taken",
        "a container with that name was not created by this project; it is left alone",
        "docker rename demo-web OTHER, or choose another project name in invoke.yaml",
    ),
    row(
        "port taken",
        lambda s: _foreign(s, s.app.host_port),
        "port PORT is taken",
        "the container other uses it",
        "invoke run --port NEXT, or stop the container other",
    ),
    row("stop", lambda s: real(_serving(s), s.stop()), "stopped web"),
    row("would stop", lambda s: check(_serving(s), s.stop()), "would stop web, with 10 s to finish its requests"),
    row("stopped", lambda s: real(s, s.stop()), "web is not running"),
    row(
        "stop ended",
        lambda s: real(_ended(_serving(s)), s.stop()),
        "removed the container demo-web, which had ended",
    ),
    row(
        "stop leftover",
        lambda s: check(_killed(s), s.stop()),
        "would clean up",
        "a killed run left demo-web-next-dead",
    ),
)
