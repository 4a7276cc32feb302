"""Somebody else publishes, builds or tags the same version: one wins, and the other is told, with exit code 4."""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import Mock

import pytest
from msgspec.structs import replace

from seatrial.engine.model import BuildRequest
from seatrial.engine.protocol import Emit
from seatrial.errors import Conflict, NotAnImage
from seatrial.events import Transfer, WarningEvent
from seatrial.model.app import INPUTS_LABEL
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.outcome import Outcome, Status
from seatrial.registry.model import Manifest
from seatrial.steps.publish.upload import Upload
from tests.engine.memory.engine import MemoryEngine
from tests.engine.memory.registry import MemoryRegistry
from tests.steps.memory_backend import ScriptedEngine
from tests.steps.run_steps import refused, released, tagged, with_registry
from tests.steps.scenario import StepScenario

Moment = Callable[[], object]


def _layer(name: str, text: str) -> Transfer:
    return Transfer(layer=name, current=0, total=None, text=text)


def pushed(
    scenario: StepScenario, monkeypatch: pytest.MonkeyPatch, moment: str, event: Moment, *, overwrite: bool = False
) -> Outcome:
    """Push, with an event before or after the tag is put; `beside` is too late to stop it. Return the outcome."""
    put = MemoryEngine.push

    def push(
        self: MemoryEngine, reference: ImageReference, credential: None, emit: Emit, **options: float
    ) -> str | None:
        for layer in ("one", "two"):
            emit(_layer(layer, "Preparing"))
        emit(_layer("one", "Layer already exists"))
        if moment != "after":
            event()
        try:
            emit(_layer("two", "Pushed"))
        except Conflict:
            if moment == "beside":
                put(self, reference, credential, emit, **options)
            raise
        digest = put(self, reference, credential, emit, **options)
        if moment == "after":
            event()
        return digest

    monkeypatch.setattr(MemoryEngine, "push", push)
    return scenario.real(scenario.push(overwrite=overwrite))


