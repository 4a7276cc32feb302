"""Fixtures for browser tests: a Chromium, and a check that nothing of it is left."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli_project import command_lines
from tests.waiting import wait_until

__all__ = ["left_in"]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The installed Chromium; it may be missing only outside CI."""
    found = shutil.which("chromium")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("there is no chromium, and under CI no test may be skipped for that: ./inv test installs it")
        pytest.skip("there is no chromium: ./inv test installs it")
    return found


@pytest.fixture
def profiles(chromium: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for temporary files; afterwards, no file in it and no process that uses it may be left."""
    assert chromium
    folder = Path(tempfile.mkdtemp(prefix="visit-", dir="/tmp"))  # a socket's path must be short
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", str(folder))
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    yield folder
    assert left_in(folder) == []
    wait_until(lambda: not list(folder.iterdir()))  # a browser that was killed may still be cleared up
    assert list(home.iterdir()) == []
    folder.rmdir()


def left_in(folder: Path) -> list[str]:
    """Return the command lines of the processes that name a folder."""
    return [line for line in command_lines() if str(folder) in line]
