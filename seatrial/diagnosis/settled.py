"""Whether more waiting for an app is useless: what is wrong with it does not change any more."""

from __future__ import annotations

import time

from msgspec import Struct

from seatrial.checks.http.probe import Result
from seatrial.diagnosis.answers import https_only, named_error
from seatrial.diagnosis.container import bound_to_loopback, certainly_wrong_port, ipv6_only
from seatrial.diagnosis.evidence import Evidence
from seatrial.diagnosis.gathering import gather
from seatrial.diagnosis.server import app_not_found, on_a_socket_file
from seatrial.diagnosis.workers import given_up, hopeless_workers, waits_for_a_change
from seatrial.engine.model import Image
from seatrial.engine.protocol import Emit, Engine
from seatrial.events import Waiting
from seatrial.model.app import App

__all__ = ["Settled"]

_SECONDS = 2.0
_TIMES = 3
_INTERNAL_ERROR = 500
_HOPELESS = (
    certainly_wrong_port,
    bound_to_loopback,
    on_a_socket_file,
    https_only,
    ipv6_only,
    app_not_found,
    given_up,
    hopeless_workers,
    waits_for_a_change,
)


class Settled(Struct, kw_only=True):
    """Looks at a container that is not ready, and recognises what stays wrong for two seconds.

    That is an app that listens elsewhere, or otherwise than it is asked, one that answers every request with the same
    exception, or with a page that names it, one that its server cannot start, and one whose workers always end.
    """

    engine: Engine
    app: App
    image: Image
    container_id: str
    emit: Emit
    _seen: str = ""
    _since: float = 0.0

    def __call__(self, result: Result, waited: float) -> bool:
        """Emit what is waited for; return whether the app has been in the same hopeless state for two seconds."""
        self.emit(Waiting(text=f"{result.check} {result.state} ({waited:.0f} s of {self.app.smoke_timeout:g})"))
        evidence = gather(self.engine, self.app, self.image, self.container_id, results=(result,))
        seen = _state(evidence)
        if seen != self._seen:
            self._seen, self._since = seen, time.monotonic()
        return bool(seen) and time.monotonic() - self._since >= _SECONDS


def _state(evidence: Evidence) -> str:
    """Return the hopeless state of an app as text, empty if it may still become ready."""
    if evidence.answers_with_error:
        exception = next(iter(evidence.exception_lines), "")
        if exception and evidence.log.count(exception) >= _TIMES:
            return exception
        return named_error(evidence.page) if evidence.page and evidence.page.status == _INTERNAL_ERROR else ""
    for recognise in _HOPELESS:
        if cause := recognise(evidence):
            return f"{cause.name}: {cause.hint}"
    return ""
