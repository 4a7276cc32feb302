"""Moving tags: which tags a release moves, and which stay; in memory and with a real registry."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seatrial.errors import UsageError
from seatrial.model.app import UNCOMMITTED_LABEL
from seatrial.pipeline.outcome import Status
from tests.git import git
from tests.steps.run_steps import go, released, statuses
from tests.steps.scenario import StepScenario

LINE = ("1.4", "1", "latest")
"""The tags that move with 1.4.2."""


def ready(scenario: StepScenario, version: str, reply: str = "hello") -> None:
    """Build, test and tag a version of an app with this reply."""
    scenario.set_reply(reply)
    scenario.prepare(scenario.build(version), scenario.smoke(version), scenario.tag(version))


def unchanged(scenario: StepScenario, version: str) -> str:
    """Release the version again, which changes nothing, and return the push's message."""
    before = scenario.seen()
    for check in (True, False):
        again = go(scenario, scenario.release(version), check=check)
        assert statuses(again) == ["ok"] * 5, again.failure
    assert scenario.seen() == before
    return again.outcomes[-1].message


def test_four_runs(scenario: StepScenario) -> None:
    """A release is published under its version and its moving tags, with one digest."""
    ready(scenario, "1.4.2")

    done = scenario.four_runs(scenario.push("1.4.2"))

    assert scenario.backend.published(scenario.repository) == dict.fromkeys(("1.4.2", *LINE), done.after)
    named = f"{scenario.remote('1.4.2')}, :1.4, :1 and :latest"
    assert named in done.message
    assert named in unchanged(scenario, "1.4.2")


def test_the_next_release(scenario: StepScenario) -> None:
    """The next release moves the moving tags, and the version before stays as it is."""
    older = released(scenario, "1.4.2")
    ready(scenario, "1.4.3")

    done = scenario.four_runs(scenario.push("1.4.3"))

    assert scenario.backend.published(scenario.repository) == {"1.4.2": older} | dict.fromkeys(
        ("1.4.3", *LINE), done.after
    )
    assert done.before == older
    assert ":1.4, :1 and :latest from 1.4.2 to 1.4.3" in done.message
    unchanged(scenario, "1.4.3")


def test_an_older_line(scenario: StepScenario) -> None:
    """A release of an older line moves its own tags; the others stay, and the message names the newest release."""
    newest = released(scenario, "1.4.2")
    ready(scenario, "1.3.9")

    done = scenario.four_runs(scenario.push("1.3.9"))

    assert scenario.backend.published(scenario.repository) == {
        **dict.fromkeys(("1.4.2", *LINE), newest),
        **dict.fromkeys(("1.3.9", "1.3"), done.after),
    }
    for message in (done.message, unchanged(scenario, "1.3.9")):
        assert ":1 and :latest" in message
        assert "1.4.2" in message


def test_an_older_patch(scenario: StepScenario) -> None:
    """A patch older than the newest one of its line moves no tag."""
    released(scenario, "1.4.2")
    before = scenario.backend.published(scenario.repository)
    older = released(scenario, "1.4.1", tested=True)

    assert scenario.backend.published(scenario.repository) == {**before, "1.4.1": older}
    message = unchanged(scenario, "1.4.1")
    assert ":1.4, :1 and :latest" in message
    assert "1.4.2" in message


def test_numbers_are_compared_as_numbers(scenario: StepScenario) -> None:
    """1.4.10 is newer than 1.4.9."""
    released(scenario, "1.4.9")
    newer = released(scenario, "1.4.10")

    assert {scenario.backend.published(scenario.repository)[tag] for tag in LINE} == {newer}


def test_backwards(scenario: StepScenario) -> None:
    """With `backwards` the tags move to an older release."""
    newest = released(scenario, "1.4.2")
    ready(scenario, "1.3.9")

    done = scenario.four_runs(scenario.push("1.3.9", backwards=True))

    older = dict.fromkeys(("1.3.9", "1.3", "1", "latest"), done.after)
    assert scenario.backend.published(scenario.repository) == {"1.4.2": newest, "1.4": newest, **older}
    assert ":1 and :latest from 1.4.2 to 1.3.9" in done.message


@pytest.mark.parametrize("version", ["1.5.0-rc1", "1.5.0rc1", "1.4.2-3-gabc1234", "abc1234"])
def test_a_version_that_is_not_a_release(scenario: StepScenario, version: str) -> None:
    """A pre-release and a version that git describes move no tag."""
    newest = released(scenario, "1.4.2")
    ready(scenario, version)

    done = scenario.four_runs(scenario.push(version))

    assert scenario.backend.published(scenario.repository) == {version: done.after} | dict.fromkeys(
        ("1.4.2", *LINE), newest
    )
    assert done.message.endswith(scenario.remote(version))


def test_a_newer_pre_release(scenario: StepScenario) -> None:
    """A published pre-release of 2.0.0 does not keep `latest` from moving to 1.4.2."""
    released(scenario, "2.0.0-rc1")
    release = released(scenario, "1.4.2")

    assert {scenario.backend.published(scenario.repository)[tag] for tag in LINE} == {release}


