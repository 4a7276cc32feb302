"""Work in a copy of this process."""

from __future__ import annotations

import subprocess
import sys

_SCRIPT = """
import threading
from seatrial.host.forked import fork

print("once")
large = fork(lambda: b"x" * 1_000_000)
assert large() == large() == b"x" * 1_000_000
assert fork(lambda: b"")() == b""
assert fork(lambda: 1 / 0)() is None
fork(lambda: b"x" * 1_000_000)  # nobody waits for it
threading.Thread(target=threading.Event().wait, daemon=True).start()
assert fork(lambda: b"x")() is None
"""


def test_a_copy_of_the_process() -> None:
    """It returns bytes of any size, and None for an error or beside threads; it prints nothing.

    None is left when the process ends: it would keep the output open.
    """
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("once\n", "")
