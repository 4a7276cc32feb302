"""HTTP requests as Docker sends them: over TLS, or plain on loopback; every answer is limited in size and time."""

from __future__ import annotations

import io
import re
import ssl
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from socket import gaierror
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from seatrial.errors import RegistryUnavailable, SeatrialError, sanitize
from seatrial.host.signals import start_thread
from seatrial.model.reference import DOCKER_HUB
from seatrial.registry.errors import plain_http, unreadable, untrusted

if TYPE_CHECKING:
    import requests
    import urllib3

__all__ = ["Transport", "is_on_this_machine", "is_private"]

_SECONDS = (5.0, 30.0)
_DEADLINE = 45.0
_LARGEST = 16 * 1024 * 1024
_LOOPBACK = re.compile(r"(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?")
_CERTIFICATES = Path("/etc/docker/certs.d")
_NO_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG"}
_T = TypeVar("_T")


def is_on_this_machine(host: str) -> bool:
    """Return whether a registry is on loopback, where plain HTTP is used if it speaks that."""
    return _LOOPBACK.fullmatch(host) is not None


class Transport:
    """The connection to one registry; plain HTTP is used only on loopback, as Docker does.

    The trusted certificates are the system's and those in `/etc/docker/certs.d/HOST`, as for the engine.
    """

    def __init__(self, host: str) -> None:
        self.host = host
        self.address = "registry-1.docker.io" if host == DOCKER_HUB else host
        self._base: str | None = None
        self._cached_session: requests.Session | None = None

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> requests.Response:
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
                if isinstance(one.__cause__, TimeoutError):
                    raise
                error = error or one  # the first says what happened to the usual scheme
                continue
            if scheme == "https" or "HTTPS server" not in response.text[:200]:
                self._base = base
                return response
        raise error or AssertionError("unreachable: a scheme returns or raises")

    def request(self, url: str, method: str = "GET", **options: Any) -> requests.Response:  # noqa: ANN401  requests'
        """Send a request to any URL."""
        import requests
        import urllib3

        try:
            return _within(_DEADLINE, lambda: self._session.request(method, url, timeout=_SECONDS, **options))
        except TimeoutError as error:
            self._cached_session = None  # the old one still waits
            raise self._unreachable(url, f"no complete answer within {_DEADLINE:g} s") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError) as error:
            self._cached_session = None  # the certificates that it read may be outdated
            asked = getattr(error, "request", None)
            raise self._translated(error, getattr(asked, "url", None) or url) from error

    @property
    def _is_local(self) -> bool:
        return is_on_this_machine(self.address)

    @property
    def _session(self) -> requests.Session:
        import requests

        if self._cached_session is None:
            session = requests.Session()
            session.trust_env = False  # neither proxies nor ~/.netrc: only Docker's credentials
            session.headers.update({"User-Agent": "seatrial"})
            session.mount("http://", _adapter(None))
            # As Docker does: also for its token service, and for the host that stores its blobs.
            session.mount("https://", _adapter(None if self._is_local else _tls_context(self.host)))
            self._cached_session = session
        return self._cached_session

    def _send(self, url: str, method: str, headers: Mapping[str, str], body: bytes | None) -> requests.Response:
        import urllib3

        secure = url.startswith("https:")
        # Blobs may be on another host, whatever the scheme; requests does not send the password there.
        follow = method == "GET" and (secure or "Authorization" in headers or "/blobs/" in url)
        options: dict[str, Any] = {"headers": dict(headers), "data": body, "allow_redirects": follow}
        if secure and self._is_local:
            # As Docker does: a server on this machine needs no trusted certificate.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
            options["verify"] = False
        return self.request(url, method, **options)

    def _translated(self, error: Exception, url: str) -> SeatrialError:
        root = _root(error)
        text = sanitize((isinstance(root, OSError) and root.strerror) or str(root), limit=200)
        if "CERTIFICATE_VERIFY_FAILED" in text:
            host = _host(url)
            return untrusted(
                f"cannot connect to the registry {host}", self.host if host == self.address else host, text
            )
        if isinstance(root, ssl.SSLError) and root.reason in _NO_TLS and not self._is_local:
            return plain_http(_host(url), text)
        if isinstance(root, gaierror):
            text = f"the name {_host(url).partition(':')[0]} does not resolve: {text}"
        unreachable = self._unreachable(url, text)
        return unreachable.but(transient=not isinstance(root, gaierror | _TooLargeError))

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


class _TooLargeError(OSError):
    """An answer has more bytes than any answer of a registry."""


def is_private(url: str) -> bool:
    """Return whether nobody else can read requests to a URL: over TLS, or to this machine itself."""
    scheme, _, rest = url.partition("://")
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    return scheme == "https" or (scheme == "http" and is_on_this_machine(authority))


def _within(seconds: float, call: Callable[[], _T]) -> _T:
    """Return what `call` returns; raise `TimeoutError` after `seconds`, while a thread still waits for it."""
    future: Future[_T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001  it is raised where the result is wanted
            future.set_exception(error)

    start_thread(threading.Thread(target=run, daemon=True))
    return future.result(seconds)


def _tls_context(host: str) -> ssl.SSLContext:
    """Return a context with the system's certificates and those that Docker uses for this host."""
    context = ssl.create_default_context()
    for file in sorted((*(_CERTIFICATES / host).glob("*.crt"), *(_CERTIFICATES / host).glob("*.cert"))):
        try:
            if file.suffix == ".crt":
                context.load_verify_locations(file)
            else:
                context.load_cert_chain(file, file.with_suffix(".key"))
        except OSError as error:
            raise unreadable(f"cannot connect to the registry {host}", file, str(error.strerror or error)) from error
    return context


def _adapter(context: ssl.SSLContext | None) -> Any:  # noqa: ANN401  requests has no public name for its type
    """Return an adapter that reads each answer at once, up to the limit; with `context` it uses that for TLS."""
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401  requests' signature
            if context:
                options["ssl_context"] = context
            super().init_poolmanager(*args, **options)

        def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:  # noqa: ANN401
            response = super().send(request, *args, **{**options, "stream": True})
            try:
                body = _read(response.raw)
            except (urllib3.exceptions.HTTPError, _TooLargeError) as error:
                response.close()
                raise requests.ConnectionError(error, request=request) from error
            response.raw = urllib3.HTTPResponse(body, preload_content=False)
            return response

    return Adapter()


def _read(answer: urllib3.HTTPResponse) -> io.BytesIO:
    body = io.BytesIO()
    for chunk in answer.stream(decode_content=True):
        if body.tell() + len(chunk) > _LARGEST:
            raise _TooLargeError(0, f"its answer has more than {_LARGEST:,} bytes")
        body.write(chunk)
    body.seek(0)
    return body


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _root(error: BaseException) -> BaseException:
    """Return the innermost of the errors that requests and urllib3 wrap around each other."""
    inside = (getattr(error, "reason", None), *error.args, error.__cause__)
    inner = next((one for one in inside if isinstance(one, BaseException)), None)
    return _root(inner) if inner else error
