"""Why a registry does not let us: who we are there, whose the repository is, and what to type."""

from __future__ import annotations

from pathlib import Path

from seatrial.errors import PushRefused, StepFailed
from seatrial.model.reference import DOCKER_HUB, ImageReference
from seatrial.registry.credentials import Credential

__all__ = ["push_refused", "read_only", "unreadable", "untrusted"]


def push_refused(
    host: str, credential: Credential | None, words: str, repository: ImageReference | None = None
) -> PushRefused:
    """Return the error for a registry that does not let us in, or not push to `repository`."""
    flag = "" if host == DOCKER_HUB else f" --registry {host}"
    if credential is None:
        return PushRefused(
            f"{host} wants to know who you are",
            reason=f"{words}; Docker keeps no credentials for it",
            hint=f"invoke login --user NAME{flag}",
        )
    user = "an identity token" if credential.token else credential.user
    origin = f" ({credential.origin})" if credential.origin else ""
    if repository is None:
        return PushRefused(
            f"{host} does not let {user} do this",
            reason=f"{words}; the credentials are those kept for {user}{origin}",
            hint=f"invoke login --user {'NAME' if credential.token else user}{flag}",
        )
    owner = repository.repository.partition("/")[0]
    if host == DOCKER_HUB and not credential.token and owner != user:
        return PushRefused(
            f"{user} may not push to {repository.name}",
            reason=f"{words}; logged in as {user}{origin}, pushing to {owner}",
            hint=f"invoke login --user {owner} (or push to your own: --user {user})",
        )
    return PushRefused(
        f"{user} may not push to {repository.name}",
        reason=f"{words}; logged in as {user}{origin}, whose access token may be for reading only",
        hint=f"invoke login --user {'NAME' if credential.token else user}{flag} (with a token that may write)",
    )


def read_only(what: str, host: str, words: str) -> StepFailed:
    """Return the error for a registry that takes nothing."""
    return StepFailed(
        what,
        reason=f"the registry {host} is read-only: {words}",
        hint=f"ask who runs {host} to end its maintenance, then run it again",
        cause="registry-read-only",
    )


def unreadable(what: str, file: Path, words: str) -> StepFailed:
    """Return the error for a certificate that Docker keeps for a registry, and that is none."""
    reason, hint = f"{file} cannot be read as a certificate: {words}", f"mend {file}, or remove it"
    return StepFailed(what, reason=reason, hint=hint, cause="certificate")


def untrusted(what: str, host: str, words: str) -> StepFailed:
    """Return the error for a registry whose certificate does not prove who it is."""
    return StepFailed(
        what,
        reason=f"the certificate of {host} is not trusted: {words}",
        hint=f"put the certificate of the authority that signed it at /etc/docker/certs.d/{host}/ca.crt",
        cause="certificate",
    )