@pytest.mark.parametrize("moment", ["before", "beside", "after"])
def test_published_meanwhile(scenario: StepScenario, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    """What somebody else publishes while we send the layers, or right after our tag, stays, and is named."""
    theirs: list[str] = []

    def publish() -> None:
        theirs.append(scenario.backend.publish(scenario.repository, "1"))

    outcome = pushed(tagged(scenario), monkeypatch, moment, publish)

    assert isinstance(outcome.error, Conflict)
    assert outcome.error.exit_code == 4
    assert theirs[0] in outcome.error.reason
    assert scenario.backend.published(scenario.repository) == {"1": theirs[0]}
    assert scenario.world.ledger.entries() == ()
    if moment == "before":
        done = pushed(scenario, monkeypatch, moment, publish, overwrite=True)
        assert set(scenario.backend.published(scenario.repository).values()) == {done.after}


def test_built_elsewhere_meanwhile(scenario: StepScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """A push goes by the image that was sent, even if another folder's build takes its names during the push."""

    def take() -> None:
        for name in (scenario.local(), scenario.remote(), scenario.remote("latest")):
            scenario.backend.put_image(name)

    outcome = pushed(tagged(scenario), monkeypatch, "after", take)

    assert outcome.status is Status.CHANGED
    assert set(scenario.backend.published(scenario.repository).values()) == {outcome.after}


def test_built_elsewhere_before(scenario: StepScenario) -> None:
    """After another folder's build of the version, neither its image is tested nor tagged nor pushed for ours."""
    labels = tagged(scenario).backend.labels(scenario.local())
    scenario.backend.put_image(scenario.local(), {**labels, "built": "elsewhere"})

    for step in (scenario.smoke(), scenario.tag(), scenario.push()):
        assert isinstance(refused(scenario, step), Conflict)


def test_built_elsewhere_at_once(scenario: StepScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """If another folder's build takes the name right after ours, the build is a conflict."""
    build = ScriptedEngine.build

    def taken(self: ScriptedEngine, request: BuildRequest, emit: Emit) -> str:
        image_id = build(self, request, emit)
        labels = scenario.backend.labels(scenario.local())
        scenario.backend.put_image(scenario.local(), {**labels, INPUTS_LABEL: "sha256:others"})
        return image_id

    monkeypatch.setattr(ScriptedEngine, "build", taken)

    assert isinstance(scenario.real(scenario.build()).error, Conflict)


def test_tagged_elsewhere_meanwhile(scenario: StepScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """If another folder takes a reference while we tag, or right before the engine pushes it, that is a conflict."""
    tag = MemoryEngine.tag

    def taken(self: MemoryEngine, image_id: str, reference: ImageReference) -> None:
        tag(self, image_id, reference)
        if reference.tag == "latest":
            monkeypatch.undo()
            scenario.backend.put_image(scenario.remote("latest"))

    scenario.prepare(scenario.build(), scenario.smoke())
    monkeypatch.setattr(MemoryEngine, "tag", taken)
    assert isinstance(scenario.real(scenario.tag()).error, Conflict)
    scenario.prepare(scenario.tag())

    labels = scenario.backend.labels(scenario.local())
    scenario.backend.put_image(scenario.remote(), {**labels, INPUTS_LABEL: "sha256:others"})
    assert isinstance(refused(scenario, scenario.push()), Conflict)
    image = scenario.world.image_for(scenario.app, Version("1"))
    reference = ImageReference.parse(scenario.remote())
    upload = Upload(
        world=scenario.world, image=image, reference=reference, overwrite=False, stall=1, emit=lambda _: None
    )
    scenario.backend.put_image(scenario.remote())
    with pytest.raises(Conflict):
        upload.send()
    assert scenario.backend.published(scenario.repository) == {}


def test_a_push_with_much_progress(scenario: StepScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """How often the registry is asked does not depend on how often the engine reports progress."""
    put, manifest, asked, reports = (
        MemoryEngine.push,
        MemoryRegistry.manifest,
        list[ImageReference](),
        {"1": 1, "2": 200},
    )

    def counted(self: MemoryRegistry, reference: ImageReference, *, refresh: bool = False) -> Manifest | None:
        asked.append(reference)
        return manifest(self, reference, refresh=refresh)

    def push(
        self: MemoryEngine, reference: ImageReference, credential: None, emit: Emit, **options: float
    ) -> str | None:
        layers = [f"layer {number}" for number in range(60)]
        for text in ("Preparing", *["Pushing"] * reports[str(reference.tag)], "Pushed"):
            for layer in layers:
                emit(_layer(layer, text))
        return put(self, reference, credential, emit, **options)

    monkeypatch.setattr(MemoryEngine, "push", push)
    monkeypatch.setattr(MemoryRegistry, "manifest", counted)
    counts = []
    for version in reports:
        tagged(scenario, version)
        asked.clear()
        assert scenario.real(scenario.push(version)).status is Status.CHANGED
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_what_is_not_an_image(scenario: StepScenario) -> None:
    """What stands under the version and is not an image is a conflict that says what it is; it may be overwritten."""
    tagged(scenario)
    chart = scenario.backend.publish(scenario.repository, "1")
    configuration = Mock(side_effect=NotAnImage("it cannot be inspected", kind="a Helm chart"))
    for step in (scenario.preflight(), scenario.push(), scenario.rollback("1")):
        outcome, _ = with_registry(scenario, step, configuration=configuration)

        assert isinstance(outcome.error, Conflict)
        assert "a Helm chart" in outcome.error.reason
    assert scenario.backend.published(scenario.repository) == {"1": chart}
    for step in (scenario.preflight(overwrite=True), scenario.push(overwrite=True)):
        outcome, _ = with_registry(scenario, step, configuration=configuration)
        assert outcome.error is None


def test_a_version_that_the_registry_has_lost(scenario: StepScenario) -> None:
    """Other content under a version that was released and is lost is told before the build, and refused by the push."""
    digest = released(scenario, "1")
    (entry,) = scenario.world.ledger.entries()
    tagged(scenario, "2")
    lost = replace(entry, version="2", digests={"2": digest}, image=scenario.image_id(scenario.local("2")))
    scenario.world.ledger.append(lost)
    assert scenario.check(scenario.push("2")).status is Status.CHANGED, "the same content may be pushed again"
    tagged(scenario, "2", "hello again")

    _, events = with_registry(scenario, scenario.preflight("2"))
    error = refused(scenario, scenario.push("2"))

    (warning,) = [one for one in events if isinstance(one, WarningEvent)]
    assert digest[:15] in warning.text
    assert isinstance(error, Conflict)
    assert digest in error.reason
    assert scenario.real(scenario.push("2", overwrite=True)).status is Status.CHANGED
