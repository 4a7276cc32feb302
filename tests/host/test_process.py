"""Labels tell which run made something in the engine, and whether that run has ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import replace

from seatrial.host.process import Process


def test_this_process_lives() -> None:
    """What this process made is not a leftover, and every run has an id of its own."""
    this = Process.this()
    assert this.pid == os.getpid()
    assert this.host.startswith(socket.gethostname())
    assert not this.left_by_dead_run(this.labels)
    assert Process.this().run != this.run


def test_a_process_that_has_ended() -> None:
    """What an ended process of this host made is a leftover; what another host made never is."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    gone = replace(Process.this(), pid=process.pid)
    assert Process.this().left_by_dead_run(gone.labels)
    assert not Process.this().left_by_dead_run(replace(gone, host="elsewhere").labels)


def test_a_pid_that_was_reused() -> None:
    """What an earlier process with the same pid made is a leftover."""
    this = Process.this()
    labels = {**this.labels, "seatrial.started": "1"}
    assert this.labels["seatrial.started"] not in ("", "1")
    assert this.left_by_dead_run(labels)
    assert not this.left_by_dead_run({**labels, "seatrial.started": ""})


def test_foreign_labels() -> None:
    """Missing or invalid labels never mark a leftover."""
    this = Process.this()
    assert not this.left_by_dead_run({})
    assert not this.left_by_dead_run({**this.labels, "seatrial.pid": "-1"})
