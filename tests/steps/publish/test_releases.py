"""Which releases can be rolled back to, and which one is live."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from seatrial.cli.report_files import find_run
from seatrial.errors import RegistryUnavailable, StepFailed
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.output.documents import as_text
from seatrial.output.ledger_document import ledger_document
from seatrial.pipeline.state import StateFolder
from seatrial.pipeline.world import World
from seatrial.steps.publish.releases import Releases, choice, last_destination
from tests.steps.run_steps import released
from tests.steps.scenario import StepScenario


def releases(scenario: StepScenario) -> Releases:
    """Return the releases of the scenario's repository."""
    return Releases.of(scenario.world, scenario.destination)


def elsewhere(scenario: StepScenario, folder: Path) -> StepScenario:
    """Return the same on a machine without a ledger."""
    return replace(scenario, state=StateFolder(folder / "machine"))


def test_the_choice(scenario: StepScenario, tmp_path: Path) -> None:
    """A rollback without a version names the releases, newest first, and the live one; moving tags are no releases."""
    for number, version in enumerate(("1.4.9", "1.4.10", "1.5.0-rc1", "2")):
        released(scenario, version, f"reply {number}")
    scenario.prepare(scenario.rollback("1.4.10"))

    for where in (scenario, elsewhere(scenario, tmp_path)):
        error = choice(where.world, where.destination)
        assert error.details == ("2", "1.4.10 (live)", "1.4.9")
        assert (error.exit_code, error.hint) == (2, "--to 2 (or --to previous)")


def test_the_release_before(scenario: StepScenario, tmp_path: Path) -> None:
    """`previous` is what was live before the live one, by the ledger; without a ledger it is the next older one."""
    released(scenario, "1.4.1")
    released(scenario, "2.0", "hello 2")
    released(scenario, "1.4.2", "a later fix of the older line")
    released(scenario, "2.1", "hello 3")
    assert releases(scenario).previous() == Version("2.0")
    scenario.prepare(scenario.rollback("2.0"))
    assert releases(scenario).previous() == Version("1.4.1")
    assert releases(elsewhere(scenario, tmp_path)).previous() == Version("1.4.2")
    scenario.prepare(scenario.rollback("1.4.1"))
    with pytest.raises(StepFailed, match=r"there is no release before 1\.4\.1"):
        releases(scenario).previous()


def test_other_tags(scenario: StepScenario, tmp_path: Path) -> None:
    """The patterns of the tags say what is a release, and which tag is live."""
    scenario = replace(scenario, app=scenario.app.but(tags=("v{version}", "v{major}", "stable")))
    for version in ("1.4.1", "2.0.0"):
        scenario.set_reply(version)
        scenario.prepare(scenario.build(version), scenario.tag(version), scenario.push(version, untested=True))
    found = releases(elsewhere(scenario, tmp_path))
    assert (found.versions, found.live_tag) == ((Version("2.0.0"), Version("1.4.1")), "stable")
    assert found.live == Version("2.0.0")


def test_nothing_is_published(scenario: StepScenario) -> None:
    """Without any release both say so."""
    assert not choice(scenario.world, scenario.destination).details
    with pytest.raises(StepFailed, match="no release is live"):
        releases(scenario).previous()


def test_a_registry_that_is_down(scenario: StepScenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the registry does not answer, the ledger still knows what was released from here, if anything was."""
    released(scenario, "1")
    released(scenario, "2", "hello again")

    def down(*_: object) -> tuple[str, ...]:
        raise RegistryUnavailable("no registry answers", reason="it is down", hint="invoke status")

    monkeypatch.setattr(World, "published_tags", down)
    assert choice(scenario.world, scenario.destination).details == ("2 (live)", "1")
    there = elsewhere(scenario, tmp_path)
    assert "it is down" in choice(there.world, there.destination).reason
    with pytest.raises(RegistryUnavailable):
        releases(there)


def environment(scenario: StepScenario, name: str, repository: str) -> StepScenario:
    """Return the same project in an environment, whose settings name a repository of its own."""
    app = scenario.app.but(
        settings_environment=name, repository=ImageReference.parse(f"{scenario.app.project}/{repository}")
    )
    return replace(scenario, app=app, state=StateFolder(scenario.state.folder, name))


def test_two_environments(scenario: StepScenario) -> None:
    """The ledger says for which environment a release was made; each rolls back to what was live in its repository."""
    production, staging = scenario, environment(scenario, "staging", "web-staging")
    for where, version in ((production, "1"), (staging, "2"), (staging, "3"), (production, "4"), (staging, "5")):
        released(where, version, f"{version} of {where.app.settings_environment}")

    assert [(one.version, one.environment) for one in scenario.world.ledger.entries()] == [
        ("1", ""),
        ("2", "staging"),
        ("3", "staging"),
        ("4", ""),
        ("5", "staging"),
    ]
    assert (releases(production).previous(), releases(staging).previous()) == (Version("1"), Version("3"))
    ledger = scenario.world.ledger
    for where, last in ((production, "4"), (staging, "5")):
        assert last_destination(ledger, where.app, None) == where.destination
        assert find_run(scenario.world, where.app, None).version == last
    for number, entry in enumerate(ledger.entries()):
        scenario.state.save_run(str(number), json.loads(as_text(ledger_document(entry))))
    assert find_run(scenario.world, production.app, None).version == "4"

    shared = environment(scenario, "qa", "web")
    released(shared, "6", "hello 6")
    assert releases(shared).previous() == releases(production).previous() == Version("4")


def test_where_it_was_released(scenario: StepScenario) -> None:
    """The ledger knows where an app was published last."""
    ledger, app = scenario.world.ledger, scenario.app
    assert last_destination(ledger, app, None) is None
    released(scenario, "1")
    assert last_destination(ledger, app, None) == scenario.destination
    assert last_destination(ledger, app, "other.example") is None
    assert last_destination(ledger, app.but(name="api"), None) is None
