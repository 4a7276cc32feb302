"""Pulls and pushes while they happen: the engine's progress stream, and what its errors mean."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal

from lading.credentials import Credential
from lading.engine.connection import stream_error
from lading.engine.protocol import Tell
from lading.errors import LadingError, RegistryUnavailable, StepFailed
from lading.events import Transfer
from lading.reference import ImageReference
from lading.registry import refused

__all__ = ["follow_transfer", "transfer_error"]

Direction = Literal["pull", "push"]
_REFUSED = re.compile(r"no basic auth credentials|unauthorized|denied|authentication required|forbidden", re.IGNORECASE)
_UNREACHABLE = re.compile(
    r"connection refused|connection reset|no such host|i/o timeout|name resolution|TLS handshake timeout|"
    r"network is unreachable|request canceled|\bEOF\b|server misbehaving|toomanyrequests|"
    r"received unexpected HTTP status: 5\d\d|context deadline exceeded",
    re.IGNORECASE,
)


def follow_transfer(
    stream: Iterable[dict[str, Any]],
    reference: ImageReference,
    direction: Direction,
    credential: Credential | None,
    tell: Tell,
) -> None:
    """Tell of each layer while it moves; raise what the stream says went wrong."""
    for message in stream:
        if words := stream_error(message):
            raise transfer_error(words, reference, direction, credential)
        detail = message.get("progressDetail") or {}
        if layer := message.get("id"):
            tell(
                Transfer(
                    what=str(layer),
                    current=int(detail.get("current") or 0),
                    total=int(detail["total"]) if detail.get("total") else None,
                    text=str(message.get("status", "")),
                )
            )


def transfer_error(
    words: str, reference: ImageReference, direction: Direction, credential: Credential | None
) -> LadingError:
    """Give the error that the engine's words about a transfer mean."""
    what = f"{reference.familiar} cannot be {direction}ed"
    if _UNREACHABLE.search(words):
        return RegistryUnavailable(what, why=words, mend=f"look whether {reference.registry} is up, then run it again")
    if _REFUSED.search(words):
        return refused(reference.registry, credential, words)
    return StepFailed(what, why=words, mend=f"docker {direction} {reference.familiar}")
