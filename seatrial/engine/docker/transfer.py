"""Pulls and pushes: the engine's progress stream, and the meaning of its errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from seatrial.engine.failures import LostError, broken_connections, stream_error
from seatrial.engine.protocol import Emit
from seatrial.errors import EngineUnavailable, RateLimited, RegistryUnavailable, SeatrialError, StepFailed
from seatrial.events import Transfer
from seatrial.model.reference import ImageReference
from seatrial.registry.credentials import Credential
from seatrial.registry.errors import immutable, push_refused, read_only, untrusted

__all__ = ["follow_transfer", "transfer_error", "translate_push_errors"]

Direction = Literal["pull", "push"]
_REFUSED = re.compile(r"no basic auth credentials|unauthorized|denied|authentication required|forbidden", re.IGNORECASE)
_UNTRUSTED = re.compile(r"x509:|certificate", re.IGNORECASE)
_READ_ONLY = re.compile(r"HTTP (?:status: )?405|HTTP 405 response|read[- ]only|method not allowed", re.IGNORECASE)
_LIMITED = re.compile(r"toomanyrequests|too many requests|HTTP (?:status: )?429|rate limit", re.IGNORECASE)
_DAMAGED = re.compile(r"digest[ _]invalid|digest did not match|filesystem layer verification failed", re.IGNORECASE)
_UNPARSED = re.compile(r'error parsing HTTP (\d+) response body: .*?: "(.*)"', re.DOTALL)
_UNREACHABLE = re.compile(
    r"connection refused|connection reset|broken pipe|no such host|i/o timeout|name resolution|TLS handshake timeout|"
    r"network is unreachable|no route to host|request canceled|\bEOF\b|server misbehaving|"
    r"HTTP (?:status: |response )?(?:408|50[0234])|(?:parsing|unexpected) HTTP (?:408|50[0234])|"
    r"request to \S+: (?:408|50[0234])\b|"
    r"unknown: unknown error|unavailable: service unavailable|internal server error|context deadline exceeded",
    re.IGNORECASE,
)


def follow_transfer(
    stream: Iterable[Any],
    reference: ImageReference,
    direction: Direction,
    credential: Credential | None,
    emit: Emit,
) -> str | None:
    """Emit an event for each layer that moves, and return the digest that the engine reports, or None.

    Raise the stream's error. It is not `transient` if the engine has already retried by itself. A message that is not
    an object says nothing.
    """
    digest, retried = None, False
    for message in stream:
        if not isinstance(message, dict):
            continue
        if text := stream_error(message):
            error = transfer_error(text, reference, direction, credential)
            raise error.but(transient=error.transient and not retried)
        aux, detail = message.get("aux"), message.get("progressDetail")
        moved = detail if isinstance(detail, dict) else {}
        if isinstance(aux, dict) and aux.get("Digest"):
            digest = str(aux["Digest"])
        status = str(message.get("status", ""))
        retried = retried or status.startswith("Retrying in ")
        if layer := message.get("id"):
            total = _bytes(moved.get("total")) or None
            emit(Transfer(layer=str(layer), current=_bytes(moved.get("current")), total=total, text=status))
    return digest


def _bytes(number: Any) -> int:
    """Return a number of bytes; 0 for what cannot be one."""
    return int(number) if isinstance(number, int | float) and 0 < number < 2**63 else 0


@contextmanager
def translate_push_errors(reference: ImageReference, stall: float) -> Iterator[None]:
    """Turn a broken push stream into an error: nothing moved for `stall` seconds, or the engine was lost.

    Both errors are transient, and the push may have succeeded.
    """
    message = f"{reference.familiar} cannot be pushed"
    try:
        yield
    except Exception as error:
        if not _is_lost(error):
            raise
        if "timed out" in str(error).lower():
            hint = f"check that {reference.registry} is up; if it is only slow, raise push_timeout in the settings"
            raise RegistryUnavailable(message, reason=f"nothing moved for {stall:g} s", hint=hint) from error
        raise EngineUnavailable(
            message,
            reason="the engine's answer ended early; the image may or may not have arrived",
            hint="docker info",
            transient=True,
        ) from error


def _is_lost(error: Exception) -> bool:
    """Return whether an error says that a push which had started was lost."""
    if isinstance(error, LostError | TimeoutError):
        return True
    if isinstance(error, SeatrialError):
        return False
    import requests
    from docker.errors import APIError

    never_started = isinstance(error, requests.exceptions.ConnectTimeout) or "Connection aborted" in str(error)
    return isinstance(error, broken_connections()) and not isinstance(error, APIError) and not never_started


def transfer_error(
    text: str, reference: ImageReference, direction: Direction, credential: Credential | None
) -> SeatrialError:
    """Return the error for the engine's message about a transfer."""
    message, host = f"{reference.familiar} cannot be {direction}ed", reference.registry
    text = _UNPARSED.sub(_quoted_answer, text)
    if direction == "push" and (conflict := immutable(message, host, text)):
        return conflict
    meanings: dict[re.Pattern[str], Callable[[], SeatrialError]] = {  # the first match counts
        _UNTRUSTED: lambda: untrusted(message, host, text),
        _READ_ONLY: lambda: read_only(message, host, text),
        _LIMITED: lambda: RateLimited(message, reason=f"{text} (rate limit)", hint="wait a minute, then run it again"),
        _DAMAGED: lambda: StepFailed(
            message,
            reason=f"the content was damaged in transit and was refused: {text}",
            hint=f"check what is between this machine and {host} (a proxy?), then run it again",
        ),
        _UNREACHABLE: lambda: RegistryUnavailable(
            message, reason=text, hint=f"check that {host} is up, then run it again"
        ),
        _REFUSED: lambda: push_refused(host, credential, text, reference if direction == "push" else None),
    }
    for pattern, make_error in meanings.items():
        if pattern.search(text):
            return make_error()
    return StepFailed(message, reason=text, hint=f"docker {direction} {reference.familiar}")


def _quoted_answer(found: re.Match[str]) -> str:
    """Return the registry's status and answer, which the engine quotes when it cannot parse the answer."""
    body = " ".join(re.sub(r"\\[nrt]", " ", found[2]).split())
    return f"HTTP {found[1]}: {body}"
