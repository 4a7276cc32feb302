"""The settings file is looked at as text before Invoke reads it, so that nothing hangs and nothing is a traceback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seatrial.errors import UsageError
from seatrial.settings.settings_file import SETTINGS_FILE, check_settings_file, line_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the settings stand."""
    return tmp_path / SETTINGS_FILE


@pytest.mark.parametrize(
    "content",
    [b"", b"# only words\n", b"seatrial: {}\n", b"\xef\xbb\xbfseatrial:\n  user: x\n", b"other: [1]\n"],
)
def test_good_files(file: Path, content: bytes) -> None:
    """An empty file, a comment, a BOM and other tools' settings are all right."""
    file.write_bytes(content)
    check_settings_file(file)


def test_no_file(file: Path) -> None:
    """A project needs no settings file."""
    check_settings_file(file)


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"seatrial:\n  user: [x\n", 3, "expected"),
        (b"seatrial:\n\tuser: x\n", 2, "cannot start any token"),
        (b"- seatrial\n", 1, "no mapping"),
        (b"hello\n", 1, "no mapping"),
        (b"\nseatrial: hello\n", 2, "no mapping"),
        (b"seatrial: [1]\n", 1, "no mapping"),
        (b"seatrial:\n", 1, "no mapping"),
        (b"seatrial:\n  apps:\n    web:\n      environment: {A: x, a: y}\n", 4, "capitals or not"),
        (b"seatrial:\n  user: a\n  user: b\n", 3, "'user' stands on line 2 already"),
        (b"seatrial:\n  apps:\n    web:\n      checks:\n        - path: /\n          path: /x\n", 6, "line 5 already"),
        (b"a: 1\nb: 2\n---\nc: 3\n", 3, "another document"),
        (b"seatrial: *nobody\n", 1, "undefined alias"),
    ],
)
def test_damaged_files(file: Path, content: bytes, line: int, words: str) -> None:
    """What is no YAML, no mapping, or says a thing twice is told with file and line."""
    file.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        check_settings_file(file)
    assert f"{file}:{line}: " in caught.value.reason
    assert words in caught.value.reason
    assert str(file) in caught.value.hint


def test_not_utf8(file: Path) -> None:
    """A file in another encoding is told, not guessed."""
    file.write_bytes(b"seatrial: {user: caf\xe9}\n")
    with pytest.raises(UsageError, match="utf-8"):
        check_settings_file(file)


def test_too_large(file: Path) -> None:
    """Ten megabytes are no settings, and are not read."""
    with file.open("wb") as handle:
        handle.truncate(10 * 1024 * 1024)
    with pytest.raises(UsageError, match="10,485,760 bytes"):
        check_settings_file(file)


def test_folder(file: Path) -> None:
    """A folder in the file's place is told."""
    file.mkdir()
    with pytest.raises(UsageError, match="not a regular file"):
        check_settings_file(file)


@pytest.mark.timeout(5)
def test_pipe(file: Path) -> None:
    """A pipe nobody writes to does not make us wait."""
    os.mkfifo(file)
    with pytest.raises(UsageError, match="not a regular file"):
        check_settings_file(file)


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
    """A setting is found on its line; what is not in the file is on none."""
    file.write_text(
        "# comment\nseatrial:\n  user: x\n  apps:\n    web:\n      checks:\n"
        "        - path: /\n        - path: /healthz\n          text: ok\n"
    )
    assert line_of(file, trail) == line


def test_line_of_nothing(file: Path) -> None:
    """Without a file, or with a damaged one, there is no line to tell."""
    assert line_of(file, ("user",)) == 0
    file.write_text("[")
    assert line_of(file, ("user",)) == 0
