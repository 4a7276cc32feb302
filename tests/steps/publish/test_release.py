"""All steps of a release together."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any, cast
from unittest.mock import Mock

from msgspec import structs

from seatrial.engine.protocol import Engine
from seatrial.model.reference import ImageReference
from seatrial.pipeline.pipeline import run_steps
from seatrial.pipeline.report import Report
from seatrial.pipeline.world import World
from seatrial.registry.model import Registry
from tests.steps.run_steps import go, statuses
from tests.steps.scenario import StepScenario

NEW = ["ok", *["changed"] * 4]
"""The statuses of a first release: the preflight finds no problem."""


def references(report: Report) -> list[str]:
    """Return the image references that the messages of a report name."""
    return [word.rstrip(",;:)") for one in report.outcomes for word in one.message.split() if re.search(r":\w", word)]


def test_four_runs(scenario: StepScenario) -> None:
    """Check mode plans a release and the next version of a changed app; the real release does the same, once."""
    for version in ("1", "2"):
        scenario.set_reply(f"hello {version}")
        before = scenario.seen()
        planned = go(scenario, scenario.release(version), check=True)
        assert scenario.seen() == before
        done = go(scenario, scenario.release(version), check=False)
        assert statuses(planned) == statuses(done) == NEW, done.failure
        assert references(done) == references(planned)
        assert scenario.image_id(scenario.local(version)) in scenario.backend.image_ids(scenario.repository, version)
        assert scenario.backend.containers() == frozenset()
    assert sorted(scenario.backend.published(scenario.repository)) == ["1", "2", "latest"]
    held = scenario.seen()
    for check in (True, False):
        again = go(scenario, scenario.release("2"), check=check)
        assert (statuses(again), again.exit_code) == (["ok"] * 5, 0)
        assert scenario.seen() == held


class Counted:
    """An engine or a registry, and how often each of its methods is called."""

    def __init__(self, behind: object, calls: Counter[str]) -> None:
        self._behind, self._calls = behind, calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._behind, name)
        if callable(found):
            self._calls[name] += 1
        return found


def counted(scenario: StepScenario) -> tuple[World, Counter[str], Counter[str]]:
    """Return the scenario's world, and the calls that its engine and its registry get from now on."""
    engine, registry = Counter[str](), Counter[str]()
    one = Counted(scenario.backend.registry(scenario.backend.host), registry)
    world = structs.replace(
        scenario.world,
        engine=cast("Engine", Counted(scenario.backend.engine, engine)),
        registry=lambda _: cast("Registry", one),
    )
    return world, engine, registry


def test_what_nothing_to_do_costs(scenario: StepScenario) -> None:
    """A release that is published already asks engine and registry for no more than this, for a further app even less.

    It sends nothing.
    """
    further = replace(scenario, app=scenario.app.but(name="api", repository=ImageReference.parse("further/api")))
    for one in (scenario, further):
        go(one, one.release(), check=False)
    world, engine, registry = counted(scenario)

    # The app's image, and the base image of both; what has the version's tag, and the moving tag.
    for one, images in ((scenario, 2), (further, 1)):
        outcomes, _ = run_steps(one.release(), world, Mock(), check=False)
        assert {outcome.status for outcome in outcomes} == {"ok"}
        assert (engine, registry) == ({"image": images}, {"manifest": 2})
        engine.clear()
        registry.clear()


def test_what_a_changed_line_costs(scenario: StepScenario) -> None:
    """The release of a changed app asks the engine and the registry for no more than this."""
    go(scenario, scenario.release("1"), check=False)
    scenario.set_reply("hello 2")
    world, engine, registry = counted(scenario)

    outcomes, _ = run_steps(scenario.release("2"), world, Mock(), check=False)

    assert [one.status for one in outcomes] == NEW
    looks = {
        "image": 20,
        "containers": 1,
        "history": 1,
        "files": 1,
        "program_file": 1,
        "inspect_container": 1,
        "logs": 1,
    }
    acts = {"builder": 1, "build": 1, "create": 1, "start": 1, "remove": 1, "tag": 2, "push": 1}
    assert Counter({**engine, "container": 0}) == Counter({**looks, **acts})  # how often it waits depends on the app
    asked = {"check_push_permission": 1, "credential": 1, "manifest": 11, "tags": 2, "configuration": 2}
    assert registry == {**asked, "tag": 1}
