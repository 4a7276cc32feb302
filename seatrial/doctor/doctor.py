"""The doctor: each look in its order, and what it finds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from seatrial.doctor.engine import ENGINE_LOOKS
from seatrial.doctor.findings import Finding, Look, Patient, failure
from seatrial.doctor.project import FILE_LOOKS
from seatrial.errors import CredentialsError, EngineUnavailable, SeatrialError

__all__ = ["findings", "looked_at"]


def findings(patient: Patient) -> tuple[Finding, ...]:
    """Give what was found, the engine first; without one, the rest is told all the same."""
    return tuple(one for look in (*ENGINE_LOOKS, *FILE_LOOKS) for one in looked_at(look, patient))


def looked_at(look: Look, patient: Patient) -> Iterator[Finding]:
    """Give what one look finds; what breaks it is a finding, and no engine or damaged credentials are told once."""
    name = getattr(look, "__name__", "").lstrip("_").replace("_", " ")
    try:
        with suppress(EngineUnavailable, CredentialsError):
            yield from look(patient)
    except SeatrialError as error:
        yield failure(name, error)
