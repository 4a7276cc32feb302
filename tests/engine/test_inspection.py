"""Containers are inspected from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.engine.inspection import inspection_of, program_platform, sockets_in_host_proc, sockets_of

_HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
_REST = " 00000000:0000 {state} 00000000:00000000 00:00000000 00000000     0        0 843601 1 00000000359b3e86 100 0\n"


def _row(place: str, state: str = "0A") -> str:
    return f"   0: {place}" + _REST.format(state=state)


@pytest.mark.parametrize(
    ("place", "shown", "loopback"),
    [
        ("00000000:1F40", "0.0.0.0:8000", False),
        ("0100007F:1388", "127.0.0.1:5000", True),
        ("00000000000000000000000000000000:1388", "[::]:5000", False),
        ("00000000000000000000000001000000:1388", "[::1]:5000", True),
        ("0000000000000000FFFF00000100007F:1388", "[::ffff:127.0.0.1]:5000", True),
    ],
)
def test_addresses(place: str, shown: str, *, loopback: bool) -> None:
    """Addresses are read in the kernel's notation, including IPv4 inside IPv6."""
    (found,) = sockets_of(_HEAD + _row(place))

    assert str(found) in (shown, shown.replace("::ffff:127.0.0.1", "::ffff:7f00:1"))
    assert found.loopback == loopback


def test_sockets_that_do_not_count() -> None:
    """Neither connections nor Docker's own DNS resolver count as listening sockets."""
    assert sockets_of(_HEAD + _row("00000000:1F40", "01") + _row("0B00007F:A1B2")) == ()


def test_a_process_of_another_machine(tmp_path: Path) -> None:
    """A process id from an engine on another machine is not mistaken for a local process."""
    folder = tmp_path / "7" / "net"
    folder.mkdir(parents=True)
    (folder / "tcp").write_text(_HEAD + _row("00000000:1F40"))
    (tmp_path / "7" / "cgroup").write_text("0::/docker/abc\n")

    assert sockets_in_host_proc(7, "abc", proc=tmp_path) == sockets_of(_row("00000000:1F40"))
    assert sockets_in_host_proc(7, "def", proc=tmp_path) is None
    assert sockets_in_host_proc(8, "abc", proc=tmp_path) is None


@pytest.mark.parametrize(
    ("head", "platform"),
    [
        (b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00", "linux/arm64"),
        (b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\x3e\x00", "linux/amd64"),
        (b"\x7fELF\x02\x02\x01" + bytes(9) + b"\x00\x02\x00\x16", "linux/s390x"),
        (b"#!/bin/sh\n" + bytes(20), ""),
        (b"\x7fELF", ""),
    ],
)
def test_programs(head: bytes, platform: str) -> None:
    """The platform of a compiled program is read from its header."""
    assert program_platform(head) == platform


def test_a_short_life() -> None:
    """The lifetime of a container is the time from start to end, and None if it never started."""
    state = {"Status": "exited", "ExitCode": 3, "StartedAt": "2026-11-25T00:38:17.100000000Z"}
    raw = {"State": {**state, "FinishedAt": "2026-11-25T00:38:17.350000001Z"}}
    never = {"State": {**state, "StartedAt": "0001-01-01T00:00:00Z", "FinishedAt": "0001-01-01T00:00:00Z"}}

    assert inspection_of(raw, sockets=None, program="").lived == pytest.approx(0.25)
    assert inspection_of(never, sockets=None, program="").lived is None
