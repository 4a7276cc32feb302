"""Questions to an app over HTTP: one request, and a list of checks with a bounded wait."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lading.app import Check
from lading.errors import cleaned

__all__ = ["Answer", "Result", "ask", "probe"]

_LARGEST_BODY = 1024 * 1024
_REQUEST_SECONDS = 10.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.25
_SERVER_ERROR = 500


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back: the status, and the body up to 1 MiB (`cut` when there was more)."""

    status: int
    body: bytes
    location: str | None = None
    cut: bool = False


@dataclass(frozen=True, kw_only=True)
class Result:
    """How one check came out: `problem` in words, or None; `final` when waiting would not change it."""

    check: str
    problem: str | None
    final: bool = True
    seconds: float = 0.0


def ask(host: str, port: int, path: str, *, seconds: float) -> Answer:
    """Give the answer to GET `path`, complete within `seconds` however slowly it drips; `OSError` otherwise.

    Proxies in the environment are not used and redirects are not followed.
    """
    deadline = time.monotonic() + seconds
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    connection.connect()
    line, late = connection.sock, threading.Event()  # the response takes the socket away from the connection

    def give_up() -> None:
        late.set()
        line.shutdown(socket.SHUT_RDWR)

    watch = threading.Timer(max(deadline - time.monotonic(), 0), _quietly, (give_up,))
    watch.daemon = True
    watch.start()
    try:
        connection.request("GET", path, headers={"Connection": "close", "User-Agent": "lading", "Accept": "*/*"})
        response = connection.getresponse()
        body = response.read(_LARGEST_BODY + 1)
        if late.is_set():
            raise TimeoutError(f"no complete answer within {seconds:.1f} s")
        return Answer(
            status=response.status,
            body=body[:_LARGEST_BODY],
            location=response.getheader("Location"),
            cut=len(body) > _LARGEST_BODY,
        )
    except http.client.HTTPException as error:
        if late.is_set():
            raise TimeoutError(f"no complete answer within {seconds:.1f} s") from error
        raise ConnectionError(f"no HTTP answer ({type(error).__name__})") from error
    except OSError as error:
        if late.is_set() or isinstance(error, TimeoutError):
            raise TimeoutError(f"no complete answer within {seconds:.1f} s") from error
        raise
    finally:
        watch.cancel()
        connection.close()


def probe(  # noqa: PLR0913  where, what, for how long: each is one thing
    host: str,
    port: int,
    checks: tuple[Check, ...],
    *,
    version: str,
    seconds: float,
    alive: Callable[[], None],
) -> tuple[Result, ...]:
    """Put all checks to an app, waiting at most `seconds` in all, and give the results in the checks' order.

    Refused, reset and 5xx mean "not yet"; any other wrong answer is final at once. `alive` is called between tries and
    raises when the app is gone, which ends the wait.
    """
    deadline = time.monotonic() + seconds
    results = []
    for check in checks:
        began, pause = time.monotonic(), _FIRST_PAUSE
        while True:
            left = deadline - time.monotonic()
            result = _try(host, port, check, version, min(max(left, 0.05), _REQUEST_SECONDS))
            if result.problem is None or result.final:
                break
            alive()
            if time.monotonic() + pause >= deadline:
                break
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        results.append(
            Result(check=str(check), problem=result.problem, final=result.final, seconds=time.monotonic() - began)
        )
    return tuple(results)


def _try(host: str, port: int, check: Check, version: str, seconds: float) -> Result:
    name = str(check)
    try:
        answer = ask(host, port, check.path, seconds=seconds)
    except OSError as error:
        words = cleaned(str(error.strerror or error), limit=120)
        return Result(check=name, problem=f"no answer: {words}", final=False)
    if answer.status >= _SERVER_ERROR and check.status != answer.status:
        return Result(check=name, problem=_wrong_status(check, answer), final=False)
    return Result(check=name, problem=_problem(check, answer, version))


def _problem(check: Check, answer: Answer, version: str) -> str | None:
    if answer.status != check.status:
        return _wrong_status(check, answer)
    if answer.cut:
        return f"the body is larger than {_LARGEST_BODY:,} bytes"
    body = answer.body.decode("utf-8", "replace")
    if check.text is not None and (text := check.text.replace("{version}", version)) not in body:
        return f"the body does not contain {text!r}; it begins {_beginning(body)}"
    if check.json is not None:
        wanted = _filled(check.json, version)
        try:
            found = json.loads(body)
        except ValueError:
            return f"the body is no JSON; it begins {_beginning(body)}"
        if found != wanted:
            return f"the JSON is {_beginning(json.dumps(found))}, expected {json.dumps(wanted)}"
    return None


def _wrong_status(check: Check, answer: Answer) -> str:
    if answer.location:
        return f"status {answer.status} (to {cleaned(answer.location, limit=100)}), expected {check.status}"
    body = answer.body.decode("utf-8", "replace")
    return f"status {answer.status}, expected {check.status}; the body begins {_beginning(body)}"


def _filled(value: Any, version: str) -> Any:  # noqa: ANN401  any JSON
    if isinstance(value, str):
        return value.replace("{version}", version)
    if isinstance(value, dict):
        return {key: _filled(item, version) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(item, version) for item in value]
    return value


def _beginning(body: str) -> str:
    return repr(" ".join(cleaned(body, limit=200).split())[:120])


def _quietly(action: Callable[[], None]) -> None:
    try:
        action()
    except OSError:
        return  # it was over already
