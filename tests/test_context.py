"""What is sent to a builder, and the digest over it."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from lading.context import Inputs, context_files, entry_digest, pack
from lading.errors import UsageError


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A folder with an app, notes, a git folder and links."""
    for name in ("app.py", "Dockerfile", "static/site.css", ".git/index", ".lading/current.json", "sub/.git/x"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "nowhere").symlink_to("/nonexistent")
    return tmp_path


def test_files(context: Path) -> None:
    """Files, folders and links are sent in order, links not followed; notes and git at the root stay here."""
    assert context_files(context, context / "Dockerfile") == (
        *("Dockerfile", "app.py", "loop", "nowhere", "static", "static/site.css"),
        *("sub", "sub/.git", "sub/.git/x"),
    )


def test_allow_list(context: Path) -> None:
    """An allow-list lets only its files through, with the folders they are in."""
    (context / ".dockerignore").write_text("*\n!static/site.css\n")
    assert context_files(context, context / "Dockerfile") == ("static", "static/site.css")


def test_malformed_pattern(context: Path) -> None:
    """A pattern Docker refuses is refused with its file and line."""
    (context / ".dockerignore").write_text("a\n[\n")
    with pytest.raises(UsageError, match="cannot be told") as caught:
        context_files(context, context / "Dockerfile")
    assert f"{context}/.dockerignore:2" in caught.value.why


def test_entry_digest(context: Path) -> None:
    """A digest follows content, executable bit and a link's target, and nothing else."""
    path = context / "app.py"
    before = entry_digest(path)
    os.utime(path, (1, 1))
    path.chmod(0o600)
    assert entry_digest(path) == before
    path.chmod(0o755)
    assert entry_digest(path) != before
    path.chmod(0o644)
    path.write_text("other")
    assert entry_digest(path) != before
    assert entry_digest(context / "nowhere") == "link /nonexistent"
    assert entry_digest(context / "static") == "folder"


def test_gone(context: Path) -> None:
    """A file that cannot be read is named, with what to do."""
    with pytest.raises(UsageError) as caught:
        entry_digest(context / "gone")
    assert str(context / "gone") in caught.value.what
    assert ".dockerignore" in caught.value.mend


def test_pack(context: Path) -> None:
    """The tar is root's, in GNU format with whole seconds, modes are fixed, and `extra` stands for its file."""
    (context / "app.py").chmod(0o700)
    os.utime(context / "app.py", (1.5, 1.5))
    os.link(context / "app.py", context / "twin.py")
    files = ("Dockerfile", "app.py", "nowhere", "static", "static/site.css", "twin.py")

    with pack(context, files, {"Dockerfile": b"FROM scratch\n"}) as archive:
        head = archive.read(512)
        archive.seek(0)
        with tarfile.open(fileobj=archive) as tar:
            entries = {entry.name: entry for entry in tar}
            texts = {name: tar.extractfile(name) for name in ("Dockerfile", "app.py", "twin.py")}
            contents = {name: file.read() for name, file in texts.items() if file}

    assert head[257:265] == b"ustar  \0"
    assert set(entries) == set(files)
    assert {(entry.uid, entry.gid, entry.uname) for entry in entries.values()} == {(0, 0, "")}
    assert {name: oct(entry.mode) for name, entry in entries.items() if not entry.issym()} == {
        "Dockerfile": "0o644",
        "app.py": "0o755",
        "static": "0o755",
        "static/site.css": "0o644",
        "twin.py": "0o755",
    }
    assert entries["app.py"].mtime == 1
    assert entries["nowhere"].linkname == "/nonexistent"
    assert contents == {"Dockerfile": b"FROM scratch\n", "app.py": b"app.py", "twin.py": b"app.py"}


def test_difference() -> None:
    """What changed, came and went is named, at most five of each."""
    now = Inputs(parts={"file a": "1", "file b": "2", **{f"file n{number}": "1" for number in range(7)}})
    words = now.difference({"file a": "0", "file b": "2", "file old": "1"})
    assert words == "changed: a; added: n0, n1, n2, n3, n4 and 2 more; removed: old"
    assert "not those" in now.difference({})
    assert now.digest == Inputs(parts=dict(sorted(now.parts.items(), reverse=True))).digest
