"""The messages of the pipeline; each sentence is pinned here, once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from seatrial.errors import Conflict, CredentialsError, Interrupted, RegistryUnavailable, SeatrialError, StepFailed
from seatrial.events import CheckResult, Event, FactResult, Info, WarningEvent
from seatrial.host.lock import Lock
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.converge import converge
from seatrial.pipeline.ledger import Ledger
from seatrial.pipeline.state import StateFolder
from seatrial.pipeline.world import World
from seatrial.registry.credentials import Credential
from seatrial.registry.model import Manifest
from tests.engine.memory.engine import MemoryEngine
from tests.engine.memory.registry import MemoryRegistry
from tests.pipeline.test_converge import Paint, quiet
from tests.pipeline.test_ledger import ENTRY
from tests.pipeline.test_pipeline import FakeStep, go
from tests.steps.scenario import make_app

TAG = ImageReference.parse("r.io/shop/web:1")
NO_IMAGE = "the engine has no image of that name"
NO_FILE = (
    "FOLDER/ledger.jsonl: Is a directory",
    "check the file (ls -l FOLDER/ledger.jsonl), then run it again",
)
Provoke = Callable[[World], object]


class Forgetful(MemoryRegistry):
    """A registry that moves no tag, and whose credentials cannot be read."""

    def tag(self, reference: ImageReference, manifest: Manifest) -> None:
        """Do nothing."""

    def credential(self, **_: object) -> Credential | None:
        """Raise an error."""
        raise CredentialsError("the credentials cannot be read", reason="broken file", hint="docker login")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A world with an empty engine and a forgetful registry."""
    registry = Forgetful(host=TAG.registry)
    return World(engine=MemoryEngine(), registry=lambda _: registry, state=StateFolder(tmp_path))


def _image_for(world: World, version: Version | None) -> None:
    world.image_for(make_app("shop", world.state.folder / "app", "base", 5000), version)


def _ledger(world: World) -> Ledger:
    world.ledger.path.mkdir()
    return world.ledger


def _still_to_paint(world: World) -> None:
    error = converge(Paint(coats=2), world, check=False, emit=quiet)[0].error
    assert error
    raise error


@pytest.mark.parametrize(
    ("provoke", "message", "reason", "hint"),
    [
        (lambda w: _image_for(w, Version("1")), "there is no image shop/web:1", NO_IMAGE, "invoke build --version 1"),
        (lambda w: _image_for(w, None), "there is no image shop/web", NO_IMAGE, "invoke build"),
        (
            _still_to_paint,
            "paint did not converge",
            "after it was carried out, it would still paint it blue: it was grey",
            "check whether somebody else works on the same images, then run it again",
        ),
        (
            lambda w: w.tag(TAG, Manifest(digest="sha256:a1", config=None), quiet),
            "r.io/shop/web:1 was moved, but the registry does not show it",
            "the registry has nothing, not sha256:a1",
            "check whether somebody else pushes there, then run it again",
        ),
        (lambda w: _ledger(w).entries(), "cannot read the ledger", *NO_FILE),
        (lambda w: _ledger(w).append(ENTRY), "the result could not be recorded in the ledger", *NO_FILE),
    ],
)
def test_errors(world: World, provoke: Provoke, message: str, reason: str, hint: str) -> None:
    """Every error has its message, its reason and its hint."""
    with pytest.raises(SeatrialError) as caught:
        provoke(world)
    error, folder = caught.value, str(world.state.folder)
    assert (error.message, error.reason.replace(folder, "FOLDER"), error.hint.replace(folder, "FOLDER")) == (
        message,
        reason,
        hint,
    )


def test_an_error_does_not_change() -> None:
    """Nobody who shows an error can change what another one shows; `but` makes another error of it."""
    error = StepFailed("it failed", reason="it is broken", hint="invoke build")
    with pytest.raises(AttributeError):
        error.reason = "it was somebody else"
    assert (str(error.but(reason="it is\x1b[31m red")), str(error)) == (
        "it failed: it is red",
        "it failed: it is broken",
    )


def test_an_interrupt() -> None:
    """An interrupt says what is left."""
    error = Interrupted("Ctrl-C", 130, published=False)
    assert (str(error), error.hint) == ("cancelled by Ctrl-C: incomplete work was cleaned up", "run it again")
    published = Interrupted("Ctrl-C", 130, published=True)
    assert str(published) == "cancelled by Ctrl-C: what is already in the registry stays there"


@pytest.mark.parametrize(
    ("error", "check", "message"),
    [
        (StepFailed("m", reason="r", hint="h"), False, "push failed"),
        (RegistryUnavailable("m", reason="r", hint="h"), True, "push is unknown"),
    ],
)
def test_a_skipped_step(world: World, error: SeatrialError, message: str, *, check: bool) -> None:
    """A skipped step names the step before it and its status."""
    report, _ = go(world, FakeStep(name="push", error=error), FakeStep(name="run"), check=check)
    assert report.outcomes[1].message == message


@pytest.mark.parametrize(("wait", "notes"), [(0.0, []), (0.5, ["OWNER; waiting up to 0.5 s"])])
def test_a_taken_lock(world: World, wait: float, notes: list[str]) -> None:
    """While a run waits for a lock, a note says who has it; without a wait only the error does."""
    events: list[Event] = []
    first, second = (Lock(world.state.locks, "shop") for _ in range(2))
    with (
        world.hold_lock(first, "push", quiet, wait=0),
        pytest.raises(Conflict) as caught,
        world.hold_lock(second, "push", events.append, wait=wait),
    ):
        pass
    texts = [event.text for event in events if isinstance(event, Info)]
    assert [text.replace(caught.value.reason, "OWNER") for text in texts] == notes


def test_a_pull_without_credentials(world: World) -> None:
    """A warning says why an image is pulled without credentials."""
    events: list[Event] = []
    with pytest.raises(SeatrialError):
        world.pull(TAG, events.append)
    assert events[0] == WarningEvent(text="pulling without credentials: the credentials cannot be read: broken file")


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (CheckResult(check="GET /", problem=None, seconds=0.125), "GET /: passed (0.12 s)"),
        (CheckResult(check="GET /", problem="status 404", seconds=1), "GET /: status 404 (1.00 s)"),
        (FactResult(check="user", problem=None), "user: passed"),
        (FactResult(check="user", problem="runs as root"), "user: runs as root"),
    ],
)
def test_a_result(result: CheckResult, text: str) -> None:
    """A result as text has its check and its problem; that of a request has its time, too."""
    assert str(result) == text
