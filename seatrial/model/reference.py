"""Names of images, parsed once at the edge."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from seatrial.errors import UsageError, sanitize

__all__ = ["DOCKER_HUB", "OWN_REGISTRY", "ImageReference", "parse_registry", "parse_repository", "parse_user"]

DOCKER_HUB = "docker.io"
OWN_REGISTRY = "localhost"
"""The host in the names of images made here: nobody can take such a name for one of Docker's, nor pull it."""
_HUB_ALIASES = {"docker.io", "index.docker.io", "registry-1.docker.io", "hub.docker.com"}

# The grammar of distribution/reference; every pattern is used with fullmatch.
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_REGISTRY = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]{{1,5}})?")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-f]{32,}")
_USER = re.compile(r"[a-z0-9]+(?:(?:_|__|-+)[a-z0-9]+)*")
_LONGEST_REPOSITORY = 255
_IMAGE_ID = re.compile(r"[0-9a-f]{64}")
_HIGHEST_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class ImageReference:
    """registry / repository : tag @ digest.

    `str()` gives it whole (`docker.io/sposigor/app:1`), `familiar` as the docker CLI shows it (`sposigor/app:1`).
    """

    registry: str = DOCKER_HUB
    repository: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> ImageReference:
        """Return the reference that Docker would understand by `text`; `UsageError` when it would understand none."""
        rest, _, digest = text.partition("@")
        if "@" in text and not _DIGEST.fullmatch(digest):
            raise _bad_reference(text, f"{digest!r} is no digest like sha256:…")
        head, slash, tail = rest.partition("/")
        named = bool(slash) and ("." in head or ":" in head or head == "localhost" or head != head.lower())
        registry, path = (head, tail) if named else (DOCKER_HUB, rest)
        path, colon, tag = path.partition(":")
        if colon and not _TAG.fullmatch(tag):
            raise _bad_reference(text, f"{tag!r} is no tag")
        if not _REGISTRY.fullmatch(registry):
            raise _bad_reference(text, f"{registry!r} is no registry host")
        if registry in _HUB_ALIASES:
            registry = DOCKER_HUB
            path = path if "/" in path else f"library/{path}"
        if not _PATH.fullmatch(path):
            raise _bad_reference(
                text, "a repository is lowercase letters and digits, with . _ - between them, parted by /"
            )
        if _IMAGE_ID.fullmatch(rest):
            raise _bad_reference(text, "64 hexadecimal digits are an image's id, not its name")
        if len(path) > _LONGEST_REPOSITORY:
            raise _bad_reference(text, f"a repository has at most {_LONGEST_REPOSITORY} characters")
        return cls(registry=registry, repository=path, tag=tag or None, digest=digest or None)

    def __str__(self) -> str:
        return f"{self.registry}/{self._path}"

    @property
    def familiar(self) -> str:
        """The name as the docker CLI and the engine's image list show it."""
        if self.registry != DOCKER_HUB:
            return str(self)
        official = self.repository.count("/") == 1
        return self._path.removeprefix("library/") if official else self._path

    @property
    def name(self) -> str:
        """The name without tag and digest, as the engine's image list shows it."""
        return replace(self, tag=None, digest=None).familiar

    @property
    def _path(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}{tag}{digest}"

    def with_tag(self, tag: str) -> ImageReference:
        """Return the same repository under `tag`."""
        return replace(self, tag=tag, digest=None)

    def with_digest(self, digest: str) -> ImageReference:
        """Return the same repository's content of that digest, whatever its tags."""
        return replace(self, tag=None, digest=digest)

    def owned_by(self, user: str, *, registry: str = DOCKER_HUB) -> ImageReference:
        """Return the name this image has as `user`'s in `registry`: its last path component under the user's name."""
        return ImageReference(
            registry=registry, repository=f"{user}/{self.repository.rpartition('/')[2]}", tag=self.tag
        )


def parse_repository(text: str) -> ImageReference:
    """Return the reference for a repository named without tag or digest; `UsageError` otherwise."""
    reference = ImageReference.parse(text)
    if reference.tag or reference.digest:
        raise _bad_reference(text, "the repository stands alone here; the tag is the version's")
    return reference


def parse_user(text: str) -> str:
    """Return `text` when it can be a user's name in a registry: one lowercase path component.

    Raises `UsageError` for anything else, also for what Docker would take for a registry's host (`localhost`, `a.b`).
    """
    if not _USER.fullmatch(text) or text == "localhost" or len(text) > _LONGEST_REPOSITORY:
        raise UsageError(
            f"user {_shown(text)} is no user name",
            reason="a user is one word of lowercase letters and digits, with - or _ between them "
            "(a Docker ID: 4 to 30 lowercase letters and digits)",
            hint=f"--user {_nearest(text)}",
        )
    return text


def parse_registry(text: str) -> str:
    """Return the registry's host with its port as Docker writes it; `UsageError` when `text` is none."""
    _, bracket, tail = text.rpartition("]")
    host, _, port = tail.partition(":")
    named = "." in host or bool(port) or bool(bracket) or host == "localhost"
    if not _REGISTRY.fullmatch(text) or not named or (port and not 0 < int(port) <= _HIGHEST_PORT):
        hint = text.rpartition("://")[2].partition("/")[0]
        fits = hint != text and "." in hint and _REGISTRY.fullmatch(hint)
        raise UsageError(
            f"registry {_shown(text)} is no registry host",
            reason="a registry is HOST or HOST:PORT, without https:// and without a path",
            hint=f"--registry {hint if fits else 'localhost:5050'}",
        )
    return DOCKER_HUB if text in _HUB_ALIASES else text


def _nearest(text: str) -> str:
    """Return the nearest legal name to a wrong one, or a placeholder."""
    found = re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_")[:30]
    return found if _USER.fullmatch(found) and found != "localhost" else "NAME"


def _shown(text: str) -> str:
    return repr(sanitize(text, limit=60))


def _bad_reference(text: str, reason: str) -> UsageError:
    return UsageError(
        f"{_shown(text)} is no image name",
        reason=reason,
        hint="write it like sposigor/app-flask-teste or localhost:5050/demo/app",
    )
