"""What a push records in the ledger; in memory and with a real registry."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from seatrial.errors import RegistryUnavailable, StepFailed
from seatrial.events import Event, WarningEvent
from seatrial.model.app import BUILDER_LABEL, checks_digest
from seatrial.model.reference import ImageReference
from seatrial.pipeline.converge import converge
from seatrial.pipeline.ledger import Entry
from seatrial.pipeline.outcome import Outcome, Status
from seatrial.registry.model import Registry
from seatrial.steps.publish.push import Push
from tests.git import git
from tests.steps.scenario import StepScenario

LINE = ("1.4", "1", "latest")


def ready(scenario: StepScenario, version: str) -> None:
    """Build, test and tag a version."""
    scenario.prepare(scenario.build(version), scenario.smoke(version), scenario.tag(version))


def ledger(scenario: StepScenario) -> tuple[Entry, ...]:
    """Return the ledger's entries for the repository."""
    return scenario.world.ledger.entries(str(scenario.destination.repository))


def test_the_first_push(scenario: StepScenario) -> None:
    """A push records what was published where, by which builder, user and verdict; a second push records nothing."""
    ready(scenario, "1.4.2")
    began = datetime.now(UTC) - timedelta(seconds=1)

    done = scenario.four_runs(scenario.push("1.4.2"))

    (entry,) = ledger(scenario)
    image = scenario.image_id(scenario.local("1.4.2"))
    assert (entry.action, entry.app, entry.version) == ("release", "web", "1.4.2")
    assert entry.repository == f"{scenario.backend.host}/{scenario.repository}"
    assert entry.image == image
    assert entry.digests == dict.fromkeys(("1.4.2", *LINE), done.after)
    assert entry.before == {}
    assert entry.builder == scenario.backend.labels(scenario.local("1.4.2"))[BUILDER_LABEL]
    assert entry.verdict
    assert (entry.verdict["image"], entry.verdict["passed"]) == (image, True)
    assert entry.verdict["checks"] == checks_digest(scenario.app.checks)
    assert entry.who == f"{getpass.getuser()}@{socket.gethostname()}"
    assert began < datetime.fromisoformat(entry.when) <= datetime.now(UTC)
    assert entry.revision is None


def test_what_was_out_already(scenario: StepScenario) -> None:
    """What is published but not recorded, as after a killed run, is recorded as found."""
    ready(scenario, "1")
    scenario.prepare(scenario.push("1"))
    scenario.world.ledger.path.unlink()

    planned, done = scenario.check(scenario.push("1")), scenario.real(scenario.push("1"))

    (entry,) = ledger(scenario)
    assert (planned.status, done.status) == (Status.OK, Status.OK)
    assert "ledger" in planned.message
    assert "ledger" in done.message
    assert (entry.action, entry.digests, entry.before) == ("found", dict.fromkeys(("1", "latest"), done.after), {})
    assert "ledger" not in scenario.real(scenario.push("1")).message
    assert len(ledger(scenario)) == 1


def test_what_was_there_before(scenario: StepScenario) -> None:
    """The digests that the moving tags had before are recorded."""
    ready(scenario, "1.4.2")
    scenario.prepare(scenario.push("1.4.2"))
    older = scenario.backend.published(scenario.repository)["1.4.2"]
    scenario.set_reply("hello again")
    ready(scenario, "1.5.0")

    newer = scenario.real(scenario.push("1.5.0")).after

    entry = ledger(scenario)[-1]
    assert entry.digests == dict.fromkeys(("1.5.0", "1.5", "1", "latest"), newer)
    assert entry.before == dict.fromkeys(("1", "latest"), older)


def test_what_was_overwritten(scenario: StepScenario) -> None:
    """The digest of an overwritten version is recorded."""
    strange = scenario.backend.publish(scenario.repository, "1")
    ready(scenario, "1")

    digest = scenario.real(scenario.push("1", overwrite=True)).after

    entry = ledger(scenario)[-1]
    assert entry.digests == dict.fromkeys(("1", "latest"), digest)
    assert entry.before == {"1": strange}


