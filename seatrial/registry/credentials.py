"""Credentials where Docker stores them: `DOCKER_AUTH_CONFIG`, `config.json` and its helper programs."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Final

from seatrial.errors import CredentialsError
from seatrial.host.atomic_write import replace_file
from seatrial.host.docker_config import DockerConfig
from seatrial.host.subprocesses import exchange
from seatrial.model.reference import DOCKER_HUB

__all__ = ["AUTH_CONFIG", "HEADER_TOKEN", "Credential", "CredentialStore", "HelperError", "Secret", "SecretKind"]

AUTH_CONFIG = "DOCKER_AUTH_CONFIG"
HEADER_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
"""A token that an HTTP header can contain."""

_HUB_KEY = "https://index.docker.io/v1/"
_HELPER_SECONDS = 10.0
_TOKEN_USER = "<token>"  # noqa: S105  the docker CLI's word for "the secret is an identity token"
_BASE64 = re.compile(r"[A-Za-z0-9+/\r\n]+={0,2}[\r\n]*")
_SECRET_FIELDS = ("auth", "identitytoken", "registrytoken", "username", "password")
# What helpers say if they hold nothing for a registry: the protocol's own words, and those of macOS, Windows and pass.
_NO_ENTRY = re.compile(
    r"credentials? not found|could not be found in the keychain|element not found"
    r"|\bno (stored |matching |such )?(credentials?(?! server| user)|entry|entries|item|usernames?)\b",
    re.IGNORECASE,
)
_MISSING_PROGRAM = re.compile(r'exec: "([\w.+/-]{1,60})"|executable file not found|command not found', re.IGNORECASE)


class HelperError(CredentialsError):
    """A credential helper does not work."""

    cause = "credential-helper"


class Secret:
    """Text that is never shown: its `str()` and `repr()` are `***`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    __hash__ = None  # type: ignore[assignment]  # a secret must not be a key

    def reveal(self) -> str:
        """Return the text itself, for the code that must send it."""
        return self._text


class SecretKind(Enum):
    """What a secret is: a password, a token that is exchanged for access tokens, or an access token itself."""

    PASSWORD = "password"  # noqa: S105  a name
    IDENTITY_TOKEN = "identitytoken"  # noqa: S105  as above
    REGISTRY_TOKEN = "registrytoken"  # noqa: S105  as above


@dataclass(frozen=True, kw_only=True)
class Credential:
    """A user of a registry, and the password or token; a token's user is `<token>`.

    `origin` is the file, variable or helper that it was read from, empty if it was typed.
    """

    user: str
    secret: Secret
    kind: SecretKind = SecretKind.PASSWORD
    origin: str = field(default="", compare=False)

    @property
    def token(self) -> bool:
        """Whether the secret is a token, which does not tell the user's name."""
        return self.kind is not SecretKind.PASSWORD


