"""What is remembered between runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seatrial.model.app import Check, checks_digest
from seatrial.pipeline.state import Notes, Verdict

CHECKS = (Check(path="/", text="hello"),)


@pytest.fixture
def notes(tmp_path: Path) -> Notes:
    """Notes in a folder that is not there yet."""
    return Notes(tmp_path / ".seatrial")


def _verdict(image: str) -> Verdict:
    return Verdict(image=image, checks=checks_digest(CHECKS), passed=True, run="r", when="now", summary="fine")


def test_verdict(notes: Notes) -> None:
    """A verdict is kept by its image and speaks of its checks only."""
    notes.keep_verdict(_verdict("sha256:a"))

    found = notes.verdict("sha256:a")

    assert found == _verdict("sha256:a")
    assert found.speaks_of(CHECKS)
    assert not found.speaks_of((Check(path="/", text="hello!"),))
    assert notes.verdict("sha256:b") is None


def test_current_and_inputs(notes: Notes) -> None:
    """The last image of each app, and what went into a build, are found again."""
    notes.keep_current("web", "sha256:a")
    notes.keep_current("api", "sha256:b")
    notes.keep_inputs("sha256:c", {"file app.py": "1"}, "run 1")
    assert (notes.current("web"), notes.current("api"), notes.current("x")) == ("sha256:a", "sha256:b", None)
    assert notes.inputs("sha256:c") == {"file app.py": "1"}
    assert notes.inputs("sha256:d") == {}


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b'{"image": 1}', b"\xff\xfe"])
def test_damage(notes: Notes, damage: bytes) -> None:
    """A damaged note is as good as none, and is written over."""
    notes.keep_verdict(_verdict("sha256:a"))
    notes.keep_current("web", "sha256:a")
    for path in notes.folder.rglob("*.json"):
        path.write_bytes(damage)
    assert notes.verdict("sha256:a") is None
    assert notes.current("web") is None
    notes.keep_current("web", "sha256:b")
    assert notes.current("web") == "sha256:b"


def test_whole_or_not_at_all(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A note that cannot be put in place leaves the old one, and nothing half-written."""
    notes.keep_current("web", "sha256:a")

    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        notes.keep_current("web", "sha256:b")
    assert notes.current("web") == "sha256:a"
    assert [path.name for path in notes.folder.iterdir()] == ["current.json"]


def test_old_inputs_are_forgotten(notes: Notes) -> None:
    """Only the last builds' inputs are kept: a large context would fill the folder."""
    for number in range(40):
        notes.keep_inputs(f"sha256:{number}", {"file a": str(number)}, "run 1")
        os.utime(notes.folder / "inputs" / f"{number}.json", (number, number))
    assert [bool(notes.inputs(f"sha256:{number}")) for number in (0, 9, 10, 39)] == [False, False, True, True]


def test_old_images_are_forgotten(notes: Notes) -> None:
    """Of verdicts, facts and pictures only those of the last images are kept."""
    for number in range(102):
        image = f"sha256:{number}"
        notes.keep_verdict(_verdict(image))
        notes.keep_facts(image, {"rules": 1})
        shot = notes.screenshot(image)
        shot.parent.mkdir(exist_ok=True)
        shot.touch()
        for path in (shot, *notes.folder.glob(f"*/{number}.json")):
            os.utime(path, (number, number))
    kept = {folder.name: {int(path.stem) for path in folder.iterdir()} for folder in notes.folder.iterdir()}
    assert kept == {name: {*range(2, 102)} for name in ("facts", "screenshots", "verdicts")}
