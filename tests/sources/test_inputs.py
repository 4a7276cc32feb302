"""The digest over all inputs of a build."""

from __future__ import annotations

import os
import time
from pathlib import Path

from seatrial.sources.context import Context
from seatrial.sources.entries import pack
from seatrial.sources.inputs import UNCOMMITTED, FileDigests, Inputs, KnownFiles, entry_digest


def test_entry_digest(tmp_path: Path) -> None:
    """A digest depends on content, executable bit and a link's target only."""
    path = tmp_path / "app.py"
    path.write_text("app")
    (tmp_path / "nowhere").symlink_to("/nonexistent")
    before = entry_digest(path)
    os.utime(path, (1, 1))
    path.chmod(0o600)
    assert entry_digest(path) == before
    path.chmod(0o755)
    assert entry_digest(path) != before
    path.chmod(0o644)
    path.write_text("other")
    assert entry_digest(path) != before
    assert entry_digest(tmp_path / "nowhere") == "link /nonexistent"
    assert entry_digest(tmp_path) == "folder"


def test_digest() -> None:
    """The digest of the same inputs stays the same in each version of Seatrial: published images are known by it."""
    digest = Inputs(parts={"file café": "2", "Dockerfile": "1"}).digest
    assert digest == "sha256:77e57a7cbfd944d3d783d7e0c1e23e3b58f57c9ea5edce8b41f2a89b731a760f"


def test_difference() -> None:
    """Changed, added and removed parts are named, at most five of each."""
    now = Inputs(parts={"file a": "1", "file b": "2", **{f"file n{number}": "1" for number in range(7)}})
    text = now.difference({"file a": "0", "file b": "2", "file old": "1"})
    assert text == "a changed; n0, n1, n2, n3, n4 and 2 more added; old removed"
    assert now.difference({}) == now.difference(now.parts) == "the inputs have changed"
    assert now.digest == Inputs(parts=dict(sorted(now.parts.items(), reverse=True))).digest
    committed, uncommitted = {"file a": "1"}, {"file a": "2", UNCOMMITTED: "yes"}
    assert Inputs(parts=uncommitted).difference(committed) == "a changed; uncommitted changes"
    assert Inputs(parts=committed).difference(uncommitted) == "a changed; now committed"


def _digests(folder: Path, digests: FileDigests) -> dict[str, str]:
    return digests.of(Context.read(folder, folder / "Dockerfile"))


def test_known_files_are_not_read_again(tmp_path: Path) -> None:
    """A stored digest is used as long as the file's status is the same."""
    (tmp_path / "a").write_text("one")
    (tmp_path / "b").write_text("two")
    time.sleep(0.1)
    first = FileDigests()
    true = _digests(tmp_path, first)
    saved = {**true, "a": "remembered"}
    known = KnownFiles(first.known.entries, pack(saved.values()))

    assert _digests(tmp_path, FileDigests(known)) == saved

    os.utime(tmp_path / "b")
    assert _digests(tmp_path, FileDigests(known)) == saved

    os.utime(tmp_path / "a")
    assert _digests(tmp_path, FileDigests(known)) == true


def test_same_size_same_mtime(tmp_path: Path) -> None:
    """Other content with the same size and mtime is noticed by its ctime, which nobody can set back."""
    path = tmp_path / "a"
    path.write_text("one")
    time.sleep(0.1)
    digests = FileDigests()
    before, status = _digests(tmp_path, digests), path.stat()
    path.write_text("two")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_mtime_ns == status.st_mtime_ns
    assert _digests(tmp_path, digests) != before


def test_digests_of_new_files_are_not_stored(tmp_path: Path) -> None:
    """A file written just now may change again within one tick of the clock, so it is read again next time."""
    (tmp_path / "a").write_text("one")
    digests = FileDigests()
    _digests(tmp_path, digests)
    assert digests.known == KnownFiles()
