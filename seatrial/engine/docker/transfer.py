"""Pulls and pushes while they happen: the engine's progress stream, and what its errors mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import requests
import urllib3
from docker.errors import APIError, StreamParseError

from seatrial.engine.connection import stream_error
from seatrial.engine.protocol import Emit
from seatrial.errors import EngineUnavailable, RateLimited, RegistryUnavailable, SeatrialError, StepFailed
from seatrial.events import Transfer
from seatrial.model.reference import ImageReference
from seatrial.registry.credentials import Credential
from seatrial.registry.errors import push_refused, read_only, untrusted

__all__ = ["follow_transfer", "transfer_error", "watched"]

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
    stream: Iterable[dict[str, Any]],
    reference: ImageReference,
    direction: Direction,
    credential: Credential | None,
    emit: Emit,
) -> str | None:
    """Tell of each layer while it moves, and give the digest the engine says was pushed, where it says one.

    Raises what the stream says went wrong. What the engine has tried again by itself is not `transient` any more.
    """
    digest, persistent = None, False
    for message in stream:
        if words := stream_error(message):
            error = transfer_error(words, reference, direction, credential)
            error.transient = error.transient and not persistent
            raise error
        aux, detail = message.get("aux"), message.get("progressDetail") or {}
        if isinstance(aux, dict) and aux.get("Digest"):
            digest = str(aux["Digest"])
        text = str(message.get("status", ""))
        persistent = persistent or text.startswith("Retrying in ")
        if layer := message.get("id"):
            total = int(detail["total"]) if detail.get("total") else None
            emit(Transfer(layer=str(layer), current=int(detail.get("current") or 0), total=total, text=text))
    return digest


@contextmanager
def watched(reference: ImageReference, stall: float) -> Iterator[None]:
    """Say of a push's stream that breaks whether nothing moved for `stall` seconds or the engine was lost.

    Either may be over in a moment, and what was pushed may have arrived.
    """
    what = f"{reference.familiar} cannot be pushed"
    try:
        yield
    except APIError:
        raise
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, StreamParseError) as error:
        if isinstance(error, requests.exceptions.ConnectTimeout) or "Connection aborted" in str(error):
            raise  # it never began
        if "timed out" in str(error).lower():
            hint = f"look whether {reference.registry} is well; a slower one is given more with push_timeout"
            raise RegistryUnavailable(what, reason=f"nothing moved for {stall:g} s", hint=hint) from error
        lost = EngineUnavailable(
            what, reason="the engine's answer broke off, so nobody knows whether it arrived", hint="docker info"
        )
        lost.transient = True
        raise lost from error


def transfer_error(
    words: str, reference: ImageReference, direction: Direction, credential: Credential | None
) -> SeatrialError:
    """Return the error that the engine's words about a transfer mean."""
    what, host = f"{reference.familiar} cannot be {direction}ed", reference.registry
    words = _UNPARSED.sub(_as_answered, words)
    meanings: dict[re.Pattern[str], Callable[[], SeatrialError]] = {  # the first that fits
        _UNTRUSTED: lambda: untrusted(what, host, words),
        _READ_ONLY: lambda: read_only(what, host, words),
        _LIMITED: lambda: RateLimited(what, reason=f"{words} (rate limit)", hint="wait a minute, then run it again"),
        _DAMAGED: lambda: StepFailed(
            what,
            reason=f"the content was damaged on the way, the registry refused it: {words}",
            hint=f"look what stands between here and {host} (a proxy?), then run it again",
        ),
        _UNREACHABLE: lambda: RegistryUnavailable(
            what, reason=words, hint=f"look whether {host} is up, then run it again"
        ),
        _REFUSED: lambda: push_refused(host, credential, words, reference if direction == "push" else None),
    }
    for pattern, meant in meanings.items():
        if pattern.search(words):
            return meant()
    return StepFailed(what, reason=words, hint=f"docker {direction} {reference.familiar}")


def _as_answered(found: re.Match[str]) -> str:
    """Return what a registry answered, where the engine says that it could not parse it."""
    body = " ".join(re.sub(r"\\[nrt]", " ", found[2]).split())
    return f"HTTP {found[1]}: {body}"
