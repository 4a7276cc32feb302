"""smoke of an image that serves nothing: on the engine in memory and on the real engine."""

from __future__ import annotations

import pytest

from seatrial.errors import SmokeFailed
from seatrial.model.app import Check
from seatrial.model.version import Version
from seatrial.pipeline.outcome import Status
from seatrial.steps.smoke.smoke import Smoke
from tests.steps.scenario import ALSO_DOCKER, StepScenario


@ALSO_DOCKER
def test_commands(scenario: StepScenario) -> None:
    """Commands that exit with 0 give a verdict on exactly these commands; one that does not takes it back."""
    scenario.prepare(scenario.build())
    good = scenario.app.but(checks=(Check(command=("true",)),))
    bad = scenario.app.but(checks=(Check(command=("true",)), Check(command=("false",))))

    passed = scenario.real(Smoke(target=good, version=Version("1")))

    image = scenario.world.image_for(good, Version("1"))
    assert passed.status is Status.CHANGED
    assert "no request" in passed.message
    assert [scenario.world.verified(image, app.checks) is None for app in (good, bad, scenario.app)] == [
        False,
        True,
        True,
    ]

    failed = scenario.real(Smoke(target=bad, version=Version("1")))

    assert isinstance(failed.error, SmokeFailed)
    assert failed.error.cause == "command-failed"
    assert [(one.check, one.problem is None) for one in failed.checks] == [("true", True), ("false", False)]
    assert scenario.world.verified(image, good.checks) is None
    assert scenario.backend.containers() == frozenset()


@pytest.mark.parametrize("other", [{"path": "/x"}, {"text": "hello"}])
def test_a_command_is_no_request(other: dict[str, str]) -> None:
    """A check is a request or a command."""
    with pytest.raises(ValueError, match=next(iter(other))):
        Check(command=("true",), **other)  # type: ignore[arg-type]


def test_requests_and_commands_of_one_app(scenario: StepScenario) -> None:
    """An app answers requests, or its image serves nothing: its checks are of one kind."""
    with pytest.raises(ValueError, match="checks"):
        scenario.app.but(checks=(Check(), Check(command=("true",))))
