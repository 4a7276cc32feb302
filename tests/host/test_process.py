"""Whose things are in the engine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import replace

from seatrial.host.process import Process


def test_this_process_lives() -> None:
    """What this process made is not left behind, and every run has an id of its own."""
    this = Process.this()
    assert this.pid == os.getpid()
    assert this.host.startswith(socket.gethostname())
    assert not this.left_by_dead_run(this.labels)
    assert Process.this().run != this.run


def test_a_process_that_is_over() -> None:
    """What a process of this host made that is over is left behind; of another host nobody knows."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    gone = replace(Process.this(), pid=process.pid)
    assert Process.this().left_by_dead_run(gone.labels)
    assert not Process.this().left_by_dead_run(replace(gone, host="elsewhere").labels)


def test_a_number_that_is_another_process_by_now() -> None:
    """What was made by an older process of the same number is left behind."""
    this = Process.this()
    labels = {**this.labels, "seatrial.started": "1"}
    assert this.labels["seatrial.started"] not in ("", "1")
    assert this.left_by_dead_run(labels)
    assert not this.left_by_dead_run({**labels, "seatrial.started": ""})


def test_labels_of_somebody_else() -> None:
    """What carries no such labels, or nonsense in them, is not ours."""
    this = Process.this()
    assert not this.left_by_dead_run({})
    assert not this.left_by_dead_run({**this.labels, "seatrial.pid": "-1"})
