"""What kind of file a container's command is, and what it needs to start."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

__all__ = ["HEAD_BYTES", "Program", "program_of"]

HEAD_BYTES = 8192
"""How many bytes of a file show what it is; Go's linker names the loader at the end of the first 4096."""
_ELF = b"\x7fELF"
_ELF_HEADER = 64
_BITS_64, _BIG_ENDIAN = 2, 2
_PT_INTERP = 3
# Values of the field e_machine in an ELF header.
_MACHINES = {3: "386", 21: "ppc64le", 22: "s390x", 40: "arm/v7", 62: "amd64", 183: "arm64", 243: "riscv64"}


class Program(Struct, frozen=True, kw_only=True):
    """The file that a container's command names.

    `kind` is `other` for what the kernel cannot run: neither compiled nor a script with `#!`. `platform` is that of a
    compiled program. `interpreter` is what runs it: after the `#!` of a script as it stands there, with a carriage
    return of a Windows line end; of a compiled program the loader, empty if it needs none. `lacks_interpreter` is
    whether that file is not in the image.
    """

    path: str
    kind: Literal["compiled", "script", "other"]
    platform: str = ""
    interpreter: str = ""
    lacks_interpreter: bool = False


def program_of(path: str, head: bytes) -> Program:
    """Return what a file is, from its first `HEAD_BYTES` bytes."""
    if head.startswith(b"#!"):
        line = head[2:].partition(b"\n")[0].decode("utf-8", "replace").strip(" \t")
        return Program(path=path, kind="script", interpreter=line)
    if not head.startswith(_ELF):
        return Program(path=path, kind="other")
    order: Literal["big", "little"] = "big" if head[5:6] == bytes([_BIG_ENDIAN]) else "little"
    machine = _MACHINES.get(int.from_bytes(head[18:20], order))
    platform = f"linux/{machine}" if machine and len(head) >= 20 else ""  # noqa: PLR2004  the end of e_machine
    return Program(path=path, kind="compiled", platform=platform, interpreter=_loader(head, order))


def _loader(head: bytes, order: Literal["big", "little"]) -> str:
    """Return the path in the segment PT_INTERP of an ELF file, empty without one."""
    wide = head[4:5] == bytes([_BITS_64])

    def number(at: int, length: int) -> int:
        return int.from_bytes(head[at : at + length], order)

    if len(head) < _ELF_HEADER:
        return ""
    word = 8 if wide else 4
    table = number(32 if wide else 28, word)
    size, count = (number(54, 2), number(56, 2)) if wide else (number(42, 2), number(44, 2))
    for entry in range(table, table + size * count, size or 1):
        if number(entry, 4) == _PT_INTERP:
            offset = number(entry + (8 if wide else 4), word)
            length = number(entry + (32 if wide else 16), word)
            return head[offset : offset + length].rstrip(b"\0").decode("utf-8", "replace")
    return ""
