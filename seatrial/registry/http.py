"""HTTP requests to one registry: plain or TLS, with Basic and Bearer authentication."""

from __future__ import annotations

import base64
import json
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.errors import RateLimited, RegistryUnavailable, SeatrialError, StepFailed, sanitize
from seatrial.model.reference import DOCKER_HUB, ImageReference
from seatrial.registry.credentials import Credential
from seatrial.registry.errors import push_refused, read_only, unreadable, untrusted

if TYPE_CHECKING:
    import requests

__all__ = ["RegistryHttp", "grants_push"]

_SECONDS = (5.0, 30.0)
_LOOPBACK = re.compile(r"(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?")
_CERTIFICATES = Path("/etc/docker/certs.d")
_OK, _BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _NOT_ALLOWED = 200, 400, 401, 403, 405
_TIMEOUT, _TOO_MANY, _SERVER_ERROR = 408, 429, 500
_TRANSIENT = (_TIMEOUT, 500, 502, 503, 504)


class RegistryHttp:
    """The connection to one registry; plain HTTP is used only on loopback, as Docker does.

    The trusted certificates are the system's and those in `/etc/docker/certs.d/HOST`, as for the engine.
    """

    def __init__(self, host: str) -> None:
        self.host = host
        self._base: str | None = None
        self._cached_session: requests.Session | None = None
        self._authorizations: dict[str, str] = {}

    def send(  # noqa: PLR0913  the parts of a request
        self,
        method: str,
        path: str,
        credential: Credential | None,
        *,
        scope: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> requests.Response:
        """Send a request and return the registry's answer, whatever its status; `scope` is the scope of the token.

        Raise `RegistryUnavailable` if there is no answer, and `PushRefused` if these credentials get no token.
        """
        import requests
        import urllib3

        all_headers = {**(headers or {}), **self._known_authorization(scope)}
        try:
            response = self._request_any_scheme(method, path, all_headers, body)
            if response.status_code == _UNAUTHORIZED:
                header = self._authorization(response, credential, scope)
                if header:
                    self._authorizations[scope or ""] = header
                    all_headers["Authorization"] = header
                    response = self._request(method, path, all_headers, body)
        except (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError) as error:
            text = _innermost(error)
            if "CERTIFICATE_VERIFY_FAILED" in text:
                raise untrusted(f"cannot connect to the registry {self.host}", self.host, text) from error
            raise self._unreachable(text) from error
        return response

    def token(self, scope: str) -> str:
        """Return the token that was used for a scope; empty if none was needed."""
        kind, _, token = self._authorizations.get(scope, "").partition(" ")
        return token if kind == "Bearer" else ""

    def failure(
        self,
        response: requests.Response,
        message: str,
        credential: Credential | None,
        repository: ImageReference | None = None,
    ) -> SeatrialError:
        """Return the error for an answer with an error status, with the registry's own message if it has one.

        `repository` is set if the request was about pushing to it.
        """
        status = response.status_code
        text = sanitize(f"{self.host} answered {status} {response.reason}{_error_message(response)}", limit=200)
        if status in (_UNAUTHORIZED, _FORBIDDEN):
            return push_refused(self.host, credential, text, repository)
        if status == _NOT_ALLOWED:
            return read_only(message, self.host, text)
        if status == _TOO_MANY:
            limited = RateLimited(message, reason=f"{text} (rate limit)", hint="wait a minute, then run it again")
            after = response.headers.get("Retry-After", "")
            limited.seconds = float(after) if after.isdecimal() else 0.0
            return limited
        if _BAD_REQUEST <= status < _SERVER_ERROR and status != _TIMEOUT:
            return StepFailed(message, reason=text, hint=f"read the answer of {self.host} above")
        hint = f"check that {self.host} is a registry and is up"
        return RegistryUnavailable(message, reason=text, hint=hint, transient=status in _TRANSIENT)

    @property
    def _session(self) -> requests.Session:
        import requests

        if self._cached_session is None:
            self._cached_session = requests.Session()
            self._cached_session.trust_env = False  # neither proxies nor ~/.netrc: only Docker's credentials
            self._cached_session.headers.update({"User-Agent": "seatrial"})
        return self._cached_session

    def _known_authorization(self, scope: str | None) -> dict[str, str]:
        known = self._authorizations.get(scope or "")
        return {"Authorization": known} if known else {}

    def _request_any_scheme(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> requests.Response:
        """Send a request; until the scheme is known, try plain HTTP before HTTPS on loopback."""
        import requests

        if self._base:
            return self._request(method, path, headers, body)
        host = "registry-1.docker.io" if self.host == DOCKER_HUB else self.host
        local = _LOOPBACK.fullmatch(host)
        for scheme in ("http", "https") if local else ("https",):
            self._base = f"{scheme}://{host}"
            if scheme == "https" and not local:
                # As Docker does: also for its token service, and for the host that stores its blobs.
                self._session.mount("https://", _adapter(self.host))
            try:
                response = self._request(method, path, headers, body)
            except requests.exceptions.ConnectionError:
                if scheme == "https":
                    self._base = None
                    raise
                continue
            if scheme == "https" or "HTTPS server" not in response.text[:200]:
                return response
        raise AssertionError("unreachable: the last scheme returns or raises")

    def _request(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> requests.Response:
        import urllib3

        base = self._base or ""
        secure = base.startswith("https:")
        options: dict[str, Any] = {"timeout": _SECONDS, "headers": dict(headers), "data": body}
        # Blobs may be on another host, whatever the scheme; requests does not send the password there.
        follow_redirects = secure or "Authorization" in headers or "/blobs/" in path
        options["allow_redirects"] = follow_redirects and method == "GET"
        if secure and _LOOPBACK.fullmatch(self.host):
            # As Docker does: a server on this machine needs no trusted certificate.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
            options["verify"] = False
        return self._session.request(method, f"{base}{path}", **options)

    def _authorization(
        self, response: requests.Response, credential: Credential | None, scope: str | None
    ) -> str | None:
        """Return the header that answers a challenge, or None if there is none."""
        kind, _, text = response.headers.get("WWW-Authenticate", "").partition(" ")
        if kind.lower() == "basic":
            if credential is None:
                return None
            return _basic(credential)
        if kind.lower() != "bearer":
            return None
        challenge = dict(re.findall(r'(\w+)="([^"]*)"', text))
        fields = {"service": challenge.get("service", ""), "scope": scope or challenge.get("scope", "")}
        fields = {key: value for key, value in fields.items() if value}
        token = self._new_token(challenge.get("realm", ""), fields, credential)
        return f"Bearer {token}" if token else None

    def _new_token(self, realm: str, fields: dict[str, str], credential: Credential | None) -> str | None:
        if not _is_private(realm):
            return None  # a password is never sent unencrypted
        session = self._session
        if credential and credential.token:
            body = {**fields, "grant_type": "refresh_token", "client_id": "seatrial"}
            body["refresh_token"] = credential.secret.reveal()
            # No redirects: requests removes only the header on another host, and would send this body again.
            response = session.post(realm, data=body, timeout=_SECONDS, allow_redirects=False)
        else:
            headers = {"Authorization": _basic(credential)} if credential else {}
            response = session.get(realm, params=fields, headers=headers, timeout=_SECONDS)
        if response.status_code in (_UNAUTHORIZED, _FORBIDDEN) and credential:
            raise push_refused(
                self.host, credential, f"the token service does not accept the credentials{_error_message(response)}"
            )
        if response.status_code != _OK:
            raise self.failure(response, f"{self.host} issues no token", credential)
        try:
            found: dict[str, Any] = dict(response.json())
        except (ValueError, TypeError):
            raise RegistryUnavailable(
                f"{self.host} issues no token",
                reason=f"its token service did not answer with a JSON object: {sanitize(response.text, limit=100)}",
                hint=f"check that {self.host} is a registry and is up",
            ) from None
        token = found.get("token") or found.get("access_token")
        return str(token) if token else None

    def _unreachable(self, text: str) -> RegistryUnavailable:
        local = _LOOPBACK.fullmatch(self.host)
        return RegistryUnavailable(
            f"the registry {self.host} cannot be reached",
            reason=text,
            hint=f"start it (invoke up starts one at the port in the settings), then check: curl http://{self.host}/v2/"
            if local
            else f"check that this machine can reach it: curl https://{self.host}/v2/",
        )


def grants_push(token: str, repository: str) -> bool | None:
    """Return whether a token allows pushing to a repository; None if only the registry can read it."""
    try:
        claims = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        access = found["access"]
        return any(
            one["name"] == repository and {"push", "*"} & set(one["actions"] or ())
            for one in access or ()
            if one["type"] == "repository"
        )
    except (ValueError, KeyError, IndexError, TypeError):
        return None


def _basic(credential: Credential) -> str:
    """Return the header with user and password in UTF-8; requests itself would encode them differently."""
    return f"Basic {base64.b64encode(f'{credential.user}:{credential.secret.reveal()}'.encode()).decode()}"


def _adapter(host: str) -> Any:  # noqa: ANN401  requests has no public name for its type
    """Return an adapter for TLS with the system's certificates and those that Docker uses for this host."""
    from requests.adapters import HTTPAdapter

    context = ssl.create_default_context()
    for file in sorted((*(_CERTIFICATES / host).glob("*.crt"), *(_CERTIFICATES / host).glob("*.cert"))):
        try:
            if file.suffix == ".crt":
                context.load_verify_locations(file)
            else:
                context.load_cert_chain(file, file.with_suffix(".key"))
        except OSError as error:
            raise unreadable(f"cannot connect to the registry {host}", file, str(error.strerror or error)) from error

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401  requests' signature
            super().init_poolmanager(*args, ssl_context=context, **options)

    return Adapter()


def _is_private(url: str) -> bool:
    """Return whether nobody else can read requests to a URL: over TLS, or to this machine itself."""
    scheme, _, rest = url.partition("://")
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    return scheme == "https" or (scheme == "http" and bool(_LOOPBACK.fullmatch(authority)))


def _error_message(response: requests.Response) -> str:
    """Return `: CODE: MESSAGE` from an error answer of the distribution API, else an empty string."""
    try:
        error = response.json()["errors"][0]
        return f": {error['code']}: {error['message']}"
    except (ValueError, KeyError, IndexError, TypeError):
        return ""


def _innermost(error: BaseException) -> str:
    root = error
    while isinstance(inner := getattr(root, "reason", None) or (root.args or (None,))[0], BaseException):
        root = inner
    return sanitize(re.sub(r".*\[Errno -?\d+\] ([^)]*)\)?", r"\1", str(root)), limit=200)
