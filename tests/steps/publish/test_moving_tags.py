"""Moving tags: which tags a release takes along, and which stay; on the twin and with a real registry."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seatrial.errors import UsageError
from seatrial.model.app import UNCOMMITTED_LABEL
from seatrial.pipeline.step import Status
from tests.git import git
from tests.steps.road import go, reason, released, statuses
from tests.steps.stage import Stage

LINE = ("1.4", "1", "latest")
"""The tags that move with 1.4.2."""


def ready(stage: Stage, version: str, mood: str = "hello") -> None:
    """Have an image built, proved and tagged, in another mood than the one before."""
    stage.say(mood)
    stage.prepare(stage.build(version), stage.smoke(version), stage.tag(version))


def settled(stage: Stage, version: str) -> str:
    """Give the reason why a second release has nothing to do: it touches nothing."""
    before = stage.seen()
    for check in (True, False):
        again = go(stage, stage.release(version), check=check)
        assert statuses(again) == ["ok"] * 5, again.failure
    assert stage.seen() == before
    return reason(again, "push")


def test_four_runs(stage: Stage) -> None:
    """A release goes out under its version and all tags that move with it, with one digest; then all is said."""
    ready(stage, "1.4.2")

    done = stage.four_runs(stage.push("1.4.2"))

    assert stage.ground.published(stage.home) == dict.fromkeys(("1.4.2", *LINE), done.after)
    assert done.reason == f"the registry does not hold {stage.remote('1.4.2')}, :1.4, :1 and :latest yet"
    assert settled(stage, "1.4.2") == f"the registry holds it as {stage.remote('1.4.2')}, :1.4, :1 and :latest"


def test_the_next_release(stage: Stage) -> None:
    """The next release takes the moving tags along, and the version before stays as it is."""
    older = released(stage, "1.4.2")
    ready(stage, "1.4.3")

    done = stage.four_runs(stage.push("1.4.3"))

    assert stage.ground.published(stage.home) == {"1.4.2": older} | dict.fromkeys(("1.4.3", *LINE), done.after)
    assert done.before == older
    assert f"moves {stage.remote('1.4')}, :1 and :latest: " in done.reason
    settled(stage, "1.4.3")


def test_an_older_line(stage: Stage) -> None:
    """A release of an older line moves its own tags; the others stay, and the reason names the newest release."""
    newest = released(stage, "1.4.2")
    ready(stage, "1.3.9")

    done = stage.four_runs(stage.push("1.3.9"))

    assert stage.ground.published(stage.home) == {
        **dict.fromkeys(("1.4.2", *LINE), newest),
        **dict.fromkeys(("1.3.9", "1.3"), done.after),
    }
    for told in (done.reason, settled(stage, "1.3.9")):
        assert f"{stage.remote('1')} and :latest: 1.4.2 is published" in told


def test_an_older_patch(stage: Stage) -> None:
    """A patch below the newest one of its line moves nothing at all."""
    released(stage, "1.4.2")
    before = stage.ground.published(stage.home)
    older = released(stage, "1.4.1", tested=True)

    assert stage.ground.published(stage.home) == {**before, "1.4.1": older}
    assert f"{stage.remote('1.4')}, :1 and :latest: 1.4.2 is published" in settled(stage, "1.4.1")


def test_numbers_are_compared_as_numbers(stage: Stage) -> None:
    """1.4.10 is newer than 1.4.9."""
    released(stage, "1.4.9")
    newer = released(stage, "1.4.10")

    assert {stage.ground.published(stage.home)[tag] for tag in LINE} == {newer}


def test_backwards(stage: Stage) -> None:
    """Whoever says `backwards` gets the tags of an older release moved."""
    newest = released(stage, "1.4.2")
    ready(stage, "1.3.9")

    done = stage.four_runs(stage.push("1.3.9", backwards=True))

    older = dict.fromkeys(("1.3.9", "1.3", "1", "latest"), done.after)
    assert stage.ground.published(stage.home) == {"1.4.2": newest, "1.4": newest, **older}
    assert f"moves {stage.remote('1')} and :latest: " in done.reason


@pytest.mark.parametrize("version", ["1.5.0-rc1", "1.5.0rc1", "1.4.2-3-gabc1234", "abc1234"])
def test_what_is_no_release(stage: Stage, version: str) -> None:
    """A pre-release and what git describes move nothing."""
    newest = released(stage, "1.4.2")
    ready(stage, version)

    done = stage.four_runs(stage.push(version))

    assert stage.ground.published(stage.home) == {version: done.after} | dict.fromkeys(("1.4.2", *LINE), newest)
    assert done.reason == f"the registry does not hold {stage.remote(version)} yet"


def test_a_pre_release_does_not_hold_the_release_back(stage: Stage) -> None:
    """Where only a pre-release of 2.0.0 is published, `latest` goes on to 1.4.2."""
    released(stage, "2.0.0-rc1")
    release = released(stage, "1.4.2")

    assert {stage.ground.published(stage.home)[tag] for tag in LINE} == {release}


def test_a_version_of_its_own(stage: Stage) -> None:
    """`1` that was published as a version is no moving tag of 1.4.2: it stays, and the reason says why."""
    first = released(stage, "1")
    ready(stage, "1.4.2")

    done = stage.four_runs(stage.push("1.4.2"))

    assert stage.ground.published(stage.home) == {
        "1": first,
        **dict.fromkeys(("1.4.2", "1.4", "latest"), done.after),
    }
    for told in (done.reason, settled(stage, "1.4.2")):
        assert stage.remote("1") in told
        assert "version of its own" in told


def test_a_version_of_its_own_overwritten(stage: Stage) -> None:
    """With `overwrite` a version of its own becomes a moving tag."""
    first = released(stage, "1")
    ready(stage, "1.4.2")

    done = stage.four_runs(stage.push("1.4.2", overwrite=True))

    assert stage.ground.published(stage.home) == dict.fromkeys(("1.4.2", *LINE), done.after)
    assert done.before == first


def test_somebody_elses_latest(stage: Stage) -> None:
    """`latest` moves whoever put there what it holds; the digest that was there is told."""
    strange = stage.ground.publish(stage.home, "latest")
    ready(stage, "1.4.2")

    done = stage.four_runs(stage.push("1.4.2"))

    assert done.before == strange
    assert set(stage.ground.published(stage.home).values()) == {done.after}


def test_own_patterns(stage: Stage) -> None:
    """The setting `tags` says which tags a version has of its own, and which move."""
    stage = replace(stage, app=replace(stage.app, tags=("v{version}", "v{major}.{minor}", "stable")))
    older = released_as(stage, "1.4.2", "v1.4.2")
    ready(stage, "1.5.0")

    done = stage.four_runs(stage.push("1.5.0"))

    assert stage.ground.published(stage.home) == {
        "v1.4.2": older,
        "v1.4": older,
        **dict.fromkeys(("v1.5.0", "v1.5", "stable"), done.after),
    }
    back = released_as(stage, "1.4.3", "v1.4.3")
    assert stage.ground.published(stage.home)["v1.4"] == back
    assert f"{stage.remote('stable')}: 1.5.0 is published" in settled(stage, "1.4.3")


def released_as(stage: Stage, version: str, tag: str) -> str:
    """Release a version whose own tag is another one; give the digest."""
    assert go(stage, stage.release(version), check=False).exit_code == 0
    return stage.ground.published(stage.home)[tag]


def test_two_own_patterns(stage: Stage) -> None:
    """A version may have several tags of its own: none of them is put over other content."""
    stage = replace(stage, app=replace(stage.app, tags=("{version}", "web-{version}", "latest")))
    digest = released(stage, "1.4.2")
    assert stage.ground.published(stage.home) == dict.fromkeys(("1.4.2", "web-1.4.2", "latest"), digest)
    strange = stage.ground.publish(stage.home, "web-1.4.3")
    ready(stage, "1.4.3")

    outcome = stage.real(stage.push("1.4.3"))

    assert outcome.error
    assert outcome.error.exit_code == 4
    assert outcome.error.what == f"{stage.remote('web-1.4.3')} is published with other content"
    assert stage.ground.published(stage.home)["web-1.4.3"] == strange
    assert "1.4.3" not in stage.ground.published(stage.home)


def test_major_0(stage: Stage) -> None:
    """Major 0 promises nothing: no tag `0` follows its releases."""
    digest = released(stage, "0.4.2")

    assert stage.ground.published(stage.home) == dict.fromkeys(("0.4.2", "0.4", "latest"), digest)


def test_a_version_named_as_a_moving_tag(stage: Stage) -> None:
    """A version cannot be named `latest`: exit code 2 in every step that would publish it."""
    stage.prepare(stage.build("latest"), stage.smoke("latest"))
    before = stage.seen()

    for step in (stage.preflight("latest"), stage.tag("latest"), stage.push("latest"), stage.rollback("latest")):
        outcome = stage.real(step)
        assert isinstance(outcome.error, UsageError), step
        assert outcome.error.exit_code == 2
        assert "latest is a moving tag" in outcome.error.why
    assert stage.seen() == before


def test_uncommitted_changes(stage: Stage) -> None:
    """What was built with changes that nobody has committed goes out under its version, and moves nothing."""
    for words in (["init", "-q"], ["add", stage.app.context.name], ["commit", "-qm", "one"]):
        git(stage.app.context.parent, *words)
    committed = released(stage, "1.4.2")
    ready(stage, "1.4.3", "hello, whoever")

    done = stage.four_runs(stage.push("1.4.3"))

    assert UNCOMMITTED_LABEL in stage.ground.labels(stage.local("1.4.3"))
    assert stage.ground.published(stage.home) == {
        "1.4.3": done.after,
        **dict.fromkeys(("1.4.2", *LINE), committed),
    }
    assert done.status is Status.CHANGED
    settled(stage, "1.4.3")
