"""What stays wrong for two seconds is not waited for."""

from __future__ import annotations

from itertools import chain, repeat

import pytest
from msgspec.structs import replace

from seatrial.diagnosis import settled
from seatrial.diagnosis.evidence import Evidence, Page
from seatrial.diagnosis.settled import Settled
from seatrial.engine.inspection import Socket
from seatrial.engine.model import Image
from seatrial.events import Event, Waiting
from tests.diagnosis.test_causes import APP, REFUSED, RUNNING, TRACEBACK, evidence, result
from tests.engine.memory.engine import MemoryEngine

ERROR = result("status 500, expected 200; the body begins ''", final=False)


def listening(*ports: int, address: str = "0.0.0.0") -> Evidence:  # noqa: S104
    """Return the evidence of an app that listens on these ports and does not answer."""
    sockets = tuple(Socket(port=port, address=address) for port in ports)
    return evidence(replace(RUNNING, sockets=sockets), results=(REFUSED,))


def failing(*exceptions: str) -> Evidence:
    """Return the evidence of an app that answers 500 and has logged these exceptions."""
    return evidence(RUNNING, *(line for one in exceptions for line in (TRACEBACK, one)), results=(ERROR,))


def waiting(*log: str) -> Evidence:
    """Return the evidence of a server for development that listens nowhere, and its log."""
    inspection = replace(RUNNING, sockets=(), command=("uvicorn", "--reload", "app:app"))
    return evidence(inspection, *log, results=(REFUSED,))


@pytest.mark.parametrize(
    ("seen", "seconds"),
    [
        ([listening(8000)], 3),
        ([listening(5000, address="127.0.0.1")], 3),
        ([listening(5000, address="::")], 3),
        ([replace(listening(5000), tls=True)], 3),
        ([listening(8000), listening(8001)], 4),
        ([failing("KeyError: 'A'", "KeyError: 'A'", "KeyError: 'A'")], 3),
        ([failing("KeyError: 'A'"), failing("KeyError: 'A'", "KeyError: 'A'", "KeyError: 'A'")], 4),
        ([replace(listening(5000), log=("[7] Worker (pid:9) exited with code 1.",) * 4)], 3),
        ([replace(listening(5000), log=("[7] Worker (pid:9) exited with code 1.",) * 3)], None),
        ([replace(listening(5000), log=("[7] [CRITICAL] WORKER TIMEOUT (pid:9)",) * 2)], 3),
        ([evidence(RUNNING, results=(ERROR,), page=Page(status=500, title="LeeError at /"))], 3),
        ([evidence(RUNNING, results=(ERROR,), page=Page(status=500, title="Internal Server Error"))], None),
        ([waiting(TRACEBACK, "ValueError: lee")], 3),
        ([waiting(TRACEBACK, "ValueError: lee", "INFO: still", "INFO: loading")], None),
        ([listening()], None),
        ([listening(5000)], None),
        ([listening(8000, 5000)], None),
        ([failing("KeyError: 'A'", "KeyError: 'B'", "KeyError: 'C'")], None),
        ([evidence(RUNNING, "GET / 500", "GET / 500", "GET / 500", results=(ERROR,))], None),
        ([evidence(None, results=(REFUSED,))], None),
    ],
)
def test_settled(seen: list[Evidence], seconds: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An app that listens elsewhere, or fails with one exception, has settled after two seconds; others have not."""
    coming = chain(seen, repeat(seen[-1]))
    now = [0]
    monkeypatch.setattr(settled, "gather", lambda *_, **__: next(coming))
    monkeypatch.setattr("seatrial.diagnosis.settled.time.monotonic", lambda: now[0])
    events: list[Event] = []
    look = Settled(engine=MemoryEngine(), app=APP, image=Image(id="sha256:1"), container_id="1", emit=events.append)

    for waited in range(1, 10):
        now[0] = waited
        if look(REFUSED, waited):
            break
    else:
        waited = 0

    assert waited == (seconds or 0)
    assert events[0] == Waiting(text="GET / does not answer (1 s of 5)")
