"""What the SDK, requests and urllib3 raise, as our errors."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from seatrial.engine.endpoint import Endpoint
from seatrial.errors import EngineUnavailable, SeatrialError, StepFailed

if TYPE_CHECKING:  # loaded only when something has to be done
    from docker.errors import APIError

__all__ = [
    "AbsentError",
    "AnswerError",
    "LostError",
    "RefusedError",
    "SshError",
    "another_api",
    "broken_connections",
    "engine_message",
    "is_timeout",
    "message_in",
    "stream_error",
    "translated",
]

_NOT_FOUND = 404
_GATEWAY = (502, 503, 504)
_VERSION = re.compile(r"client version \S+ is too (?:old|new)")
_TAG = re.compile(r"<[^>]*>")
_START = "invoke up (or start Docker, or set DOCKER_HOST)"
_TLS_HINT = "check DOCKER_TLS_VERIFY and the certificates in DOCKER_CERT_PATH"


class RefusedError(StepFailed):
    """The engine answered a request with an error; `status` is that of its HTTP response."""

    status = 0


class AbsentError(RefusedError):
    """The engine has no such image, container or volume."""


class AnswerError(Exception):
    """An error that the engine answered with, before it is one of ours."""

    def __init__(self, status_code: int, explanation: str) -> None:
        super().__init__(explanation)
        self.status_code, self.explanation = status_code, explanation


class LostError(ConnectionError):
    """The engine's answer ended early."""


class SshError(ConnectionError):
    """The program ssh ended before the engine answered; the text is its last line."""


def translated(error: Exception, action: str, endpoint: Endpoint, seconds: float) -> SeatrialError | None:
    """Return our error for one of the SDK, requests or urllib3; None if it is anything else.

    An error from the engine becomes `RefusedError(action)`; a broken connection becomes `EngineUnavailable`. `seconds`
    is how long an answer was waited for.
    """
    if isinstance(error, AnswerError):
        return _refused(error, action, endpoint)
    import requests
    from docker.errors import APIError, DockerException

    if type(error) is DockerException:  # so the SDK wraps whatever goes wrong with its question for the API version
        cause = error.__cause__
        if isinstance(cause, ValueError | TypeError | KeyError) or "Version parameter must be" in str(error):
            return _not_an_engine(endpoint, "its answer does not name an API version")
        error = cause if isinstance(cause, APIError) else error
    if isinstance(error, APIError):  # it is an OSError, too
        return _refused(error, action, endpoint)
    if isinstance(error, json.JSONDecodeError | requests.exceptions.JSONDecodeError):
        return _not_an_engine(endpoint, f"its answer is not JSON ({error})")
    if isinstance(error, (*broken_connections(), DockerException, OSError)):
        return _unavailable(error, endpoint, seconds)
    return None


def broken_connections() -> tuple[type[Exception], ...]:
    """Return the errors of the SDK and its libraries that say that a connection broke; this loads the SDK."""
    import requests
    import urllib3
    from docker.errors import StreamParseError

    return (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, StreamParseError)


def is_timeout(error: Exception) -> bool:
    """Return whether an error says that an answer, or a connection, did not come in time."""
    return "timed out" in str(error).lower() or "Timeout" in type(error).__name__


def message_in(text: str) -> str:
    """Return the engine's message in the text of an error answer; all of the text if it holds none."""
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return text


def engine_message(error: APIError | AnswerError) -> str:
    """Return the engine's error message without the URL that `str(error)` adds: it contains build arguments."""
    response = getattr(error, "response", None)
    text = error.explanation or (response.reason if response is not None else "") or "no reason given"
    return str(text.decode("utf-8", "replace") if isinstance(text, bytes) else text)


def stream_error(message: dict[str, Any]) -> str | None:
    """Return the error in a message of a progress stream, or None."""
    detail = message.get("errorDetail")
    if isinstance(detail, dict) and detail.get("message"):
        return str(detail["message"])
    return str(message["error"]) if message.get("error") else None


def _refused(error: APIError | AnswerError, action: str, endpoint: Endpoint) -> SeatrialError:
    text, status = engine_message(error), error.status_code or 0
    if "HTTP request to an HTTPS server" in text:
        return _unavailable(error, endpoint, 0)
    if status in _GATEWAY or text.lstrip().startswith("<"):
        return _not_an_engine(endpoint, f"it answers HTTP {status}: {' '.join(_TAG.sub(' ', text).split())}")
    if _VERSION.search(text):
        return another_api(text)
    kind = AbsentError if status == _NOT_FOUND else RefusedError
    return kind(action, reason=text, hint="docker info").but(status=status)


def another_api(reason: str) -> EngineUnavailable:
    """Return the error for an engine with whose API this client has no version in common."""
    hint = "use a newer Docker Engine, or a newer Seatrial"
    return EngineUnavailable("this Docker Engine speaks another API", reason=reason, hint=hint, cause="unfit-builder")


def _not_an_engine(endpoint: Endpoint, reason: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"what answers at {endpoint.url} is not a Docker Engine",
        reason=reason,
        hint=f"check the address ({endpoint.chosen_by}), and what is between this machine and the engine",
    )


def _unavailable(error: Exception, endpoint: Endpoint, seconds: float) -> EngineUnavailable:
    from docker.errors import DockerException

    text = str(error)
    cause = "no-engine"
    if ended := _ssh_ended(error):
        reason, hint = str(ended), _over_ssh(endpoint)
    elif "PermissionError" in text or "Permission denied" in text:
        reason, cause = "permission denied", "permission-denied"
        hint = "sudo usermod -aG docker $USER, then log in again (members of the docker group can become root)"
    elif "FileNotFoundError" in text or "No such file" in text:
        reason, hint = "the socket does not exist", _START
    elif "refused" in text or "NotADirectory" in text:
        reason, hint = "nothing listens there", _START
    elif is_timeout(error):
        reason, hint = f"no answer for {seconds:g} s", "docker info"
    elif "HTTP request to an HTTPS server" in text:
        reason, hint = "it speaks TLS only", "export DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=FOLDER"
    elif "SSLError" in text or "SSLError" in type(error).__name__:
        reason, hint = _innermost(error), _TLS_HINT
    elif isinstance(error, DockerException):
        over_ssh = endpoint.url.startswith("ssh:")
        reason, hint = _innermost(error), _over_ssh(endpoint) if over_ssh else "docker version"
    else:
        reason, hint = f"the connection was lost ({_innermost(error)})", "docker info, then run it again"
    return EngineUnavailable(f"no Docker Engine answers at {endpoint.url}", reason=reason, hint=hint, cause=cause)


def _over_ssh(endpoint: Endpoint) -> str:
    """Return what asks the engine there; ssh itself takes no path to a socket in its address."""
    scheme, host, path = urlsplit(endpoint.url)[:3]
    there = f"--host unix://{path} " if path else ""
    return f"ssh {scheme}://{host} docker {there}version"


def _ssh_ended(error: BaseException | None) -> SshError | None:
    seen: list[BaseException] = []
    while error is not None and error not in seen and not isinstance(error, SshError):
        seen.append(error)
        error = error.__cause__ or error.__context__
    return error if isinstance(error, SshError) else None


def _innermost(error: BaseException) -> str:
    found = re.findall(r"[A-Za-z]+(?:Error|Exception)\([^()]*\)", str(error))
    return found[-1] if found else str(error).partition("\n")[0]
