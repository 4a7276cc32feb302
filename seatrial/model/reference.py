"""Image names and their parts: registry, repository, tag, digest, user."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from seatrial.errors import UsageError, sanitize

__all__ = ["DOCKER_HUB", "OWN_REGISTRY", "ImageReference", "parse_registry", "parse_repository", "parse_user"]

DOCKER_HUB = "docker.io"
OWN_REGISTRY = "localhost"
"""The registry in the names of images that Seatrial builds for itself; nothing is pulled from or pushed to it."""
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
    """An image's name: registry/repository:tag@digest.

    `str()` is the full name (`docker.io/sposigor/app:1`), `familiar` the one the docker CLI shows (`sposigor/app:1`).
    """

    registry: str = DOCKER_HUB
    repository: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> ImageReference:
        """Parse `text` as Docker does; raise `UsageError` if Docker would refuse it."""
        rest, _, digest = text.partition("@")
        if "@" in text and not _DIGEST.fullmatch(digest):
            raise _bad_reference(text, f"{digest!r} is not a valid digest; one looks like sha256:…")
        head, slash, tail = rest.partition("/")
        has_registry = bool(slash) and ("." in head or ":" in head or head == "localhost" or head != head.lower())
        registry, path = (head, tail) if has_registry else (DOCKER_HUB, rest)
        path, colon, tag = path.partition(":")
        if colon and not _TAG.fullmatch(tag):
            raise _bad_reference(text, f"{tag!r} is not a valid tag")
        if not _REGISTRY.fullmatch(registry):
            raise _bad_reference(text, f"{registry!r} is not a valid registry host")
        if registry in _HUB_ALIASES:
            registry = DOCKER_HUB
            path = path if "/" in path else f"library/{path}"
        if not _PATH.fullmatch(path):
            raise _bad_reference(
                text, "a repository is lowercase letters and digits, with . _ - between them, separated by /"
            )
        if _IMAGE_ID.fullmatch(rest):
            raise _bad_reference(text, "64 hexadecimal digits are an image id, not a name")
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
        two_parts = self.repository.count("/") == 1  # the docker CLI shows library/a/b as it is
        return self._path.removeprefix("library/") if two_parts else self._path

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
        """Return this repository with `tag` and without a digest."""
        return replace(self, tag=tag, digest=None)

    def with_digest(self, digest: str) -> ImageReference:
        """Return this repository with `digest` and without a tag."""
        return replace(self, tag=None, digest=digest)

    def owned_by(self, user: str, *, registry: str = DOCKER_HUB) -> ImageReference:
        """Return the name `USER/LAST` in `registry`, with the same tag; LAST is the last part of the repository."""
        return ImageReference(
            registry=registry, repository=f"{user}/{self.repository.rpartition('/')[2]}", tag=self.tag
        )


def parse_repository(text: str) -> ImageReference:
    """Parse the name of a repository; raise `UsageError` if it has a tag or a digest."""
    reference = ImageReference.parse(text)
    if reference.tag or reference.digest:
        raise _bad_reference(text, "a repository has no tag and no digest here; the version sets the tag")
    return reference


def parse_user(text: str) -> str:
    """Return `text` if it can be a user's name in a registry: one lowercase path component.

    Raise `UsageError` for anything else, also for names that Docker reads as a registry's host (`localhost`, `a.b`).
    """
    if not _USER.fullmatch(text) or text == "localhost" or len(text) > _LONGEST_REPOSITORY:
        raise UsageError(
            f"{_shown(text)} is not a valid user name",
            reason="a user is one word of lowercase letters and digits, with - or _ between them "
            "(a Docker ID: 4 to 30 lowercase letters and digits)",
            hint=f"--user {_nearest(text)}",
        )
    return text


def parse_registry(text: str) -> str:
    """Return a registry's host and port as Docker writes them; raise `UsageError` if `text` is not valid."""
    _, bracket, tail = text.rpartition("]")
    host, _, port = tail.partition(":")
    is_host = "." in host or bool(port) or bool(bracket) or host == "localhost"
    if not _REGISTRY.fullmatch(text) or not is_host or (port and not 0 < int(port) <= _HIGHEST_PORT):
        inner = text.rpartition("://")[2].partition("/")[0]
        fits = inner != text and "." in inner and _REGISTRY.fullmatch(inner)
        raise UsageError(
            f"{_shown(text)} is not a valid registry",
            reason="a registry is HOST or HOST:PORT, without https:// and without a path",
            hint=f"--registry {inner if fits else 'localhost:5050'}",
        )
    return DOCKER_HUB if text in _HUB_ALIASES else text


def _nearest(text: str) -> str:
    """Return a valid user name that resembles an invalid one, or the placeholder NAME."""
    found = re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_")[:30]
    return found if _USER.fullmatch(found) and found != "localhost" else "NAME"


def _shown(text: str) -> str:
    return repr(sanitize(text, limit=60))


def _bad_reference(text: str, reason: str) -> UsageError:
    return UsageError(
        f"{_shown(text)} is not a valid image name",
        reason=reason,
        hint="write a name such as sposigor/app-flask-teste or localhost:5050/demo/app",
    )
