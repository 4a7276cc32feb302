"""Moving tags: which tags a release takes along, and which stay; on the twin and with a real registry."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seatrial.errors import UsageError
from seatrial.model.app import UNCOMMITTED_LABEL
from seatrial.pipeline.outcome import Status
from tests.git import git
from tests.steps.run_steps import go, reason, released, statuses
from tests.steps.scenario import StepScenario

LINE = ("1.4", "1", "latest")
"""The tags that move with 1.4.2."""


def ready(scenario: StepScenario, version: str, reply: str = "hello") -> None:
    """Have an image built, proved and tagged, in another mood than the one before."""
    scenario.set_reply(reply)
    scenario.prepare(scenario.build(version), scenario.smoke(version), scenario.tag(version))


def settled(scenario: StepScenario, version: str) -> str:
    """Return the reason why a second release has nothing to do: it touches nothing."""
    before = scenario.seen()
    for check in (True, False):
        again = go(scenario, scenario.release(version), check=check)
        assert statuses(again) == ["ok"] * 5, again.failure
    assert scenario.seen() == before
    return reason(again, "push")


def test_four_runs(scenario: StepScenario) -> None:
    """A release goes out under its version and all tags that move with it, with one digest; then all is said."""
    ready(scenario, "1.4.2")

    done = scenario.four_runs(scenario.push("1.4.2"))

    assert scenario.backend.published(scenario.repository) == dict.fromkeys(("1.4.2", *LINE), done.after)
    assert done.reason == f"the registry does not hold {scenario.remote('1.4.2')}, :1.4, :1 and :latest yet"
    assert settled(scenario, "1.4.2") == f"the registry holds it as {scenario.remote('1.4.2')}, :1.4, :1 and :latest"


def test_the_next_release(scenario: StepScenario) -> None:
    """The next release takes the moving tags along, and the version before stays as it is."""
    older = released(scenario, "1.4.2")
    ready(scenario, "1.4.3")

    done = scenario.four_runs(scenario.push("1.4.3"))

    assert scenario.backend.published(scenario.repository) == {"1.4.2": older} | dict.fromkeys(
        ("1.4.3", *LINE), done.after
    )
    assert done.before == older
    assert f"moves {scenario.remote('1.4')}, :1 and :latest: " in done.reason
    settled(scenario, "1.4.3")


def test_an_older_line(scenario: StepScenario) -> None:
    """A release of an older line moves its own tags; the others stay, and the reason names the newest release."""
    newest = released(scenario, "1.4.2")
    ready(scenario, "1.3.9")

    done = scenario.four_runs(scenario.push("1.3.9"))

    assert scenario.backend.published(scenario.repository) == {
        **dict.fromkeys(("1.4.2", *LINE), newest),
        **dict.fromkeys(("1.3.9", "1.3"), done.after),
    }
    for told in (done.reason, settled(scenario, "1.3.9")):
        assert f"{scenario.remote('1')} and :latest: 1.4.2 is published" in told


def test_an_older_patch(scenario: StepScenario) -> None:
    """A patch below the newest one of its line moves nothing at all."""
    released(scenario, "1.4.2")
    before = scenario.backend.published(scenario.repository)
    older = released(scenario, "1.4.1", tested=True)

    assert scenario.backend.published(scenario.repository) == {**before, "1.4.1": older}
    assert f"{scenario.remote('1.4')}, :1 and :latest: 1.4.2 is published" in settled(scenario, "1.4.1")


def test_numbers_are_compared_as_numbers(scenario: StepScenario) -> None:
    """1.4.10 is newer than 1.4.9."""
    released(scenario, "1.4.9")
    newer = released(scenario, "1.4.10")

    assert {scenario.backend.published(scenario.repository)[tag] for tag in LINE} == {newer}


def test_backwards(scenario: StepScenario) -> None:
    """Whoever says `backwards` gets the tags of an older release moved."""
    newest = released(scenario, "1.4.2")
    ready(scenario, "1.3.9")

    done = scenario.four_runs(scenario.push("1.3.9", backwards=True))

    older = dict.fromkeys(("1.3.9", "1.3", "1", "latest"), done.after)
    assert scenario.backend.published(scenario.repository) == {"1.4.2": newest, "1.4": newest, **older}
    assert f"moves {scenario.remote('1')} and :latest: " in done.reason


@pytest.mark.parametrize("version", ["1.5.0-rc1", "1.5.0rc1", "1.4.2-3-gabc1234", "abc1234"])
def test_what_is_no_release(scenario: StepScenario, version: str) -> None:
    """A pre-release and what git describes move nothing."""
    newest = released(scenario, "1.4.2")
    ready(scenario, version)

    done = scenario.four_runs(scenario.push(version))

    assert scenario.backend.published(scenario.repository) == {version: done.after} | dict.fromkeys(
        ("1.4.2", *LINE), newest
    )
    assert done.reason == f"the registry does not hold {scenario.remote(version)} yet"


def test_a_pre_release_does_not_hold_the_release_back(scenario: StepScenario) -> None:
    """Where only a pre-release of 2.0.0 is published, `latest` goes on to 1.4.2."""
    released(scenario, "2.0.0-rc1")
    release = released(scenario, "1.4.2")

    assert {scenario.backend.published(scenario.repository)[tag] for tag in LINE} == {release}


def test_a_version_of_its_own(scenario: StepScenario) -> None:
    """`1` that was published as a version is no moving tag of 1.4.2: it stays, and the reason says why."""
    first = released(scenario, "1")
    ready(scenario, "1.4.2")

    done = scenario.four_runs(scenario.push("1.4.2"))

    assert scenario.backend.published(scenario.repository) == {
        "1": first,
        **dict.fromkeys(("1.4.2", "1.4", "latest"), done.after),
    }
    for told in (done.reason, settled(scenario, "1.4.2")):
        assert scenario.remote("1") in told
        assert "version of its own" in told


def test_a_version_of_its_own_overwritten(scenario: StepScenario) -> None:
    """With `overwrite` a version of its own becomes a moving tag."""
    first = released(scenario, "1")
    ready(scenario, "1.4.2")

    done = scenario.four_runs(scenario.push("1.4.2", overwrite=True))

    assert scenario.backend.published(scenario.repository) == dict.fromkeys(("1.4.2", *LINE), done.after)
    assert done.before == first


def test_somebody_elses_latest(scenario: StepScenario) -> None:
    """`latest` moves whoever put there what it holds; the digest that was there is told."""
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
    assert f"{scenario.remote('stable')}: 1.5.0 is published" in settled(scenario, "1.4.3")


def released_as(scenario: StepScenario, version: str, tag: str) -> str:
    """Release a version whose own tag is another one; give the digest."""
    assert go(scenario, scenario.release(version), check=False).exit_code == 0
    return scenario.backend.published(scenario.repository)[tag]


def test_two_own_patterns(scenario: StepScenario) -> None:
    """A version may have several tags of its own: none of them is put over other content."""
    scenario = replace(scenario, app=replace(scenario.app, tags=("{version}", "web-{version}", "latest")))
    digest = released(scenario, "1.4.2")
    assert scenario.backend.published(scenario.repository) == dict.fromkeys(("1.4.2", "web-1.4.2", "latest"), digest)
    strange = scenario.backend.publish(scenario.repository, "web-1.4.3")
    ready(scenario, "1.4.3")

    outcome = scenario.real(scenario.push("1.4.3"))

    assert outcome.error
    assert outcome.error.exit_code == 4
    assert outcome.error.message == f"{scenario.remote('web-1.4.3')} is published with other content"
    assert scenario.backend.published(scenario.repository)["web-1.4.3"] == strange
    assert "1.4.3" not in scenario.backend.published(scenario.repository)


def test_major_0(scenario: StepScenario) -> None:
    """Major 0 promises nothing: no tag `0` follows its releases."""
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
        assert "latest is a moving tag" in outcome.error.reason
    assert scenario.seen() == before


def test_uncommitted_changes(scenario: StepScenario) -> None:
    """What was built with changes that nobody has committed goes out under its version, and moves nothing."""
    for words in (["init", "-q"], ["add", scenario.app.context.name], ["commit", "-qm", "one"]):
        git(scenario.app.context.parent, *words)
    committed = released(scenario, "1.4.2")
    ready(scenario, "1.4.3", "hello, whoever")

    done = scenario.four_runs(scenario.push("1.4.3"))

    assert UNCOMMITTED_LABEL in scenario.backend.labels(scenario.local("1.4.3"))
    assert scenario.backend.published(scenario.repository) == {
        "1.4.3": done.after,
        **dict.fromkeys(("1.4.2", *LINE), committed),
    }
    assert done.status is Status.CHANGED
    settled(scenario, "1.4.3")
