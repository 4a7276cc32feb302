"""The files of the state folder: values as JSON, and large ones as MessagePack."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

__all__ = ["PACKED", "delete_oldest", "encode", "load"]

PACKED = ".msgpack"
"""The end of the name of a file that holds MessagePack."""
_T = TypeVar("_T")


def load(path: Path, decoder: msgspec.json.Decoder[_T] | msgspec.msgpack.Decoder[_T]) -> _T | None:
    """Return the value in a file; None if the file is missing or damaged.

    A decoder is made when its module is loaded: msgspec crashes if two threads prepare a type at the same time.
    """
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    with suppress(ValueError):
        return decoder.decode(content)
    with suppress(ValueError):  # it may hold the name of a file that is not UTF-8
        return msgspec.convert(json.loads(content), decoder.type)
    return None


def encode(value: Mapping[str, Any] | msgspec.Struct, path: Path) -> bytes:
    """Return a value as it is saved in a file of that name."""
    if path.suffix == PACKED:
        return msgspec.msgpack.encode(value)
    try:
        return msgspec.json.encode(value, order="sorted")
    except UnicodeEncodeError:  # as above
        return json.dumps(msgspec.to_builtins(value), sort_keys=True).encode()


def delete_oldest(folder: Path, most: int) -> None:
    """Delete all but the `most` newest files of a folder."""
    for old in sorted(folder.glob("*.*"), key=_age)[most:]:
        with suppress(OSError):  # another run has just deleted it, or the folder is another user's
            old.unlink()


def _age(path: Path) -> float:
    try:
        return -path.stat().st_mtime
    except FileNotFoundError:
        return 0.0  # another run has just deleted it
