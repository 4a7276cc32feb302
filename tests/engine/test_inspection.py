"""Containers are inspected from outside."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from seatrial.engine.inspection import inspection_of, sockets_in_host_proc, sockets_of
from seatrial.engine.program import program_of

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


def _elf(order: str, machine: int, *, wide: bool = True, loader: bytes = b"") -> bytes:
    """Return the head of an ELF file whose only segment names its loader."""
    byte_order, header, entry = "<" if order == "little" else ">", 64 if wide else 52, 56 if wide else 32
    at = header + entry
    start = b"\x7fELF" + bytes([1 + wide, 1 + (order == "big"), 1]) + bytes(9)
    start += struct.pack(
        byte_order + ("HHIQQQIHHH" if wide else "HHIIIIIHHH"), 2, machine, 1, 0, header, 0, 0, 0, entry, 1
    )
    fields = (3, 4, at, 0, 0, len(loader)) if wide else (3, at, 0, 0, len(loader))
    return (
        start.ljust(header, b"\0")
        + struct.pack(byte_order + ("IIQQQQ" if wide else "IIIII"), *fields).ljust(entry, b"\0")
        + loader
    )


@pytest.mark.parametrize(
    ("head", "program"),
    [
        (_elf("little", 0xB7, loader=b"/lib/ld.so\0"), ("compiled", "linux/arm64", "/lib/ld.so")),
        (_elf("big", 0x16), ("compiled", "linux/s390x", "")),
        (
            _elf("little", 3, wide=False, loader=b"/lib/ld-linux.so.2\0"),
            ("compiled", "linux/386", "/lib/ld-linux.so.2"),
        ),
        (b"\x7fELF", ("compiled", "", "")),
        (b"#! /usr/bin/env bash\r\nexec app\r\n", ("script", "", "/usr/bin/env bash\r")),
        (b"exec app\n", ("other", "", "")),
        (b"", ("other", "", "")),
    ],
)
def test_programs(head: bytes, program: tuple[str, str, str]) -> None:
    """The head of a file shows its kind, its platform, and what must run it."""
    found = program_of("/app", head)

    assert (found.kind, found.platform, found.interpreter) == program


def test_a_short_life() -> None:
    """The lifetime of a container is the time from start to end, and None if it never started."""
    state = {"Status": "exited", "ExitCode": 3, "StartedAt": "2026-11-25T00:38:17.100000000Z"}
    raw = {"State": {**state, "FinishedAt": "2026-11-25T00:38:17.350000001Z"}}
    never = {"State": {**state, "StartedAt": "0001-01-01T00:00:00Z", "FinishedAt": "0001-01-01T00:00:00Z"}}

    assert inspection_of(raw, sockets=None).lived == pytest.approx(0.25)
    assert inspection_of(never, sockets=None).lived is None
