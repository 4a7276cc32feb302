"""The errors for what a registry refuses, for plain HTTP, and for certificates that are not trusted or readable."""

from __future__ import annotations

import re
from pathlib import Path

from seatrial.errors import Conflict, PushRefused, StepFailed, sanitize
from seatrial.model.reference import DOCKER_HUB, ImageReference
from seatrial.registry.credentials import Credential

__all__ = ["immutable", "plain_http", "push_refused", "read_only", "unreadable", "untrusted"]


def push_refused(
    host: str, credential: Credential | None, answer: str, repository: ImageReference | None = None
) -> PushRefused:
    """Return the error for a registry that denies access, or denies pushing to `repository`."""
    flag = "" if host == DOCKER_HUB else f" --registry {host}"
    if credential is None:
        return PushRefused(
            f"{host} requires a login",
            reason=f"{answer}; Docker has no credentials for it",
            hint=f"invoke login --user NAME{flag}",
        )
    user = "a token" if credential.token else sanitize(credential.user, limit=100)
    origin = f" ({credential.origin})" if credential.origin else ""
    if repository is None:
        return PushRefused(
            f"{host} does not allow {user} to do this",
            reason=f"{answer}; the credentials are those stored for {user}{origin}",
            hint=f"invoke login --user {'NAME' if credential.token else user}{flag}",
        )
    owner = repository.repository.partition("/")[0]
    if host == DOCKER_HUB and not credential.token and owner != user:
        return PushRefused(
            f"{user} may not push to {repository.name}",
            reason=f"{answer}; logged in as {user}{origin}, pushing to {owner}",
            hint=f"invoke login --user {owner} (or push to your own account: --user {user})",
        )
    return PushRefused(
        f"{user} may not push to {repository.name}",
        reason=f"{answer}; logged in as {user}{origin}, whose access token may be read-only",
        hint=f"invoke login --user {'NAME' if credential.token else user}{flag} (with a token that may write)",
    )


def plain_http(host: str, answer: str) -> StepFailed:
    """Return the error for a registry that does not use TLS and is not on this machine."""
    return StepFailed(
        f"cannot connect to the registry {host}",
        reason=f"it speaks plain HTTP, not TLS ({answer}); Docker accepts that only of a registry on this machine",
        hint=f"let {host} serve HTTPS, then check: curl https://{host}/v2/",
        cause="plain-http",
    )


_IMMUTABLE = re.compile(r"immutab|cannot be overwritten|can't be overwritten|not allowed to overwrite", re.IGNORECASE)


def immutable(message: str, host: str, answer: str) -> Conflict | None:
    """Return the error for a tag that a registry never moves, or None if its answer says something else."""
    if not _IMMUTABLE.search(answer):
        return None
    reason = f"the registry {host} never moves a tag: {answer}"
    return Conflict(message, reason=reason, hint="--version NEW (or allow it in the registry's settings)")


def read_only(message: str, host: str, answer: str) -> StepFailed:
    """Return the error for a read-only registry."""
    return StepFailed(
        message,
        reason=f"the registry {host} is read-only: {answer}",
        hint=f"ask the operator of {host} to end its maintenance, then run it again",
        cause="registry-read-only",
    )


def unreadable(message: str, file: Path, problem: str) -> StepFailed:
    """Return the error for a file that should hold a registry's certificate and does not."""
    reason, hint = f"{file} cannot be read as a certificate: {problem}", f"fix {file}, or remove it"
    return StepFailed(message, reason=reason, hint=hint, cause="certificate")


def untrusted(message: str, host: str, answer: str) -> StepFailed:
    """Return the error for a registry whose certificate is not trusted."""
    return StepFailed(
        message,
        reason=f"the certificate of {host} is not trusted: {answer}",
        hint=f"copy the certificate of the authority that signed it to /etc/docker/certs.d/{host}/ca.crt",
        cause="certificate",
    )
