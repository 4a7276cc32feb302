"""The tar that is sent to a builder."""

from __future__ import annotations

import cProfile
import io
import os
import tarfile
from pathlib import Path

import pytest

from seatrial.errors import UsageError
from seatrial.sources.archive import stream
from seatrial.sources.context import Context
from seatrial.sources.inputs import FileDigests


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a program, a style sheet, a link and a hard link."""
    (tmp_path / "static").mkdir()
    for name in ("Dockerfile", "app.py", "static/site.css"):
        (tmp_path / name).write_text(name)
    (tmp_path / "nowhere").symlink_to("/nonexistent")
    (tmp_path / "app.py").chmod(0o700)
    os.utime(tmp_path / "app.py", (1.5, 1.5))
    os.link(tmp_path / "app.py", tmp_path / "twin.py")
    return tmp_path


def _packed(folder: Path, extra: dict[str, bytes], mtime: int | None = None) -> bytes:
    return b"".join(stream(Context.read(folder, folder / "Dockerfile"), extra, mtime=mtime))


def test_stream(folder: Path) -> None:
    """Entries belong to root, with fixed modes and whole seconds in GNU format, and `extra` replaces its file."""
    raw = _packed(folder, {"Dockerfile": b"FROM scratch\n"})

    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        entries = {entry.name: entry for entry in tar}
        texts = {name: tar.extractfile(name) for name in ("Dockerfile", "app.py", "twin.py")}
        contents = {name: file.read() for name, file in texts.items() if file}

    assert raw[257:265] == b"ustar  \0"
    assert len(raw) % 512 == 0
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


@pytest.mark.parametrize("mtime", [0, 8**11 - 1, 8**11])
@pytest.mark.parametrize("name", ["a", "é\udcff", "x" * 100, "x" * 101])
def test_a_header(tmp_path: Path, name: str, mtime: int) -> None:
    """An entry begins with the header that tarfile writes for it."""
    expected = tarfile.TarInfo(name)
    expected.size, expected.mtime, expected.mode = 3, mtime, 0o644
    raw = b"".join(stream(Context(folder=tmp_path), {name: b"abc"}, mtime=mtime))
    assert raw.startswith(expected.tobuf(tarfile.GNU_FORMAT, errors="surrogateescape") + b"abc")


def test_the_same_everywhere(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """With one mtime for all, the same files give the same bytes in another folder with other modes and times."""
    other = tmp_path_factory.mktemp("clone")
    (other / "static").mkdir(mode=0o700)
    for name in ("twin.py", "static/site.css", "Dockerfile", "app.py"):
        (other / name).write_bytes((folder / name).read_bytes())
    (other / "app.py").chmod(0o711)
    (other / "twin.py").chmod(0o711)
    (other / "nowhere").symlink_to("/nonexistent")
    assert _packed(other, {}, 1_700_000_000) == _packed(folder, {}, 1_700_000_000)
    assert _packed(other, {}) != _packed(folder, {})


def test_long_and_odd_names(folder: Path) -> None:
    """Names longer than a header and names that are not UTF-8 are kept unchanged."""
    long, odd = f"{'d' * 120}/{'e' * 120}", os.fsdecode(b"caf\xe9")
    (folder / long).parent.mkdir()
    (folder / long).write_text("x")
    (folder / odd).write_text("y")
    raw = _packed(folder, {"Dockerfile": b"FROM scratch\n"})
    assert raw.startswith(b"Dockerfile\0"), "BuildKit recognises a Dockerfile by the first header"
    with tarfile.open(fileobj=io.BytesIO(raw), errors="surrogateescape") as tar:
        assert {long, odd} < set(tar.getnames())


@pytest.mark.parametrize("content", ["a", "App.py", "App.py, and more"])
def test_a_file_that_changes(folder: Path, content: str) -> None:
    """A file with other content than at the first look is an error: the image's inputs label would be wrong."""
    context = Context.read(folder, folder / "Dockerfile")
    digests = FileDigests().of(context)
    assert b"".join(stream(context, {}, digests=digests))
    (folder / "app.py").write_text(content)
    with pytest.raises(UsageError, match=r"app\.py changed"):
        list(stream(context, {}, digests=digests))


def test_a_file_that_grows(folder: Path) -> None:
    """A file that grows, as a log does, is sent as it was at the first look, and is named."""
    context, grown = Context.read(folder, folder / "Dockerfile"), list[str]()
    before = b"".join(stream(context, {}))
    with (folder / "static" / "site.css").open("a") as file:
        file.write("more")
    digests = FileDigests().of(context)
    assert b"".join(stream(context, {}, digests=digests, grown=grown.append)) == before
    assert grown == ["static/site.css"]


def test_work_per_file(tmp_path: Path) -> None:
    """Twice the files take twice the calls to be read, compared and sent."""

    def calls(files: int) -> int:
        for number in range(files):
            (tmp_path / f"file-{number}").write_text("x")
        profile = cProfile.Profile()
        profile.runcall(lambda: FileDigests().of(Context.read(tmp_path, None)))
        profile.runcall(_packed, tmp_path, {})
        return sum(entry.callcount for entry in profile.getstats())

    few = calls(200)
    assert calls(400) == pytest.approx(2 * few, rel=0.1)
