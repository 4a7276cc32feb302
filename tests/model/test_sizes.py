"""Sizes are read as the docker CLI reads them."""

from __future__ import annotations

import pytest

from seatrial.errors import UsageError
from seatrial.model.sizes import parse_bytes, parse_memory

MIB = 1024**2


@pytest.mark.parametrize(
    ("text", "size"),
    [
        *(("6m", 6 * MIB), ("512mb", 512 * MIB), ("512 MiB", 512 * MIB), ("1G", 1024 * MIB), ("1.5g", 1536 * MIB)),
        *((".5gib", 512 * MIB), ("1t", MIB**2), ("1PB", 1024 * MIB**2), ("9000k", 9216000), ("8388608", 8388608)),
        *(("10B", 10), ("1.7b", 1), ("9223372036854775807", 2**63 - 1), ("0.30000000000000004t", 329853488332)),
    ],
)
def test_sizes(text: str, size: int) -> None:
    """A size is a number, also with a fraction, and a unit of 1024, written in any of Docker's ways."""
    assert parse_bytes(text) == size


@pytest.mark.parametrize(
    "text",
    [
        *("", "g", "much", "-1", "0", "0.5b", "1e3", "1.5.5g", "1  g", "1 g b", "1mm", "1bb", "1ib", "\u0661m", "1m\n"),
        *("inf", "9223372036854775808", "9999999p", "1" * 5000, f"0.{'1' * 100}g"),
    ],
)
def test_bad_sizes(text: str) -> None:
    """What is not a size, nothing, and more than 63 bits can hold, is refused."""
    with pytest.raises(UsageError) as caught:
        parse_bytes(text)
    assert caught.value.exit_code == 2


def test_memory() -> None:
    """The least memory that the engine takes is a size."""
    assert parse_memory("6m") == 6 * MIB
