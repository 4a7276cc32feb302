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
        (b"seatrial:\n\tuser: x\n", 2, "found character '\\t' that cannot start any token"),
        (b"- seatrial\n", 1, "it is not a mapping; settings belong under the key 'seatrial:'"),
        (b"\nseatrial: hello\n", 2, "'seatrial:' is not a mapping"),
        (b"seatrial: !!set {a}\n", 1, "'seatrial:' is not a mapping"),
        (b"seatrial:\n  user: {a: b}\n", 2, "'user:' is a mapping; it must be a single value"),
        (b"seatrial:\n  user: !!foo x\n", 2, "could not determine a constructor"),
        (b"seatrial:\n  1: x\n", 2, "the key '1' is not text; write it in quotes"),
        (b"seatrial:\n  user: a\n  USER: b\n", 3, "'USER' is already on line 2 (case makes no difference)"),
        (b"seatrial:\n  apps:\n    web:\n      checks:\n      - path: /\n        path: /x\n", 6, "'path' is"),
        (b"a: 1\nb: 2\n---\nc: 3\n", 3, "but found another document"),
        (b"seatrial: *nobody\n", 1, "found undefined alias"),
    ],
)
def test_damaged_files(file: Path, content: bytes, line: int, problem: str) -> None:
    """A file that is not YAML or not a mapping, or has a key twice, is refused with file and line."""
    file.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_settings_file(file)
    assert caught.value.reason.startswith(f"{file}:{line}: {problem}")
    assert caught.value.hint == f"fix {file}:{line} (see the example in README.md)"


@pytest.mark.timeout(5)
def test_what_is_not_a_file(file: Path) -> None:
    """Another encoding, ten megabytes, a folder and a pipe are refused; the pipe has no writer to wait for."""
    for make, words in (
        (lambda: file.write_bytes(b"seatrial: {user: caf\xe9}\n"), "utf-8"),
        (lambda: file.write_bytes(b"#" * 10_000_000), "1,048,576"),
        (file.mkdir, "regular file|directory"),
        (lambda: os.mkfifo(file), "regular file"),
    ):
        make()
        with pytest.raises(UsageError, match=words):
            read_settings_file(file)
        file.rmdir() if file.is_dir() else file.unlink()


def test_out_of_sight() -> None:
    """A settings file in a HOME that is not a folder is missing, not wrong."""
    with pytest.raises(FileNotFoundError):
        read_settings_file(Path("/dev/null/.invoke.yaml"))


def test_line_of(file: Path) -> None:
    """A setting is found on its line; a missing one has line 0."""
    file.write_text(
        "# comment\nseatrial:\n  user: x\n  apps:\n    web:\n      checks:\n      - path: /\n      - text: ok\n"
    )
    found = read_settings_file(file)
    trails = (), ("user",), ("apps", "web"), ("apps", "web", "checks", 1, "text")
    assert [found.line_of(trail) for trail in trails] == [2, 3, 5, 8]
    missing = ("apps", "web", "checks", 7), ("apps", "nobody"), ("user", "deeper")
    assert [found.line_of(trail) for trail in missing] == [0, 0, 0]