class CredentialStore:
    """The credentials of one Docker configuration folder (`~/.docker`, or what DOCKER_CONFIG names).

    `auth_config` is the value of DOCKER_AUTH_CONFIG, whose entries come first. `warnings` is what the user should know
    about the credentials that were read. Every method raises `CredentialsError` if the configuration cannot be read; it
    names file and entry, never a value.
    """

    def __init__(self, folder: Path, auth_config: str = "") -> None:
        self.path = folder / "config.json"
        self.warnings: list[str] = []
        self._auth_config = auth_config

    def get(self, registry: str) -> Credential | None:
        """Return the credential for a registry (its host as in an `ImageReference`), or None."""
        found = self._from_environment(registry)
        if found:
            return found
        config = DockerConfig.read(self.path)
        if config.exposed:
            self._warn(f"other users of this machine can read the passwords in {self.path}: chmod 600 {self.path}")
        helper = _helper(config, registry)
        found = self._ask_helper(helper, registry) if helper else None
        return found or _find(config.auths, registry, str(config.path), config.damaged)

    def put(self, registry: str, credential: Credential) -> str:
        """Save a credential as `docker login` does, and return the file or helper that holds it."""
        config = DockerConfig.read(self.path)
        key = _key(registry)
        if helper := _helper(config, registry):
            user, secret = credential.user, credential.secret.reveal()
            self._call(helper, "store", json.dumps({"ServerURL": key, "Username": user, "Secret": secret}))
            return f"docker-credential-{helper}"
        pair = f"{credential.user}:{credential.secret.reveal()}".encode()
        with_password = {"auth": base64.b64encode(pair).decode()}
        entry = {credential.kind.value: credential.secret.reveal()} if credential.token else with_password
        self._write({**config.content, "auths": {**config.auths, key: entry}})
        return str(self.path)

    def _write(self, config: dict[str, Any]) -> None:
        """Replace the file in one step, readable by its owner only; a symbolic link to it stays a link."""
        target = self.path.resolve()
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(target, (json.dumps(config, indent="\t") + "\n").encode())
        except OSError as error:
            raise CredentialsError(
                "the password cannot be stored",
                reason=f"{error.filename or target}: {error.strerror}",
                hint="export DOCKER_CONFIG=FOLDER (a folder that this user can write), then log in again",
            ) from error

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)

    def _from_environment(self, registry: str) -> Credential | None:
        """Return the credential that DOCKER_AUTH_CONFIG holds; warn and use none of it if it is damaged, as docker."""
        if not self._auth_config:
            return None
        try:
            content = json.loads(self._auth_config)
            auths = content["auths"]
            if content.keys() != {"auths"} or any(entry.keys() != {"auth"} for entry in auths.values()):
                raise _damaged_variable("it may hold only auths, with auth for each registry")
            return _find(auths, registry, AUTH_CONFIG, _damaged_variable)
        except (CredentialsError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            reason = error.reason if isinstance(error, CredentialsError) else "it is not a JSON object with auths"
            self._warn(f"{AUTH_CONFIG} is not used: {reason}")
            return None

    def _ask_helper(self, helper: str, registry: str) -> Credential | None:
        answer = self._call(helper, "get", _key(registry))
        if answer is None:
            return None
        try:
            found = json.loads(answer)
            user, secret = found["Username"], found["Secret"]
        except (ValueError, TypeError, KeyError, RecursionError):
            user = secret = None
        if not (isinstance(user, str) and isinstance(secret, str)):
            reason = f"docker-credential-{helper} gave an unexpected answer"
            raise HelperError(
                f"credentials for {registry} cannot be read", reason=reason, hint=f"docker login {registry}"
            )
        if not user and not secret:
            return None  # as docker-credential-pass answers for a registry that it does not know
        kind = SecretKind.IDENTITY_TOKEN if user == _TOKEN_USER else SecretKind.PASSWORD
        return Credential(user=user, secret=Secret(secret), kind=kind, origin=f"docker-credential-{helper}")

    def _call(self, helper: str, verb: str, text: str) -> str | None:
        """Run a helper and return its answer, or None if it has no such entry; its output is never shown.

        The SDK's `docker.credentials.Store` does the same without limits, and lets its standard error through.
        """
        program = f"docker-credential-{helper}"
        reason, hint = "", f"{program} list"
        try:
            code, out, err = exchange([program, verb], text, seconds=_HELPER_SECONDS)
        except FileNotFoundError:
            reason, hint = "it is not installed", f"install {program}, or remove it from {self.path}"
        except OSError as error:
            reason = error.strerror or str(error)
        else:
            if code == 0:
                return out
            reason = f"it ended with exit code {code}"
            if missing := _MISSING_PROGRAM.search(out + err):
                needed = missing[1] or "a program"
                reason, hint = f"{needed}, which it needs, is not installed", f"install {needed}, then run: {hint}"
            elif verb == "get" and _NO_ENTRY.search(out + err):
                return None
        raise HelperError(f"the credential helper {program} does not work", reason=reason, hint=hint)


def _damaged_variable(reason: str) -> CredentialsError:
    return CredentialsError(f"{AUTH_CONFIG} is damaged", reason=reason, hint=f"unset {AUTH_CONFIG}")


def _helper(config: DockerConfig, registry: str) -> str | None:
    """Return the short name of the registry's credential helper, or None."""
    names = (_HUB_KEY, "index.docker.io", DOCKER_HUB) if registry == DOCKER_HUB else (registry, f"https://{registry}")
    found = (config.helpers[key] for key in names if key in config.helpers)
    name = next(found, config.content.get("credsStore")) or None
    if name is not None and (not isinstance(name, str) or "/" in name):
        raise config.damaged(f"the credential helper for {registry} is not a valid name")
    return name


def _find(
    auths: Mapping[str, Any], registry: str, origin: str, damaged: Callable[[str], CredentialsError]
) -> Credential | None:
    """Return the credential of a registry's entry, or None; an entry's key may also be a URL on the registry's host."""
    if not auths:
        return None
    keys = [key for key in auths if _host_of(key) == registry]
    keys.sort(key=lambda key: key != _key(registry))
    return _decode(keys[0], auths[keys[0]], origin, damaged) if keys else None


def _decode(key: str, entry: object, origin: str, damaged: Callable[[str], CredentialsError]) -> Credential | None:
    """Return the credential of one entry, or None if the entry is empty."""
    if not isinstance(entry, dict):
        raise damaged(f'the entry "{key}" is not an object')
    given = {name: entry[name] for name in _SECRET_FIELDS if entry.get(name)}
    if not_text := [name for name, value in given.items() if not isinstance(value, str)]:
        raise damaged(f'the entry "{key}" does not hold text under {not_text[0]}')
    for kind in (SecretKind.REGISTRY_TOKEN, SecretKind.IDENTITY_TOKEN):
        if token := given.get(kind.value):
            if not HEADER_TOKEN.fullmatch(token):
                raise damaged(f'the {kind.value} of the entry "{key}" has a character that no HTTP header may have')
            return Credential(user=_TOKEN_USER, secret=Secret(token), kind=kind, origin=origin)
    if "auth" not in given:
        user, password = given.get("username", ""), given.get("password", "")
        return Credential(user=user, secret=Secret(password), origin=origin) if user else None
    try:
        pair = base64.b64decode(given["auth"]) if _BASE64.fullmatch(given["auth"]) else b""
        user, colon, password = pair.decode().partition(":")
    except UnicodeDecodeError:
        raise damaged(f'user or password in the entry "{key}" is not UTF-8') from None
    except ValueError:
        user = colon = password = ""
    if not (user and colon):
        raise damaged(f'the entry "{key}" does not hold base64 of USER:PASSWORD')
    return Credential(user=user, secret=Secret(password.rstrip("\0")), origin=origin)


def _host_of(key: str) -> str:
    """Return the host of the registry that an entry's key names, as in an `ImageReference`; it may be a URL."""
    host = re.sub("^https?://", "", key).partition("/")[0]
    return DOCKER_HUB if host == "index.docker.io" else host


def _key(registry: str) -> str:
    """Return the name under which Docker stores a registry's credential."""
    return _HUB_KEY if registry == DOCKER_HUB else registry
