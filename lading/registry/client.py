"""What the engine cannot tell of a registry: which digest it holds under a tag, and whether it knows a user."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from lading.credentials import Credential, CredentialStore
from lading.errors import LadingError, PushRefused, RegistryUnavailable, cleaned
from lading.reference import DOCKER_HUB, ImageReference

if TYPE_CHECKING:
    import requests

__all__ = ["HttpRegistry", "Manifest", "Registry", "refused"]

_MANIFEST_TYPES = (
    "application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)
_SECONDS = (5.0, 30.0)
_LOOPBACK = re.compile(r"(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?")
_OK, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY, _SERVER_ERROR = 200, 401, 403, 404, 429, 500


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a registry holds under a name: the manifest's digest, and its config's digest (None for an index)."""

    digest: str
    config: str | None


class Registry(Protocol):
    """One registry, asked with the credentials Docker keeps for it.

    Every method may raise `RegistryUnavailable`, and `PushRefused` when the registry does not let us in.
    """

    @property
    def host(self) -> str:
        """The host as in an `ImageReference`."""
        ...

    def credential(self) -> Credential | None:
        """Give what Docker keeps for this registry, or nothing."""
        ...

    def manifest(self, reference: ImageReference) -> Manifest | None:
        """Give what the registry holds under a tag, or nothing."""
        ...

    def prove(self, credential: Credential) -> None:
        """Return when the registry accepts this credential, raise `PushRefused` when it does not."""
        ...

    def keep(self, credential: Credential) -> str:
        """Keep the credential where Docker keeps it, and say where."""
        ...


