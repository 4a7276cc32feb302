"""What a push writes down in the ledger; on the twin and with a real registry."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from seatrial.errors import RegistryUnavailable, StepFailed
from seatrial.events import Caution, Event
from seatrial.model.app import BUILDER_LABEL, checks_digest
from seatrial.model.reference import ImageReference
from seatrial.pipeline.ledger import Entry
from seatrial.pipeline.step import Outcome, Status, converge
from seatrial.registry.model import Registry
from seatrial.steps.publish.push import Push
from tests.git import git
from tests.steps.stage import Stage

LINE = ("1.4", "1", "latest")


def ready(stage: Stage, version: str) -> None:
    """Have an image built, proved and tagged."""
    stage.prepare(stage.build(version), stage.smoke(version), stage.tag(version))


def ledger(stage: Stage) -> tuple[Entry, ...]:
    """Give what is written down."""
    return stage.world.ledger.entries(str(stage.destination.home))


def test_the_first_push(stage: Stage) -> None:
    """A push writes down what went out where, made and proved by whom and when; a second push writes nothing."""
    ready(stage, "1.4.2")
    began = datetime.now(UTC) - timedelta(seconds=1)

    done = stage.four_runs(stage.push("1.4.2"))

    (entry,) = ledger(stage)
    image = stage.image_id(stage.local("1.4.2"))
    assert (entry.action, entry.app, entry.version) == ("release", "web", "1.4.2")
    assert entry.repository == f"{stage.ground.host}/{stage.home}"
    assert entry.image == image
    assert entry.digests == dict.fromkeys(("1.4.2", *LINE), done.after)
    assert entry.before == {}
    assert entry.builder == stage.ground.labels(stage.local("1.4.2"))[BUILDER_LABEL]
    assert entry.verdict
    assert (entry.verdict["image"], entry.verdict["passed"]) == (image, True)
    assert entry.verdict["checks"] == checks_digest(stage.app.checks)
    assert entry.who == f"{getpass.getuser()}@{socket.gethostname()}"
    assert began < datetime.fromisoformat(entry.when) <= datetime.now(UTC)
    assert entry.revision is None


def test_what_was_out_already(stage: Stage) -> None:
    """What the registry holds and the ledger does not know, as after a killed run, is written down as found."""
    ready(stage, "1")
    stage.prepare(stage.push("1"))
    stage.world.ledger.path.unlink()

    foretold, done = stage.check(stage.push("1")), stage.real(stage.push("1"))

    (entry,) = ledger(stage)
    assert (foretold.status, done.status) == (Status.OK, Status.OK)
    assert foretold.reason == done.reason
    assert done.reason.endswith("the ledger does not know that yet")
    assert (entry.action, entry.digests, entry.before) == ("found", dict.fromkeys(("1", "latest"), done.after), {})
    assert stage.real(stage.push("1")).reason.endswith(":latest")


def test_what_was_there_before(stage: Stage) -> None:
    """The digests that the moving tags had until then are written down."""
    ready(stage, "1.4.2")
    stage.prepare(stage.push("1.4.2"))
    older = stage.ground.published(stage.home)["1.4.2"]
    stage.say("hello again")
    ready(stage, "1.5.0")

    newer = stage.real(stage.push("1.5.0")).after

    entry = ledger(stage)[-1]
    assert entry.digests == dict.fromkeys(("1.5.0", "1.5", "1", "latest"), newer)
    assert entry.before == dict.fromkeys(("1", "latest"), older)


def test_what_was_overwritten(stage: Stage) -> None:
    """What a version was until it was overwritten is written down, too."""
    strange = stage.ground.publish(stage.home, "1")
    ready(stage, "1")

    digest = stage.real(stage.push("1", overwrite=True)).after

    entry = ledger(stage)[-1]
    assert entry.digests == dict.fromkeys(("1", "latest"), digest)
    assert entry.before == {"1": strange}


def test_the_commit(stage: Stage) -> None:
    """In a git repository the commit is written down."""
    top = stage.app.context.parent
    for words in (["init", "-q"], ["add", stage.app.context.name], ["commit", "-qm", "one"]):
        git(top, *words)
    ready(stage, "1")

    stage.prepare(stage.push("1"))

    assert ledger(stage)[-1].revision == git(top, "rev-parse", "HEAD")


def test_the_commit_of_uncommitted_changes(stage: Stage) -> None:
    """A commit that is not the whole truth is written down as such."""
    top = stage.app.context.parent
    for words in (["init", "-q"], ["add", stage.app.context.name], ["commit", "-qm", "one"]):
        git(top, *words)
    stage.say("hello, whoever")
    ready(stage, "1")

    stage.prepare(stage.push("1"))

    assert ledger(stage)[-1].revision == f"{git(top, 'rev-parse', 'HEAD')}-dirty"
    assert list(ledger(stage)[-1].digests) == ["1"]


def test_untested(stage: Stage) -> None:
    """What goes out untested has no verdict in the ledger, and whoever lets it hears so once more."""
    stage.prepare(stage.build(), stage.tag())
    refused = stage.real(stage.push())
    assert isinstance(refused.error, StepFailed)
    assert ledger(stage) == ()

    outcome, told = pushed(stage, stage.push(untested=True))

    assert outcome.status is Status.CHANGED
    assert [one.text for one in told if isinstance(one, Caution) and "smoke test" in one.text]
    assert ledger(stage)[-1].verdict is None
    assert stage.real(stage.push(untested=True)).status is Status.OK
    assert len(ledger(stage)) == 1


def test_untested_and_yet_proved(stage: Stage) -> None:
    """An image that has passed goes out with its verdict and without a warning, whatever was allowed."""
    ready(stage, "1")

    _, told = pushed(stage, stage.push(untested=True))

    assert not [one for one in told if isinstance(one, Caution)]
    verdict = ledger(stage)[-1].verdict
    assert verdict
    assert verdict["passed"] is True


def test_half_way(stage: Stage) -> None:
    """Of a push that failed half-way, what is out is written down, and the next run's entry has the rest."""
    ready(stage, "1.4.2")

    outcome, _ = pushed(stage, stage.push("1.4.2"), stuck={"1", "latest"})

    assert outcome.status is Status.FAILED
    assert outcome.error
    assert (outcome.error.what, outcome.error.cause) == ("2 tags could not be moved", "no-registry")
    assert sorted(stage.ground.published(stage.home)) == ["1.4", "1.4.2"]
    assert [sorted(one.digests) for one in ledger(stage)] == [["1.4", "1.4.2"]]

    stage.prepare(stage.push("1.4.2"))

    assert [sorted(one.digests) for one in ledger(stage)] == [["1.4", "1.4.2"], ["1", "latest"]]
    assert {digest for one in ledger(stage) for digest in one.digests.values()} == {
        stage.ground.published(stage.home)["1.4.2"]
    }


def test_nothing_out(stage: Stage) -> None:
    """Where nothing went out nothing is written down."""
    ready(stage, "1.4.2")
    stage.ground.put_image(stage.remote("1.4.2"))

    assert stage.real(stage.push("1.4.2")).status is Status.FAILED
    assert ledger(stage) == ()


def pushed(stage: Stage, step: Push, *, stuck: Collection[str] = ()) -> tuple[Outcome, list[Event]]:
    """Give how a push comes out and what was told, where the registry does not move the `stuck` tags."""

    class Stubborn:
        behind = stage.ground.registry(stage.ground.host)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.behind, name)

        def point(self, reference: ImageReference, manifest: Any) -> None:
            """Move it, or fail."""
            if reference.tag in stuck:
                raise RegistryUnavailable(f"{reference.familiar} cannot be moved", why="it is stuck", mend="again")
            self.behind.point(reference, manifest)

    told: list[Event] = []
    world = replace(stage.world, registry=lambda _: cast("Registry", Stubborn()))
    return converge(step, world, check=False, tell=told.append)[0], told