def test_a_version_of_its_own(scenario: StepScenario) -> None:
    """`1` that was published as a version is not a moving tag of 1.4.2: it stays, and the message names it."""
    first = released(scenario, "1")
    ready(scenario, "1.4.2")

    done = scenario.four_runs(scenario.push("1.4.2"))

    assert scenario.backend.published(scenario.repository) == {
        "1": first,
        **dict.fromkeys(("1.4.2", "1.4", "latest"), done.after),
    }
    for message in (done.message, unchanged(scenario, "1.4.2")):
        assert ":1 not moved" in message


def test_a_version_of_its_own_overwritten(scenario: StepScenario) -> None:
    """With `overwrite` a version of its own becomes a moving tag."""
    first = released(scenario, "1")
    ready(scenario, "1.4.2")

    done = scenario.four_runs(scenario.push("1.4.2", overwrite=True))

    assert scenario.backend.published(scenario.repository) == dict.fromkeys(("1.4.2", *LINE), done.after)
    assert done.before == first


def test_somebody_elses_latest(scenario: StepScenario) -> None:
    """`latest` moves even if somebody else published it; the digest from before is in the outcome."""
    strange = scenario.backend.publish(scenario.repository, "latest")
    ready(scenario, "1.4.2")

    done = scenario.four_runs(scenario.push("1.4.2"))

    assert done.before == strange
    assert set(scenario.backend.published(scenario.repository).values()) == {done.after}


def test_own_patterns(scenario: StepScenario) -> None:
    """The setting `tags` says which tags a version has of its own, and which move."""
    scenario = replace(scenario, app=replace(scenario.app, tags=("v{version}", "v{major}.{minor}", "stable")))
    older = released_as(scenario, "1.4.2", "v1.4.2")
    ready(scenario, "1.5.0")

    done = scenario.four_runs(scenario.push("1.5.0"))

    assert scenario.backend.published(scenario.repository) == {
        "v1.4.2": older,
        "v1.4": older,
        **dict.fromkeys(("v1.5.0", "v1.5", "stable"), done.after),
    }
    back = released_as(scenario, "1.4.3", "v1.4.3")
    assert scenario.backend.published(scenario.repository)["v1.4"] == back
    assert "1.5.0" in unchanged(scenario, "1.4.3")


def released_as(scenario: StepScenario, version: str, tag: str) -> str:
    """Release a version whose own tag has another name, and return the digest."""
    assert go(scenario, scenario.release(version), check=False).exit_code == 0
    return scenario.backend.published(scenario.repository)[tag]


def test_two_own_patterns(scenario: StepScenario) -> None:
    """A version may have several tags of its own: none of them overwrites other content."""
    scenario = replace(scenario, app=replace(scenario.app, tags=("{version}", "web-{version}", "latest")))
    digest = released(scenario, "1.4.2")
    assert scenario.backend.published(scenario.repository) == dict.fromkeys(("1.4.2", "web-1.4.2", "latest"), digest)
    strange = scenario.backend.publish(scenario.repository, "web-1.4.3")
    ready(scenario, "1.4.3")

    outcome = scenario.real(scenario.push("1.4.3"))

    assert outcome.error
    assert outcome.error.exit_code == 4
    assert scenario.remote("web-1.4.3") in outcome.error.message
    assert scenario.backend.published(scenario.repository)["web-1.4.3"] == strange
    assert "1.4.3" not in scenario.backend.published(scenario.repository)


def test_major_0(scenario: StepScenario) -> None:
    """Major version 0 promises nothing: there is no moving tag `0`."""
    digest = released(scenario, "0.4.2")

    assert scenario.backend.published(scenario.repository) == dict.fromkeys(("0.4.2", "0.4", "latest"), digest)


def test_a_version_named_as_a_moving_tag(scenario: StepScenario) -> None:
    """A version cannot be named `latest`: exit code 2 in every step that would publish it."""
    scenario.prepare(scenario.build("latest"), scenario.smoke("latest"))
    before = scenario.seen()

    for step in (
        scenario.preflight("latest"),
        scenario.tag("latest"),
        scenario.push("latest"),
        scenario.rollback("latest"),
    ):
        outcome = scenario.real(step)
        assert isinstance(outcome.error, UsageError), step
        assert outcome.error.exit_code == 2
        assert outcome.error.hint == "--version 1"
    assert scenario.seen() == before


def test_uncommitted_changes(scenario: StepScenario) -> None:
    """An image with uncommitted changes is published under its version only."""
    for words in (["init", "-q"], ["add", scenario.app.context.name], ["commit", "-qm", "one"]):
        git(scenario.app.context.parent, *words)
    committed = released(scenario, "1.4.2")
    ready(scenario, "1.4.3", "hello again")

    done = scenario.four_runs(scenario.push("1.4.3"))

    assert UNCOMMITTED_LABEL in scenario.backend.labels(scenario.local("1.4.3"))
    assert scenario.backend.published(scenario.repository) == {
        "1.4.3": done.after,
        **dict.fromkeys(("1.4.2", *LINE), committed),
    }
    assert done.status is Status.CHANGED
    unchanged(scenario, "1.4.3")
