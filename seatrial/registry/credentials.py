"""Credentials where Docker stores them: `config.json` and its helper programs."""

from __future__ import annotations

import base64
import binascii
import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial.errors import CredentialsError
from seatrial.host.atomic_write import replace_file
from seatrial.host.docker_config import DockerConfig
from seatrial.model.reference import DOCKER_HUB

__all__ = ["Credential", "CredentialStore", "Secret"]

_HUB_KEY = "https://index.docker.io/v1/"
_HELPER_SECONDS = 10.0
_TOKEN_USER = "<token>"  # noqa: S105  the docker CLI's word for "the secret is an identity token"


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


@dataclass(frozen=True, kw_only=True)
class Credential:
    """A user of a registry and the password; with `token` the secret is an identity token instead.

    `origin` is the file or helper that it was read from, empty if it was typed.
    """

    user: str
    secret: Secret
    token: bool = False
    origin: str = field(default="", compare=False)


class CredentialStore:
    """The credentials of one Docker configuration folder (`~/.docker`, or what DOCKER_CONFIG names).

    Every method raises `CredentialsError` if the configuration cannot be read; it names file and entry, never a value.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "config.json"

    def get(self, registry: str) -> Credential | None:
        """Return the credential for a registry (its host as in an `ImageReference`), or None."""
        config = DockerConfig.read(self.path)
        if helper := _helper(config, registry):
            return self._ask_helper(helper, registry)
        for key in _keys(registry):
            if key in config.auths:
                return _decode(config, key)
        return None

    def put(self, registry: str, credential: Credential) -> str:
        """Save a credential as `docker login` does, and return the file or helper that holds it."""
        config = DockerConfig.read(self.path)
        key = _keys(registry)[0]
        if helper := _helper(config, registry):
            user, secret = credential.user, credential.secret.reveal()
            self._call(helper, "store", json.dumps({"ServerURL": key, "Username": user, "Secret": secret}))
            return f"docker-credential-{helper}"
        pair = f"{credential.user}:{credential.secret.reveal()}".encode()
        with_password = {"auth": base64.b64encode(pair).decode()}
        entry = {"identitytoken": credential.secret.reveal()} if credential.token else with_password
        self._write({**config.content, "auths": {**config.auths, key: entry}})
        return str(self.path)

    def _write(self, config: dict[str, Any]) -> None:
        """Replace the file in one step, readable by its owner only; a symbolic link to it stays a link."""
        target = self.path.resolve()
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(target, (json.dumps(config, indent="\t") + "\n").encode())

    def _ask_helper(self, helper: str, registry: str) -> Credential | None:
        for key in _keys(registry):
            answer = self._call(helper, "get", key)
            if answer is None:
                continue
            try:
                found = json.loads(answer)
                user, secret = found["Username"], found["Secret"]
            except (ValueError, TypeError, KeyError):
                user = secret = None
            if not (isinstance(user, str) and isinstance(secret, str)):
                raise CredentialsError(
                    f"credentials for {registry} cannot be read",
                    reason=f"docker-credential-{helper} gave an unexpected answer",
                    hint=f"docker login {registry}",
                )
            origin = f"docker-credential-{helper}"
            return Credential(user=user, secret=Secret(secret), token=user == _TOKEN_USER, origin=origin)
        return None

    def _call(self, helper: str, verb: str, text: str) -> str | None:
        """Run a helper and return its answer, or None if it has no such entry; its output is never shown."""
        program = f"docker-credential-{helper}"
        try:
            done = subprocess.run(
                [program, verb],
                input=text,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=_HELPER_SECONDS,
                check=False,
            )
        except OSError:
            reason, hint = "it is not installed", f"install {program}, or remove it from {self.path}"
        except subprocess.TimeoutExpired:
            reason, hint = f"no answer for {_HELPER_SECONDS:g} s", f"{program} list"
        else:
            if done.returncode == 0:
                return done.stdout
            if verb == "get" and "not found" in (done.stdout + done.stderr).lower():
                return None
            reason, hint = f"it ended with exit code {done.returncode}", f"{program} list"
        raise CredentialsError(f"the credential helper {program} does not work", reason=reason, hint=hint)


def _helper(config: DockerConfig, registry: str) -> str | None:
    """Return the short name of the registry's credential helper, or None."""
    found = (config.helpers[key] for key in _keys(registry) if key in config.helpers)
    name = next(found, config.content.get("credsStore")) or None
    if name is not None and (not isinstance(name, str) or "/" in name):
        raise config.damaged(f"the credential helper for {registry} is not a valid name")
    return name


def _decode(config: DockerConfig, key: str) -> Credential | None:
    """Return the credential of one entry, or None if the entry is empty."""
    entry = config.auths[key]
    if not isinstance(entry, dict):
        raise config.damaged(f'the entry "{key}" is not an object')
    token = entry.get("identitytoken")
    if isinstance(token, str) and token:
        return Credential(user=_TOKEN_USER, secret=Secret(token), token=True, origin=str(config.path))
    auth = entry.get("auth")
    if not auth:
        return None
    try:
        user, colon, password = base64.b64decode(auth, validate=True).decode("utf-8").partition(":")
    except (TypeError, ValueError, binascii.Error):
        user = colon = password = ""
    if not colon or not user:
        raise config.damaged(f'the entry "{key}" does not hold base64 of USER:PASSWORD')
    return Credential(user=user, secret=Secret(password.rstrip("\0")), origin=str(config.path))


def _keys(registry: str) -> tuple[str, ...]:
    """Return the names under which Docker may store a registry, its usual one first."""
    if registry == DOCKER_HUB:
        return (_HUB_KEY, "index.docker.io", DOCKER_HUB, "registry-1.docker.io")
    return (
        registry,
        f"https://{registry}",
        f"http://{registry}",
        f"https://{registry}/v2/",
        f"https://{registry}/",
    )