class HttpRegistry:
    """A registry that speaks the distribution API; plain HTTP only where Docker allows it, on loopback."""

    def __init__(self, host: str, store: CredentialStore) -> None:
        self.host = host
        self._store = store
        self._base: str | None = None

    def credential(self) -> Credential | None:
        """Give what Docker keeps for this registry, or nothing."""
        return self._store.get(self.host)

    def keep(self, credential: Credential) -> str:
        """Keep the credential where Docker keeps it, and say where."""
        return self._store.put(self.host, credential)

    def manifest(self, reference: ImageReference) -> Manifest | None:
        """Give what the registry holds under a tag, or nothing; its digest is the one of the bytes received."""
        path = f"/v2/{reference.repository}/manifests/{reference.digest or reference.tag or 'latest'}"
        answer = self._get(path, self.credential(), scope=f"repository:{reference.repository}:pull")
        if answer.status_code == _NOT_FOUND:
            return None
        if answer.status_code != _OK:
            raise self._failure(answer, f"{reference} cannot be looked up")
        digest = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
        try:
            config = json.loads(answer.content).get("config")
        except (ValueError, AttributeError):
            raise RegistryUnavailable(
                f"{reference} cannot be looked up",
                why=f"{self.host} answered with no manifest: {cleaned(answer.text, limit=100)}",
                mend=f"look whether {self.host} is a registry",
            ) from None
        return Manifest(digest=digest, config=config.get("digest") if isinstance(config, dict) else None)

    def prove(self, credential: Credential) -> None:
        """Return when the registry accepts this credential, raise `PushRefused` when it does not."""
        answer = self._get("/v2/", credential, scope=None)
        if answer.status_code != _OK:
            raise self._failure(answer, f"{credential.user} cannot log in to {self.host}", credential)

    def _get(self, path: str, credential: Credential | None, scope: str | None) -> requests.Response:
        import requests

        with requests.Session() as session:
            session.trust_env = False  # neither proxies nor ~/.netrc: only what Docker keeps
            session.headers.update({"Accept": _MANIFEST_TYPES, "User-Agent": "lading"})
            session.verify = requests.utils.DEFAULT_CA_BUNDLE_PATH
            try:
                answer = self._first(session, path)
                if answer.status_code == _UNAUTHORIZED:
                    header = self._authorization(session, answer, credential, scope)
                    if header:
                        headers = {"Authorization": header}
                        answer = session.get(f"{self._base}{path}", headers=headers, timeout=_SECONDS)
            except requests.RequestException as error:
                raise self._unreachable(error) from error
            return answer

    def _first(self, session: requests.Session, path: str) -> requests.Response:
        """Ask without credentials; on loopback try plain HTTP first and HTTPS when that is what is spoken there."""
        import requests

        host = "registry-1.docker.io" if self.host == DOCKER_HUB else self.host
        schemes = ("http", "https") if _LOOPBACK.fullmatch(host) else ("https",)
        for scheme in schemes:
            self._base = f"{scheme}://{host}"
            try:
                answer = session.get(f"{self._base}{path}", timeout=_SECONDS, allow_redirects=scheme == "https")
            except requests.exceptions.ConnectionError:
                if scheme == schemes[-1] or len(schemes) == 1:
                    raise
                continue
            if scheme == schemes[-1] or "HTTPS server" not in answer.text[:200]:
                return answer
        raise AssertionError("unreachable: the last scheme returns or raises")

    def _authorization(
        self,
        session: requests.Session,
        answer: requests.Response,
        credential: Credential | None,
        scope: str | None,
    ) -> str | None:
        """Give the header that answers a challenge, or nothing when we have none to give."""
        kind, _, words = answer.headers.get("WWW-Authenticate", "").partition(" ")
        if kind.lower() == "basic":
            if credential is None:
                return None
            pair = f"{credential.user}:{credential.secret.reveal()}".encode()
            return f"Basic {base64.b64encode(pair).decode()}"
        if kind.lower() != "bearer":
            return None
        challenge = dict(re.findall(r'(\w+)="([^"]*)"', words))
        fields = {"service": challenge.get("service", ""), "scope": scope or challenge.get("scope", "")}
        fields = {key: value for key, value in fields.items() if value}
        token = self._token(session, challenge.get("realm", ""), fields, credential)
        return f"Bearer {token}" if token else None

    def _token(
        self, session: requests.Session, realm: str, fields: dict[str, str], credential: Credential | None
    ) -> str | None:
        if not _is_private(realm):
            return None  # a password is sent in the clear to nobody
        if credential and credential.token:
            body = {**fields, "grant_type": "refresh_token", "client_id": "lading"}
            body["refresh_token"] = credential.secret.reveal()
            # Not followed elsewhere: requests takes the header away there, and would send this body again.
            answer = session.post(realm, data=body, timeout=_SECONDS, allow_redirects=False)
        else:
            auth = (credential.user, credential.secret.reveal()) if credential else None
            answer = session.get(realm, params=fields, auth=auth, timeout=_SECONDS)
        if answer.status_code in (_UNAUTHORIZED, _FORBIDDEN) and credential:
            raise refused(self.host, credential, "the token service does not accept the credentials")
        if answer.status_code != _OK:
            raise self._failure(answer, f"{self.host} gives no token")
        try:
            found: dict[str, Any] = dict(answer.json())
        except (ValueError, TypeError):
            raise RegistryUnavailable(
                f"{self.host} gives no token",
                why=f"its token service answered with no JSON object: {cleaned(answer.text, limit=100)}",
                mend=f"look whether {self.host} is a registry and well",
            ) from None
        token = found.get("token") or found.get("access_token")
        return str(token) if token else None

    def _failure(self, answer: requests.Response, what: str, credential: Credential | None = None) -> LadingError:
        status = answer.status_code
        words = cleaned(f"{self.host} answered {status} {answer.reason}", limit=200)
        if status in (_UNAUTHORIZED, _FORBIDDEN):
            return refused(self.host, credential or self.credential(), words)
        if status == _TOO_MANY:
            return RegistryUnavailable(what, why=f"{words} (rate limit)", mend="wait a minute, then run it again")
        return RegistryUnavailable(what, why=words, mend=f"look whether {self.host} is a registry and well")

    def _unreachable(self, error: Exception) -> RegistryUnavailable:
        root: BaseException = error
        while isinstance(inner := getattr(root, "reason", None) or (root.args or (None,))[0], BaseException):
            root = inner
        words = re.sub(r".*\[Errno -?\d+\] ", "", str(root))
        local = _LOOPBACK.fullmatch(self.host)
        return RegistryUnavailable(
            f"the registry {self.host} cannot be reached",
            why=cleaned(words, limit=200),
            mend=f"start it (invoke up starts one at the port in the settings): curl http://{self.host}/v2/"
            if local
            else f"look whether this machine reaches https://{self.host}/v2/",
        )


def _is_private(url: str) -> bool:
    """Whether what is sent there nobody else can read: over TLS, or to this machine itself."""
    scheme, _, rest = url.partition("://")
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    return scheme == "https" or (scheme == "http" and bool(_LOOPBACK.fullmatch(authority)))


def refused(host: str, credential: Credential | None, words: str) -> PushRefused:
    """Give the error for a registry that does not let us in, naming who we are there and what to type."""
    flag = "" if host == DOCKER_HUB else f" --registry {host}"
    if credential is None:
        return PushRefused(
            f"{host} wants to know who you are",
            why=f"{words}; Docker keeps no credentials for it",
            mend=f"invoke login --user NAME{flag}",
        )
    return PushRefused(
        f"{host} does not let {credential.user} do this",
        why=words,
        mend=f"invoke login --user {credential.user}{flag}",
    )