def test_the_commit(scenario: StepScenario) -> None:
    """In a git repository the commit is recorded."""
    top = scenario.app.context.parent
    for words in (["init", "-q"], ["add", scenario.app.context.name], ["commit", "-qm", "one"]):
        git(top, *words)
    ready(scenario, "1")

    scenario.prepare(scenario.push("1"))

    assert ledger(scenario)[-1].revision == git(top, "rev-parse", "HEAD")


def test_the_commit_of_uncommitted_changes(scenario: StepScenario) -> None:
    """A commit with uncommitted changes is recorded with `-dirty`."""
    top = scenario.app.context.parent
    for words in (["init", "-q"], ["add", scenario.app.context.name], ["commit", "-qm", "one"]):
        git(top, *words)
    scenario.set_reply("hello again")
    ready(scenario, "1")

    scenario.prepare(scenario.push("1"))

    assert ledger(scenario)[-1].revision == f"{git(top, 'rev-parse', 'HEAD')}-dirty"
    assert list(ledger(scenario)[-1].digests) == ["1"]


def test_untested(scenario: StepScenario) -> None:
    """An image that is pushed untested has no verdict in the ledger, and a warning says so."""
    scenario.prepare(scenario.build(), scenario.tag())
    refused = scenario.real(scenario.push())
    assert isinstance(refused.error, StepFailed)
    assert ledger(scenario) == ()

    outcome, events = pushed(scenario, scenario.push(untested=True))

    assert outcome.status is Status.CHANGED
    assert [one for one in events if isinstance(one, WarningEvent) and "--untested" in one.text]
    assert ledger(scenario)[-1].verdict is None
    assert scenario.real(scenario.push(untested=True)).status is Status.OK
    assert len(ledger(scenario)) == 1


def test_untested_but_verified(scenario: StepScenario) -> None:
    """An image that has passed is pushed with its verdict and without a warning, even with `untested`."""
    ready(scenario, "1")

    _, events = pushed(scenario, scenario.push(untested=True))

    assert not [one for one in events if isinstance(one, WarningEvent)]
    verdict = ledger(scenario)[-1].verdict
    assert verdict
    assert verdict["passed"] is True


def test_half_way(scenario: StepScenario) -> None:
    """When a push fails half-way, the published tags are recorded, and the next run records the rest."""
    ready(scenario, "1.4.2")

    outcome, _ = pushed(scenario, scenario.push("1.4.2"), stuck={"1", "latest"})

    assert outcome.status is Status.FAILED
    assert outcome.error
    assert outcome.error.cause == "no-registry"
    assert outcome.error.message.startswith("2 tags")
    assert sorted(scenario.backend.published(scenario.repository)) == ["1.4", "1.4.2"]
    assert [sorted(one.digests) for one in ledger(scenario)] == [["1.4", "1.4.2"]]

    scenario.prepare(scenario.push("1.4.2"))

    assert [sorted(one.digests) for one in ledger(scenario)] == [["1.4", "1.4.2"], ["1", "latest"]]
    assert {digest for one in ledger(scenario) for digest in one.digests.values()} == {
        scenario.backend.published(scenario.repository)["1.4.2"]
    }


def test_nothing_pushed(scenario: StepScenario) -> None:
    """When nothing was pushed, nothing is recorded."""
    ready(scenario, "1.4.2")
    scenario.backend.put_image(scenario.remote("1.4.2"))

    assert scenario.real(scenario.push("1.4.2")).status is Status.FAILED
    assert ledger(scenario) == ()


def pushed(scenario: StepScenario, step: Push, *, stuck: Collection[str] = ()) -> tuple[Outcome, list[Event]]:
    """Push to a registry that does not move the `stuck` tags, and return the outcome and the events."""

    class Stubborn:
        behind = scenario.backend.registry(scenario.backend.host)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.behind, name)

        def tag(self, reference: ImageReference, manifest: Any) -> None:
            """Move it, or fail."""
            if reference.tag in stuck:
                raise RegistryUnavailable(f"{reference.familiar} cannot be moved", reason="it is stuck", hint="again")
            self.behind.tag(reference, manifest)

    events: list[Event] = []
    world = replace(scenario.world, registry=lambda _: cast("Registry", Stubborn()))
    return converge(step, world, check=False, emit=events.append)[0], events
