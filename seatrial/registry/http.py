"""Requests to one registry, with Basic and Bearer authentication."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from seatrial.errors import PushRefused, RateLimited, RegistryUnavailable, SeatrialError, StepFailed, sanitize
from seatrial.model.reference import ImageReference
from seatrial.registry.connections import Response
from seatrial.registry.credentials import HEADER_TOKEN, Credential, SecretKind
from seatrial.registry.errors import immutable, push_refused, read_only
from seatrial.registry.transport import Transport, is_private

__all__ = ["RegistryHttp", "grants_push"]

_OK, _BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _NOT_ALLOWED = 200, 400, 401, 403, 405
_TIMEOUT, _TOO_MANY, _SERVER_ERROR = 408, 429, 500
_TRANSIENT = (_TIMEOUT, 500, 502, 503, 504)
_READS = ("GET", "HEAD")
_CHALLENGE = re.compile(r'(?:^|(?<=,)) *(Basic|Bearer)\b|(\w+) *= *(?:"([^"]*)"|([^\s,"]+))', re.IGNORECASE)


class RegistryHttp:
    """One registry; `credential` is asked for the credential when the registry wants one."""

    def __init__(self, host: str, credential: Callable[[], Credential | None]) -> None:
        self.host = host
        self.wants_login = False
        self._credential = credential
        self._transport = Transport(host)
        self._authorizations: dict[str, str] = {}

    def send(
        self,
        method: str,
        path: str,
        *,
        scope: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        """Send a request and return the registry's answer, whatever its status; `scope` is the scope of the token.

        Raise `RegistryUnavailable` if there is no answer, and `PushRefused` if these credentials get no token.
        """
        all_headers = {**(headers or {}), **self._known_authorization(scope)}
        response = self._transport.send(method, path, all_headers, body)
        if response.status == _UNAUTHORIZED:
            self.wants_login = True
            header = self._authorization(response, scope)
            if header:
                self._authorizations[scope or ""] = header
                all_headers["Authorization"] = header
                response = self._transport.send(method, path, all_headers, body)
        return response

    def token(self, scope: str) -> str:
        """Return the token that was used for a scope; empty if none was needed."""
        kind, _, token = self._authorizations.get(scope, "").partition(" ")
        return token if kind == "Bearer" else ""

    def failure(self, response: Response, message: str, repository: ImageReference | None = None) -> SeatrialError:
        """Return the error for an answer with an error status, with the registry's own message if it has one.

        `repository` is set if the request was about pushing to it.
        """
        status = response.status
        text = sanitize(f"{self.host} answered {status} {response.reason}{_error_message(response)}", limit=200)
        if _BAD_REQUEST <= status < _SERVER_ERROR and (conflict := immutable(message, self.host, text)):
            return conflict
        if status in (_UNAUTHORIZED, _FORBIDDEN):
            return self.refused(text, repository)
        if status == _NOT_ALLOWED and response.method not in _READS:
            return read_only(message, self.host, text)
        if status == _TOO_MANY:
            limited = RateLimited(message, reason=f"{text} (rate limit)", hint="wait a minute, then run it again")
            return limited.but(seconds=_seconds(response.header("Retry-After")))
        if _BAD_REQUEST <= status < _SERVER_ERROR and status != _TIMEOUT:
            return StepFailed(message, reason=text, hint=f"read the answer of {self.host} above")
        hint = f"check that {self.host} is a registry and is up"
        return RegistryUnavailable(message, reason=text, hint=hint, transient=status in _TRANSIENT)

    def refused(self, answer: str, repository: ImageReference | None = None) -> PushRefused:
        """Return the error for denied access."""
        return push_refused(self.host, self._credential(), answer, repository)

    def _known_authorization(self, scope: str | None) -> dict[str, str]:
        known = self._authorizations.get(scope or "")
        return {"Authorization": known} if known else {}

    def _authorization(self, response: Response, scope: str | None) -> str | None:
        """Return the header that answers a challenge, or None if there is none."""
        credential = self._credential()
        challenges = _challenges(response.header("WWW-Authenticate"))
        challenge = challenges.get("bearer")
        if challenge is None:
            return _basic(credential) if "basic" in challenges and credential and not credential.token else None
        if credential and credential.kind is SecretKind.REGISTRY_TOKEN:
            return f"Bearer {credential.secret.reveal()}"
        fields = {"service": challenge.get("service", ""), "scope": scope or challenge.get("scope", "")}
        fields = {key: value for key, value in fields.items() if value}
        token = self._new_token(challenge.get("realm", ""), fields, credential)
        return f"Bearer {token}" if token else None

    def _new_token(self, realm: str, fields: dict[str, str], credential: Credential | None) -> str | None:
        if not is_private(realm):
            return None  # a password is never sent unencrypted
        if credential and credential.kind is SecretKind.IDENTITY_TOKEN:
            body = {**fields, "grant_type": "refresh_token", "client_id": "seatrial"}
            body["refresh_token"] = credential.secret.reveal()
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            # No redirects: the body holds the token.
            response = self._transport.request(realm, "POST", form, urlencode(body).encode(), follow=False)
        else:
            headers = {"Authorization": _basic(credential)} if credential else {}
            response = self._transport.request(
                f"{realm}{'&' if '?' in realm else '?'}{urlencode(fields)}", "GET", headers
            )
        if response.status in (_UNAUTHORIZED, _FORBIDDEN) and credential:
            raise self.refused(f"the token service does not accept the credentials{_error_message(response)}")
        if response.status != _OK:
            raise self.failure(response, f"{self.host} issues no token")
        try:
            found: Any = json.loads(response.content)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise self._no_token(
                f"its token service did not answer with a JSON object: {sanitize(response.text, limit=100)}"
            )
        token = found.get("token") or found.get("access_token")
        if token and not HEADER_TOKEN.fullmatch(str(token)):
            raise self._no_token("its token contains a line end or another character that no HTTP header may contain")
        return str(token) if token else None

    def _no_token(self, reason: str) -> RegistryUnavailable:
        hint = f"check that {self.host} is a registry and is up"
        return RegistryUnavailable(f"{self.host} issues no token", reason=reason, hint=hint, transient=False)


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


def _seconds(after: str) -> float:
    """Return how long a Retry-After header asks to wait, a number or a date; 0 if it is neither."""
    if after.isdecimal():
        return float(after)
    from email.utils import parsedate_to_datetime

    try:
        return max((parsedate_to_datetime(after) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):  # TypeError: a date without a time zone
        return 0.0


def _challenges(header: str) -> dict[str, dict[str, str]]:
    """Return the ways to authenticate that an answer offers, by their names in lower case, with their parameters."""
    found: dict[str, dict[str, str]] = {}
    parameters: dict[str, str] = {}
    for scheme, name, quoted, plain in _CHALLENGE.findall(header):
        if scheme:
            parameters = found.setdefault(scheme.lower(), {})
        else:
            parameters[name.lower()] = quoted or plain
    return found


def _basic(credential: Credential) -> str:
    """Return the header with user and password, in UTF-8."""
    return f"Basic {base64.b64encode(f'{credential.user}:{credential.secret.reveal()}'.encode()).decode()}"


def _error_message(response: Response) -> str:
    """Return `: CODE: MESSAGE` from an error answer of the distribution API, else an empty string."""
    try:
        error = json.loads(response.content)["errors"][0]
        return f": {error['code']}: {error['message']}"
    except (ValueError, KeyError, IndexError, TypeError):
        return ""
