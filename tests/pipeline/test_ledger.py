"""The ledger loses no entry if several processes write at once, or if a line of the file is damaged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from seatrial.errors import StepFailed
from seatrial.model.reference import ImageReference
from seatrial.pipeline.ledger import Entry, Ledger
from seatrial.pipeline.state import Verdict

ENTRY = Entry(
    action="release",
    app="web",
    repository="docker.io/sposigor/app",
    version="1.4.2",
    image="sha256:c0",
    digests={"1.4.2": "sha256:a1", "latest": "sha256:a1"},
    before={"latest": "sha256:a0"},
    revision="abc1234",
    builder="buildkit",
    verdict={"passed": True},
    who="joão@laptop",
    when="2026-07-01T12:00:00+00:00",
)
_WRITER = """
import sys
from msgspec.structs import replace
from pathlib import Path
from seatrial.pipeline.ledger import Ledger
from tests.pipeline.test_ledger import ENTRY
for number in range(int(sys.argv[3])):
    summary = {"summary": "x" * 20_000}  # more than a buffer holds
    Ledger(Path(sys.argv[1])).append(replace(ENTRY, version=f"{sys.argv[2]}.{number}", verdict=summary))
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """An empty ledger, in a folder that does not exist yet."""
    return Ledger(tmp_path / "notes" / "ledger.jsonl")


def test_nothing_written(ledger: Ledger) -> None:
    """A ledger without a file has no entries, and reading creates no file."""
    assert ledger.entries() == ()
    assert ledger.released(ENTRY.repository).get("latest") is None
    assert not ledger.path.parent.exists()


def test_round_trip(ledger: Ledger) -> None:
    """Entries are read as they were written, oldest first, one line each."""
    verdict = Verdict(image="sha256:c0", checks="sha256:d0", passed=True, run="r", when="2026", summary="all well")
    verdict = replace(verdict, checked=("GET / 200",))
    every = (
        ENTRY,
        replace(ENTRY, action="rollback", image=None, revision=None, builder=None, verdict=None),
        replace(ENTRY, verdict=Entry.verdict_of(verdict)),
    )
    for one in every:
        ledger.append(one)
    assert ledger.entries() == every
    assert Entry.verdict_of(None) is None
    assert len(ledger.path.read_text().splitlines()) == 3


@pytest.mark.parametrize("odd", ["\n", "\r\n", "\u2028", "\0", "\udcff", '"', "é"])
def test_odd_characters(ledger: Ledger, odd: str) -> None:
    """With any character in a name or an answer, an entry stays one line and is read as it was."""
    entry = replace(ENTRY, who=f"a{odd}b", verdict={"summary": odd})
    ledger.append(entry)
    ledger.append(ENTRY)
    assert ledger.entries() == (entry, ENTRY)
    assert ledger.path.read_bytes().count(b"\n") == 2


def test_one_repository(ledger: Ledger) -> None:
    """The entries of a repository have exactly its name; the digest of a tag is the one last released there."""
    ledger.append(ENTRY)
    ledger.append(replace(ENTRY, version="1.4.3", digests={"1.4.3": "sha256:a2", "latest": "sha256:a2"}))
    other = replace(ENTRY, repository=f"{ENTRY.repository}2", digests={"latest": "sha256:e0"})
    ledger.append(other)
    assert ledger.entries(other.repository) == (other,)
    assert ledger.entries("docker.io/sposigor") == ()
    found = ledger.released(ENTRY.repository)
    assert [found.get(tag) for tag in ("latest", "1.4.2", "1.4.3")] == ["sha256:a2", "sha256:a1", "sha256:a2"]
    assert "1" not in found
    own = ImageReference.parse(ENTRY.repository)
    assert [ledger.digest(own.with_tag(tag)) for tag in (*found, "1")] == [*found.values(), None]
    assert [one.version for one in ledger.newest_first(ENTRY.repository)] == ["1.4.3", "1.4.2"]
    assert next(ledger.newest_first()) == other


