"""The settings file is checked before Invoke reads it: nothing hangs, and no error is a traceback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seatrial.errors import UsageError
from seatrial.settings.settings_file import read_settings_file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the path of the settings file."""
    return tmp_path / "invoke.yaml"


@pytest.mark.parametrize(
    "content",
    [b"", b"# only words\n", b"seatrial: {}\n", b"\xef\xbb\xbfseatrial:\n  user: x\n", b"other: [1]\n"],
)
def test_good_files(file: Path, content: bytes) -> None:
    """An empty file, a comment, a BOM and other tools' settings are accepted."""
    file.write_bytes(content)
    read_settings_file(file)


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (b"seatrial:\n  user: [x\n", 3, "expected"),
        (b"seatrial:\n\tuser: x\n", 2, "token"),
        (b"- seatrial\n", 1, "mapping"),
        (b"hello\n", 1, "mapping"),
        (b"\nseatrial: hello\n", 2, "mapping"),
        (b"seatrial: [1]\n", 1, "mapping"),
        (b"seatrial:\n", 1, "mapping"),
        (b"seatrial:\n  apps:\n    web:\n      environment: {A: x, a: y}\n", 4, "'a' "),
        (b"seatrial:\n  user: a\n  user: b\n", 3, "line 2"),
        (b"seatrial:\n  apps:\n    web:\n      checks:\n        - path: /\n          path: /x\n", 6, "line 5"),
        (b"a: 1\nb: 2\n---\nc: 3\n", 3, "document"),
        (b"seatrial: *nobody\n", 1, "alias"),
    ],
)
def test_damaged_files(file: Path, content: bytes, line: int, problem: str) -> None:
    """A file that is not YAML or not a mapping, or has a key twice, is refused with file and line."""
    file.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_settings_file(file)
    assert caught.value.reason.startswith(f"{file}:{line}: ")
    assert problem in caught.value.reason
    assert f"{file}:{line}" in caught.value.hint


def test_not_utf8(file: Path) -> None:
    """A file in another encoding is refused, not guessed."""
    file.write_bytes(b"seatrial: {user: caf\xe9}\n")
    with pytest.raises(UsageError, match="utf-8"):
        read_settings_file(file)


def test_too_large(file: Path) -> None:
    """A file of ten megabytes is refused before it is read."""
    with file.open("wb") as handle:
        handle.truncate(10 * 1024 * 1024)
    with pytest.raises(UsageError, match="1,048,576"):
        read_settings_file(file)


def test_folder(file: Path) -> None:
    """A folder in the file's place is refused."""
    file.mkdir()
    with pytest.raises(UsageError, match=r"regular file|directory"):
        read_settings_file(file)


@pytest.mark.timeout(5)
def test_pipe(file: Path) -> None:
    """A pipe is refused without waiting for a writer."""
    os.mkfifo(file)
    with pytest.raises(UsageError, match=r"regular file|directory"):
        read_settings_file(file)


@pytest.mark.parametrize(
    ("trail", "line"),
    [
        ((), 2),
        (("user",), 3),
        (("apps", "web"), 5),
        (("apps", "web", "checks", 1), 8),
        (("apps", "web", "checks", 1, "text"), 9),
        (("apps", "web", "checks", 7), 0),
        (("apps", "nobody"), 0),
        (("user", "deeper"), 0),
    ],
)
def test_line_of(file: Path, trail: tuple[str | int, ...], line: int) -> None:
    """A setting is found on its line; a missing one has line 0."""
    file.write_text(
        "# comment\nseatrial:\n  user: x\n  apps:\n    web:\n      checks:\n"
        "        - path: /\n        - path: /healthz\n          text: ok\n"
    )
    assert read_settings_file(file).line_of(trail) == line
