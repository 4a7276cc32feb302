"""The state that is saved between runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seatrial.errors import StepFailed
from seatrial.model.app import Check, checks_digest
from seatrial.pipeline.state import StateFolder, Verdict

CHECKS = (Check(path="/", text="hello"),)


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    """State in a folder that does not exist yet."""
    return StateFolder(tmp_path / ".seatrial")


def _verdict(image: str) -> Verdict:
    return Verdict(image=image, checks=checks_digest(CHECKS), passed=True, run="r", when="now", summary="fine")


def test_verdict(state: StateFolder) -> None:
    """A verdict is saved by its image and covers only its checks."""
    state.save_verdict(_verdict("sha256:a"))
    found = state.verdict("sha256:a")

    assert found == _verdict("sha256:a")
    assert found.covers(CHECKS)
    assert not found.covers((Check(path="/", text="hello!"),))
    assert state.verdict("sha256:b") is None


def test_a_verdict_that_cannot_be_read(state: StateFolder) -> None:
    """A verdict that is there and cannot be opened is an error, and not the same as none."""
    state.save_verdict(_verdict("sha256:a"))
    (path,) = (state.folder / "verdicts").iterdir()
    path.unlink()
    path.mkdir()

    with pytest.raises(StepFailed, match="smoke test"):
        state.verdict("sha256:a")


def test_current_and_inputs(state: StateFolder) -> None:
    """The last image of each app and the inputs of a build are read as they were saved."""
    state.save_current("web", "sha256:a")
    state.save_current("api", "sha256:b")
    parts = {"file app.py": "1", "file caf\udce9": "2"}  # of a name that is not UTF-8
    state.save_inputs("sha256:c", parts, "run 1")
    assert (state.current("web"), state.current("api"), state.current("x")) == ("sha256:a", "sha256:b", None)
    assert state.inputs("sha256:c") == parts
    assert state.inputs("sha256:d") == {}


@pytest.mark.parametrize("damage", [b"{", b"[1]", b'{"image": 1}', b"\xff\xfe"])
def test_damage(state: StateFolder, damage: bytes) -> None:
    """A damaged file counts as missing and is overwritten."""
    state.save_verdict(_verdict("sha256:a"))
    state.save_current("web", "sha256:a")
    for path in state.folder.rglob("*.json"):
        path.write_bytes(damage)
    assert state.verdict("sha256:a") is None
    assert state.current("web") is None
    state.save_current("web", "sha256:b")
    assert state.current("web") == "sha256:b"


def test_whole_or_not_at_all(state: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed save keeps the old file and leaves nothing else."""
    state.save_current("web", "sha256:a")
    before = {path: path.read_bytes() for path in state.folder.rglob("*") if path.is_file()}

    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    state.save_current("web", "sha256:b")
    assert StateFolder(state.folder).current("web") == "sha256:a"
    assert {path: path.read_bytes() for path in state.folder.rglob("*") if path.is_file()} == before


def test_what_was_built(state: StateFolder) -> None:
    """The images of an app are remembered in the order in which they were last built, environment by environment."""
    for image in ("sha256:a", "sha256:b", "sha256:a"):
        state.save_current("web", image)
    assert state.built("web") == ("sha256:b", "sha256:a")
    assert StateFolder(state.folder, "staging").built("web") == state.built("api") == ()


def test_environments_have_their_own(state: StateFolder) -> None:
    """What passed or was built in one environment says nothing about another."""
    staging = StateFolder(state.folder, "staging")
    staging.save_verdict(_verdict("sha256:a"))
    staging.save_current("web", "sha256:a")
    staging.save_inputs("sha256:0", {"file a": "1"}, "run 1")
    assert (state.verdict("sha256:a"), state.current("web")) == (None, None)
    assert state.inputs("sha256:0") == staging.inputs("sha256:0")


def test_old_inputs_are_forgotten(state: StateFolder) -> None:
    """Only the inputs of the last builds are kept: a large context would fill the folder."""
    for number in range(40):
        state.save_inputs(f"sha256:{number}", {"file a": str(number)}, "run 1")
        os.utime(state.folder / "inputs" / f"{number}.json", (number, number))
    assert [bool(state.inputs(f"sha256:{number}")) for number in (0, 9, 10, 39)] == [False, False, True, True]


def test_old_images_are_forgotten(state: StateFolder) -> None:
    """Only the verdicts, facts and screenshots of the last images are kept."""
    for number in range(102):
        image = f"sha256:{number}"
        state.save_verdict(_verdict(image))
        state.save_facts(image, {"rules": 1})
        shot = state.screenshot(image)
        shot.parent.mkdir(exist_ok=True)
        shot.touch()
        for path in (shot, *state.folder.glob(f"*/{number}.json")):
            os.utime(path, (number, number))
    kept = {folder.name: {int(path.stem) for path in folder.iterdir()} for folder in state.folder.glob("[!.]*")}
    assert kept == {name: {*range(2, 102)} for name in ("facts", "screenshots", "verdicts")}


def test_git_ignores_the_folder(state: StateFolder) -> None:
    """The folder ignores itself, and what a killed run left half written in it goes with the next run's first write."""
    left, ours = (state.folder / "verdicts" / f".seatrial-{pid}-x.tmp" for pid in (2**22 + 1, os.getpid()))
    left.parent.mkdir(parents=True)
    for path in (left, ours):
        path.touch()
    state.save_current("web", "sha256:1")
    assert (state.folder / ".gitignore").read_text() == "*\n"
    assert (left.exists(), ours.exists()) == (False, True)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """What cannot be written is remembered until the end of the run, and the reason is told once."""
    (tmp_path / "state").write_text("a file, not a folder")
    state = StateFolder(tmp_path / "state")

    state.save_current("web", "sha256:a")
    state.save_inputs("sha256:b", {"app.py": "sha256:c"}, "run")
    state.save_verdict(_verdict("sha256:a"))

    assert state.verdict("sha256:a") == _verdict("sha256:a")
    assert state.current("web") == "sha256:a"
    assert state.inputs("sha256:b") == {"app.py": "sha256:c"}
    assert str(tmp_path / "state") in state.take_problem()
    assert not state.take_problem()
