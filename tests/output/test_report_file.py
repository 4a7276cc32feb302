"""The file that a flag names for a report: refused before the run, and written whole or not at all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from seatrial.errors import StepFailed, UsageError
from seatrial.output.report_file import ReportFile


def report_file(path: object, *, check: bool = False) -> ReportFile:
    """Return the file that --report names."""
    return ReportFile(str(path), flag="--report", example="report.html", check=check)


def test_it_is_written(tmp_path: Path) -> None:
    """The file's folder is made, an older file is replaced, and nothing else is left."""
    for content in (b"one", b"two"):
        report_file(tmp_path / "a" / "report.html").write(content)
    assert [path.read_bytes() for path in (tmp_path / "a").iterdir()] == [b"two"]


def test_check_mode(tmp_path: Path) -> None:
    """The file's folder is not made in check mode."""
    report_file(tmp_path / "a" / "report.html", check=True).write(b"one")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("name", [".", "/dev/null", "~nobody-of-that-name/x.xml", "a\0b"])
def test_refused_names(name: str, *, check: bool) -> None:
    """A name that cannot be a file is refused before the run, also in check mode."""
    with pytest.raises(UsageError) as caught:
        report_file(name, check=check)
    assert repr(name) in caught.value.message


def test_a_folder_removed_during_the_run(tmp_path: Path) -> None:
    """If the file cannot be written after the run, that is a StepFailed with the file's name."""
    file = report_file(tmp_path / "a" / "report.html")
    (tmp_path / "a").rmdir()
    with pytest.raises(StepFailed, match=re.escape(str(tmp_path / "a" / "report.html"))):
        file.write(b"one")