def test_a_deployment(ledger: Ledger) -> None:
    """What a service runs is an entry, but no release of the tag, which may have moved on."""
    ledger.append(ENTRY)
    ledger.append(replace(ENTRY, action="deploy", digests={"1.4.2": "sha256:a0"}, service="shop-web", replicas=2))

    assert len(ledger.entries(ENTRY.repository)) == 2
    assert ledger.released(ENTRY.repository) == ENTRY.digests
    assert ledger.digest(ImageReference.parse(f"{ENTRY.repository}:1.4.2")) == "sha256:a1"


def _line(**changed: object) -> bytes:
    return json.dumps({**to_builtins(ENTRY), **changed}).encode()


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"[]",
        b"\xff\xfe\0\0",
        b"<<<<<<< HEAD",
        b'{"action": "release"}',
        _line(digests=None),
        _line(before=[]),
        _line(size="large"),
        _line(environment=3),
        _line(when=None),
        _line()[:-9],
    ],
)
def test_damage(ledger: Ledger, damage: bytes) -> None:
    """A damaged line is skipped, and the others are read."""
    ledger.path.parent.mkdir()
    ledger.path.write_bytes(_line() + b"\n" + damage + b"\n" + _line(version="2") + b"\n")
    assert [one.version for one in ledger.entries()] == ["1.4.2", "2"]


def test_a_line_of_an_older_version(ledger: Ledger) -> None:
    """What older versions did not record is None."""
    line = {
        name: value
        for name, value in to_builtins(ENTRY).items()
        if name not in ("inputs", "size", "seconds", "environment")
    }
    ledger.path.parent.mkdir()
    ledger.path.write_text(f"{json.dumps(line)}\n")
    (entry,) = ledger.entries()
    assert (entry.version, entry.inputs, entry.size, entry.seconds) == (ENTRY.version, None, None, None)
    assert all(entry.is_of("web", name) for name in ("", "staging"))  # nobody knows for which it was


@pytest.mark.parametrize("left", [1, 40, len(_line()) - 1, len(_line())])
def test_cut_off(ledger: Ledger, left: int) -> None:
    """After a cut-off line the next entry begins a new line; a line that lacks only its newline is read."""
    ledger.path.parent.mkdir()
    ledger.path.write_bytes(_line(version="1") + b"\n" + _line()[:left])
    ledger.append(replace(ENTRY, version="3"))
    ledger.append(replace(ENTRY, version="4"))
    whole = ["1.4.2"] if left == len(_line()) else []
    assert [one.version for one in ledger.entries()] == ["1", *whole, "3", "4"]
    assert len(ledger.path.read_bytes().splitlines()) == 4


def test_a_later_seatrial_wrote(ledger: Ledger) -> None:
    """An entry with fields of a later version of Seatrial is read."""
    ledger.path.parent.mkdir()
    ledger.path.write_bytes(_line(signature={"by": "cosign"}, weather="fair") + b"\n")
    assert ledger.entries() == (ENTRY,)


def test_many_at_once(ledger: Ledger, repository: Path) -> None:
    """Processes that write at the same time, after a cut-off line, lose no entry and write one line each."""
    ledger.path.parent.mkdir()
    ledger.path.write_bytes(b'{"action": "rel')
    words = [sys.executable, "-c", _WRITER, str(ledger.path)]
    running = [subprocess.Popen([*words, str(one), "10"], cwd=repository) for one in range(4)]
    assert [one.wait(60) for one in running] == [0] * 4

    assert sorted(one.version for one in ledger.entries()) == sorted(f"{a}.{b}" for a in range(4) for b in range(10))
    lines = ledger.path.read_bytes().splitlines()
    assert len(lines) == 1 + 4 * 10
    assert all(json.loads(line) for line in lines[1:])


def test_a_full_disk() -> None:
    """Where the disk is full, the hint shows that, and not the file's mode."""
    with pytest.raises(StepFailed, match="No space left") as caught:
        Ledger(Path("/dev/full")).append(ENTRY)
    assert "df -h /dev" in caught.value.hint
