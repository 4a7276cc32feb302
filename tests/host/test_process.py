"""Labels tell which run made something in the engine, and whether that run has ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from msgspec.structs import replace

from seatrial.host.process import Process


def test_this_process_lives() -> None:
    """What this process made is not a leftover, and every run has an id of its own."""
    this = Process.this()
    assert this.pid == os.getpid()
    assert this.host.startswith(socket.gethostname())
    assert not this.left_by_dead_run(this.labels)
    assert Process.this().run != this.run


def test_labels_of_others() -> None:
    """What an earlier process with the same pid made is a leftover; missing or invalid labels never mark one."""
    this = Process.this()
    assert this.labels["seatrial.started"] not in ("", "1")
    labels = ({"seatrial.started": "1"}, {"seatrial.started": ""}, {"seatrial.pid": "-1"})
    assert [this.left_by_dead_run({**this.labels, **one}) for one in labels] == [True, False, False]
    assert not this.left_by_dead_run({})


def test_a_process_that_has_ended() -> None:
    """What an ended process of this host made is a leftover; what another host made never is."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    gone = replace(Process.this(), pid=process.pid)
    assert Process.this().left_by_dead_run(gone.labels)
    assert not Process.this().left_by_dead_run(replace(gone, host="elsewhere").labels)
