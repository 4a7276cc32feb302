"""What a push records in the ledger."""

from __future__ import annotations

import getpass
import socket
from datetime import UTC, datetime, timedelta

import pytest

from seatrial.events import WarningEvent
from seatrial.model.app import BUILDER_LABEL, INPUTS_LABEL, checks_digest
from seatrial.pipeline.ledger import Entry
from seatrial.pipeline.outcome import Status
from tests.git import git
from tests.steps.run_steps import released, tagged, with_registry, without_moving
from tests.steps.scenario import StepScenario

LINE = ("1.4", "1", "latest")


def ledger(scenario: StepScenario) -> tuple[Entry, ...]:
    """Return the ledger's entries for the repository."""
    return scenario.world.ledger.entries(str(scenario.destination.repository))


def test_the_first_push(scenario: StepScenario) -> None:
    """A push records what was published where, by which builder, user and verdict; a second push records nothing."""
    began = datetime.now(UTC) - timedelta(seconds=1)

    done = tagged(scenario, "1.4.2").four_runs(scenario.push("1.4.2"))

    (entry,) = ledger(scenario)
    image = scenario.image_id(scenario.local("1.4.2"))
    assert (entry.action, entry.app, entry.version, entry.image) == ("release", "web", "1.4.2", image)
    assert entry.repository == f"{scenario.backend.host}/{scenario.repository}"
    assert entry.digests == dict.fromkeys(("1.4.2", *LINE), done.after)
    assert entry.before == {}
    labels = scenario.backend.labels(scenario.local("1.4.2"))
    assert (entry.builder, entry.inputs) == (labels[BUILDER_LABEL], labels[INPUTS_LABEL])
    found = scenario.world.engine.image(str(image))
    assert found
    assert entry.size == found.size
    assert entry.seconds
    assert entry.seconds > 0
    assert entry.verdict
    assert (entry.verdict["image"], entry.verdict["passed"]) == (image, True)
    assert entry.verdict["checks"] == checks_digest(scenario.app.checks)
    assert entry.who == f"{getpass.getuser()}@{socket.gethostname()}"
    assert began < datetime.fromisoformat(entry.when) <= datetime.now(UTC)
    assert entry.revision is None


def test_what_was_out_already(scenario: StepScenario) -> None:
    """What is published but not recorded, as after a killed run, is recorded as found."""
    released(scenario, "1", tested=True)
    scenario.world.ledger.path.unlink()

    done = scenario.real(scenario.push("1"))

    (entry,) = ledger(scenario)
    assert done.status is Status.OK
    assert (entry.action, entry.digests, entry.before) == ("found", dict.fromkeys(("1", "latest"), done.after), {})
    scenario.prepare(scenario.push("1"))
    assert len(ledger(scenario)) == 1


@pytest.mark.parametrize(("reply", "end"), [("hello", ""), ("hello again", "-dirty")])
def test_the_commit(scenario: StepScenario, reply: str, end: str) -> None:
    """In a git repository the commit is recorded, with `-dirty` if there were uncommitted changes."""
    top = scenario.app.context.parent
    for words in (["init", "-q"], ["add", scenario.app.context.name], ["commit", "-qm", "one"]):
        git(top, *words)

    released(scenario, "1", reply)

    assert ledger(scenario)[-1].revision == git(top, "rev-parse", "HEAD") + end


def test_untested(scenario: StepScenario) -> None:
    """An image that is pushed untested has no verdict in the ledger, and a warning says so; one that passed has it."""
    scenario.prepare(scenario.build(), scenario.tag())

    _, events = with_registry(scenario, scenario.push(untested=True))

    assert [one for one in events if isinstance(one, WarningEvent) and "--untested" in one.text]
    assert ledger(scenario)[-1].verdict is None
    _, events = with_registry(tagged(scenario, "2"), scenario.push("2", untested=True))
    assert not [one for one in events if isinstance(one, WarningEvent)]
    assert ledger(scenario)[-1].verdict


def test_half_way(scenario: StepScenario) -> None:
    """When a push fails half-way, each tag is told, what is published is recorded, and the next run does the rest."""
    outcome = without_moving(tagged(scenario, "1.4.2"), scenario.push("1.4.2"), {"1", "latest"})

    assert outcome.status is Status.FAILED
    assert outcome.error
    assert (outcome.error.exit_code, outcome.error.cause) == (1, "no-registry")
    assert (outcome.error.message, outcome.error.reason) == ("2 tags could not be moved", "it is stuck")
    assert outcome.error.details[0].startswith(f"{scenario.remote('1.4.2')}: published, sha256:")
    assert f"{scenario.remote('latest')}: not moved, it is stuck" in outcome.error.details
    assert {one.reference: bool(one.digest) for one in outcome.results.published} == {
        scenario.remote(tag): tag not in {"1", "latest"} for tag in ("1.4.2", *LINE)
    }
    assert sorted(scenario.backend.published(scenario.repository)) == ["1.4", "1.4.2"]

    again = scenario.real(scenario.push("1.4.2"))

    assert again.message.endswith(f"{scenario.remote('1')} and :latest")
    assert [sorted(one.digests) for one in ledger(scenario)] == [["1.4", "1.4.2"], ["1", "latest"]]
    assert len(set(scenario.backend.published(scenario.repository).values())) == 1
