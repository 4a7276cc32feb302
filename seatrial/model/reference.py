"""Image names and their parts: registry, repository, tag, digest, user."""

from __future__ import annotations

import re

from msgspec import Struct
from msgspec.structs import replace

from seatrial.errors import UsageError, sanitize
from seatrial.model.tag import TAG

__all__ = [
    "DOCKER_HUB",
    "OWN_REGISTRY",
    "ImageReference",
    "parse_login",
    "parse_registry",
    "parse_repository",
    "parse_user",
]

DOCKER_HUB = "docker.io"
OWN_REGISTRY = "localhost"
"""The registry in the names of images that Seatrial builds for itself; nothing is pulled from or pushed to it."""
_HUB_NAMES = ("docker.io", "index.docker.io")
_HUB_HOSTS = (*_HUB_NAMES, "registry-1.docker.io", "hub.docker.com")
_PAGES = {
    DOCKER_HUB: "https://hub.docker.com/r",
    "quay.io": "https://quay.io/repository",
    "public.ecr.aws": "https://gallery.ecr.aws",
}

# The grammar of distribution/reference; every pattern is used with fullmatch.
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_REGISTRY = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]{{1,5}})?")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")
_LONGEST_REPOSITORY = 255
_IMAGE_ID = re.compile(r"[0-9a-f]{64}")
_HIGHEST_PORT = 65535


class ImageReference(Struct, frozen=True, kw_only=True):
    """An image's name: registry/repository:tag@digest.

    `str()` is the full name (`docker.io/sposigor/app:1`), `familiar` the short one for the docker CLI
    (`sposigor/app:1`).
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
            raise _bad_reference(text, "after @ comes a digest: sha256: and 64 hexadecimal digits (or sha384, sha512)")
        head, slash, tail = rest.partition("/")
        registry, path = (head, tail) if slash and _is_host(head) else (DOCKER_HUB, rest)
        path, colon, tag = path.partition(":")
        if colon and not TAG.fullmatch(tag):
            raise _bad_reference(text, f"{tag!r} is not a valid tag")
        if not _REGISTRY.fullmatch(registry):
            raise _bad_reference(text, f"{registry!r} is not a valid registry host")
        if registry in _HUB_NAMES:
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
        """The shortest name that Docker takes for this one; its image list shows it, but for users like `jane.doe`."""
        if self.registry != DOCKER_HUB or _is_host(self.repository.partition("/")[0]):
            return str(self)
        two_parts = self.repository.count("/") == 1  # the docker CLI shows library/a/b as it is
        return self._path.removeprefix("library/") if two_parts else self._path

    @property
    def name(self) -> str:
        """The name without tag and digest, as the engine's image list shows it."""
        return replace(self, tag=None, digest=None).familiar

    @property
    def page(self) -> str | None:
        """The address of the repository's page for people, None unless that is known for its registry."""
        if self.registry == DOCKER_HUB and self.repository.startswith("library/"):
            return f"https://hub.docker.com/_/{self.repository.removeprefix('library/')}"
        start = _PAGES.get(self.registry)
        return f"{start}/{self.repository}" if start else None

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
    """Return `text` if it can be a user or a namespace in a registry: lowercase components of a path.

    Raise `UsageError` for anything else, also for what Docker always reads as a registry's host (`localhost`).
    """
    if not _PATH.fullmatch(text) or text == "localhost" or len(text) > _LONGEST_REPOSITORY:
        name, colon, _ = text.partition(":")
        raise UsageError(
            f"{_shown(f'{name}:***' if colon else text)} is not a valid user name",
            reason="a user is one word of lowercase letters and digits, with . - or _ between them "
            "(a Docker ID: 4 to 30 lowercase letters and digits); registries other than Docker Hub also have org/team",
            hint=f"--user {_nearest(name)}",
        )
    return text


def parse_login(text: str) -> str:
    """Return `text` if somebody can log in under that name, such as `AWS` or `jane@example.org`, else `UsageError`."""
    name, colon, _ = text.partition(":")
    if not text or colon or not text.isprintable() or len(text) > _LONGEST_REPOSITORY:
        raise UsageError(
            f"{_shown(f'{name}:***' if colon else text)} is not a valid user name",
            reason="a user's name has no colon and no control character; the password is typed, or --password-stdin",
            hint=f"--user {_nearest(name)}",
        )
    return text


def parse_registry(text: str) -> str:
    """Return a registry's host and port as Docker writes them; raise `UsageError` if `text` is not valid."""
    if not _is_registry(text):
        authority = text.rpartition("://")[2].partition("/")[0].rpartition("@")[2].strip().strip("-")
        host = re.sub(r":[^\]]*$", "", authority)
        near = (authority, host, f"{host}:5000")
        raise UsageError(
            f"{_shown(text)} is not a valid registry",
            reason="a registry is HOST or HOST:PORT, without https:// and without a path",
            hint=f"--registry {next(filter(_is_registry, near), DOCKER_HUB)}",
        )
    return DOCKER_HUB if text in _HUB_HOSTS else text


def _is_host(component: str) -> bool:
    """Return whether Docker takes the first component of a name for a registry's host."""
    return "." in component or ":" in component or component == "localhost" or component != component.lower()


def _is_registry(text: str) -> bool:
    port = text.rpartition("]")[2].partition(":")[2]
    return bool(_REGISTRY.fullmatch(text)) and _is_host(text) and (not port or 0 < int(port) <= _HIGHEST_PORT)


def _nearest(text: str) -> str:
    """Return a valid user name that resembles an invalid one, or the placeholder NAME."""
    found = re.sub(r"[^a-z0-9_.-]+", "-", text.lower()).strip("-_.")[:30]
    return found if _PATH.fullmatch(found) and found != "localhost" else "NAME"


def _shown(text: str) -> str:
    """Return what was typed in quotes, without a user and a password before a host."""
    login, at, host = text.rpartition("@")
    return repr(sanitize(f"***@{host}" if at and ":" in login and not host.startswith("sha") else text, limit=60))


def _bad_reference(text: str, reason: str) -> UsageError:
    return UsageError(
        f"{_shown(text)} is not a valid image name",
        reason=reason,
        hint="write a name such as sposigor/app-flask-teste or localhost:5050/demo/app",
    )
