"""HTTP requests as Docker sends them: over TLS, or plain on loopback; every answer is limited in size and time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http.client import HTTPException
from socket import gaierror
from typing import TypeVar
from urllib.parse import urljoin

from seatrial.errors import RegistryUnavailable, SeatrialError, sanitize
from seatrial.host.background import Task
from seatrial.model.reference import DOCKER_HUB
from seatrial.registry.connections import Connections, Response, UnusableError, is_on_this_machine
from seatrial.registry.errors import plain_http, untrusted

__all__ = ["Transport", "is_private"]

_DEADLINE = 45.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 10
_NO_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG"}
_T = TypeVar("_T")


class Transport:
    """The way to one registry; plain HTTP is used only on loopback, as Docker does."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.address = "registry-1.docker.io" if host == DOCKER_HUB else host
        self._base: str | None = None
        self._connections = Connections(host, local=self._is_local)

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        """Send a request to the registry; until the scheme is known, try plain HTTP before HTTPS on loopback.

        Raise `RegistryUnavailable` if there is no complete answer, and `StepFailed` if there can be none.
        """
        if self._base:
            return self._send(f"{self._base}{path}", method, headers, body)
        error: RegistryUnavailable | None = None
        for scheme in ("http", "https") if self._is_local else ("https",):
            base = f"{scheme}://{self.address}"
            try:
                response = self._send(f"{base}{path}", method, headers, body)
            except RegistryUnavailable as one:
                if isinstance(one.__cause__, _LateError | TimeoutError):
                    raise
                error = error or one  # the first says what happened to the usual scheme
                continue
            if scheme == "https" or "HTTPS server" not in response.text[:200]:
                self._base = base
                return response
        raise error or AssertionError("unreachable: a scheme returns or raises")

    def request(
        self,
        url: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        follow: bool = True,
    ) -> Response:
        """Send a request to any URL; with `follow`, follow redirects, without the password on another host."""
        asked = [url]
        try:
            return _within(_DEADLINE, lambda: self._ask(asked, method, headers or {}, body, follow=follow))
        except _LateError as error:
            raise self._unreachable(asked[-1], f"no complete answer within {_DEADLINE:g} s") from error
        except (OSError, HTTPException, ValueError) as error:
            self._connections.forget()
            raise self._translated(error, asked[-1]) from error

    @property
    def _is_local(self) -> bool:
        return is_on_this_machine(self.address)

    def _send(self, url: str, method: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        # Blobs may be on another host, whatever the scheme.
        follow = method == "GET" and (url.startswith("https:") or "Authorization" in headers or "/blobs/" in url)
        return self.request(url, method, headers, body, follow=follow)

    def _ask(
        self, asked: list[str], method: str, headers: Mapping[str, str], body: bytes | None, *, follow: bool
    ) -> Response:
        """Return the answer to a request for the last URL in `asked`; where a redirect leads is added there."""
        while True:
            url = asked[-1]
            response = self._connections.exchange(url, method, headers, body)
            location = response.header("Location") if response.status in _REDIRECTS and follow else ""
            if not location:
                return response
            if len(asked) > _MOST_REDIRECTS:
                raise UnusableError(0, f"it redirects more than {_MOST_REDIRECTS} times")
            asked.append(urljoin(url, location))
            if _origin(url) != _origin(asked[-1]):
                headers = {name: value for name, value in headers.items() if name != "Authorization"}

    def _translated(self, error: Exception, url: str) -> SeatrialError:
        import ssl

        text = sanitize((isinstance(error, OSError) and error.strerror) or str(error), limit=200)
        if "CERTIFICATE_VERIFY_FAILED" in text:
            host = _host(url)
            return untrusted(
                f"cannot connect to the registry {host}", self.host if host == self.address else host, text
            )
        if isinstance(error, ssl.SSLError) and error.reason in _NO_TLS and not self._is_local:
            return plain_http(_host(url), text)
        if isinstance(error, gaierror):
            text = f"the name {_host(url).partition(':')[0]} does not resolve: {text}"
        unreachable = self._unreachable(url, text)
        return unreachable.but(transient=not isinstance(error, gaierror | UnusableError))

    def _unreachable(self, url: str, text: str) -> RegistryUnavailable:
        host = _host(url)
        if host != self.address:
            message = f"{host}, where {self.host} sends its clients, cannot be reached"
        else:
            message = f"the registry {self.host} cannot be reached"
        if self._is_local and host == self.address:
            hint = f"invoke up (starts one at the port in the settings), then check: curl http://{host}/v2/"
        else:
            hint = f"check that this machine can reach it: curl https://{host}/v2/"
        return RegistryUnavailable(message, reason=text, hint=hint)


class _LateError(Exception):
    """An answer did not come in time."""


def is_private(url: str) -> bool:
    """Return whether nobody else can read requests to a URL: over TLS, or to this machine itself."""
    scheme = _scheme(url)
    return scheme == "https" or (scheme == "http" and is_on_this_machine(_authority(url)))


def _within(seconds: float, call: Callable[[], _T]) -> _T:
    """Return what `call` returns; raise `_LateError` after `seconds`, while a thread still waits for it."""
    task = Task(call)
    if not task.wait(seconds):
        raise _LateError
    return task.result()


def _scheme(url: str) -> str:
    return url.partition("://")[0].lower()


def _authority(url: str) -> str:
    """Return what stands between a URL's scheme and its path."""
    return re.split(r"[/?#\\]", url.partition("://")[2], maxsplit=1)[0]


def _origin(url: str) -> tuple[str, str]:
    return _scheme(url), _authority(url)


def _host(url: str) -> str:
    return _authority(url).rpartition("@")[2]
