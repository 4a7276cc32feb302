"""Output that nobody can read any more, and what the machine has run out of."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seatrial.host.shortage import shortage

_WORK = """
import sys
from seatrial.host.streams import is_lost, make_lasting
make_lasting()
make_lasting()
for number in range(3000):
    print("a line", number, "\\u2026")
    print("a warning", file=sys.stderr)
sys.stdout.flush()
open(sys.argv[1], "w").write(f"{is_lost()}")
sys.exit(7)
"""


@pytest.mark.parametrize(
    ("redirection", "encoding", "lost"),
    [
        (">/dev/full 2>/dev/full", "utf-8", True),
        ("<&- >&- 2>&-", "utf-8", False),
        ("2>&1 | head -n 1", "ascii", True),
        ("| head -n 1 2>&-", "utf-8", True),
        (">/dev/null 2>&1", "ascii", False),
    ],
)
def test_work_does_not_end_with_its_output(redirection: str, encoding: str, tmp_path: Path, *, lost: bool) -> None:
    """A full disk, a closed stream or a reader that goes away changes neither the work nor its exit code."""
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -c '{_WORK}' {tmp_path}/done {redirection}"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        check=False,
    )
    assert done.returncode == 7, done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "done").read_text() == str(lost)


def test_where_the_output_goes(tmp_path: Path) -> None:
    """A file that the output is redirected to is known by its path; a pipe is not one."""
    code = "from seatrial.host.streams import output_files; print(*output_files())"
    with (tmp_path / "build.log").open("w") as log:
        subprocess.run([sys.executable, "-c", code], stdout=log, stderr=subprocess.PIPE, check=True)
    assert (tmp_path / "build.log").read_text() == f"{tmp_path}/build.log\n"


def _behind(cause: BaseException) -> OSError:
    """Return an error as requests and the SDK make them: the cause is an argument of an argument."""
    return OSError(ConnectionError("Connection aborted.", cause))


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (_behind(OSError(errno.EMFILE, "Too many open files")), "ulimit -n"),
        (OSError(errno.ENFILE, "Too many open files in system"), "sysctl"),
        (MemoryError(), "free -m"),
        (_behind(OSError(errno.ENOMEM, "Cannot allocate memory")), "free -m"),
        (RuntimeError("can't start new thread"), "ulimit -u"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "ulimit -u"),
    ],
)
def test_a_shortage_is_named(error: BaseException, named: str) -> None:
    """What the machine has run out of is the reason, however deep it is hidden; the same command may work later."""
    found = shortage(error, "the app cannot be built")
    assert found
    assert named in found.hint
    assert found.exit_code == 3


@pytest.mark.parametrize("error", [_behind(BlockingIOError(errno.EAGAIN, "locked")), OSError(errno.ENOENT, "no file")])
def test_no_shortage(error: BaseException) -> None:
    """Other errors are none, nor is a socket or a lock that was only tried."""
    assert shortage(error, "x") is None
