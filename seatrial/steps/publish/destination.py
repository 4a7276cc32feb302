"""Where an image is published: a user's repository in a registry, and the image's tags there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from seatrial.errors import UsageError
from seatrial.model.app import UNCOMMITTED_LABEL, VERSION_LABEL, App
from seatrial.model.reference import DOCKER_HUB, ImageReference
from seatrial.model.version import Tags, Version

if TYPE_CHECKING:  # wrong use ends before the engine is loaded
    from seatrial.engine.model import Image

__all__ = ["Destination", "join_references", "version_of"]


class Destination(Struct, frozen=True, kw_only=True, dict=True):
    """An app's repository in a registry: below a user's name or, without a user, as the app's settings name it."""

    target: App
    user: str | None
    registry: str = DOCKER_HUB

    @cached_property
    def repository(self) -> ImageReference:
        """The repository, without a tag."""
        named = self.target.published_repository or self.target.repository
        return (
            named.owned_by(self.user, registry=self.registry) if self.user else replace(named, registry=self.registry)
        )

    @property
    def flags(self) -> str:
        """The command-line flags for this destination, each with a blank before it."""
        named = self.target.published_repository
        usual = named.registry if named else DOCKER_HUB
        user = f" --user {self.user}" if self.user else ""
        return user + ("" if self.registry == usual else f" --registry {self.registry}")

    def check(self, others: Iterable[Destination]) -> None:
        """Raise `UsageError` if there can be no such repository, or if it is another app's, too."""
        if self.registry == DOCKER_HUB and self.repository.repository.count("/") != 1:
            raise UsageError(
                f"{self.repository} is not a repository of Docker Hub",
                reason="there a repository is USER/NAME; other registries have namespaces of several components",
                hint="--registry HOST (or --user NAME)",
            )
        for other in others:
            if other.target.name != self.target.name and other.repository == self.repository:
                names = " and ".join(sorted((self.target.name, other.target.name)))
                raise UsageError(
                    f"the apps {names} would both be published as {self.repository.name}",
                    reason="only the last part of the setting repository is kept behind the user's name",
                    hint=f"published_repository: {self.repository.name}-{self.target.name}",
                )

    def tags(self, version: Version, *, moves: bool = True) -> Tags:
        """Return a version's tags; raise `UsageError` if the version is named like a moving tag such as `latest`."""
        if version.text in self.target.tags:
            raise UsageError(
                f"version {version} cannot be published",
                reason=f"{version} is a moving tag: it follows the newest release",
                hint="--version 1",
            )
        return version.tags(self.target.tags, moves=moves)

    def tags_of(self, image: Image) -> Tags:
        """Return an image's tags; an image with uncommitted changes has no moving tags."""
        return self.tags(version_of(image), moves=UNCOMMITTED_LABEL not in image.labels)

    def references(self, image: Image) -> tuple[ImageReference, ...]:
        """Return an image's references there: its version's own tags first, then the moving ones."""
        return tuple(self.repository.with_tag(tag) for tag in self.tags_of(image).all)


def version_of(image: Image) -> Version:
    """Return the version an image was built as; raise `UsageError` if Seatrial did not build it."""
    label = image.labels.get(VERSION_LABEL)
    if label is None:
        raise UsageError(
            f"the image {image.id} has no version",
            reason=f"Seatrial did not build it: the label {VERSION_LABEL} is missing",
            hint="invoke build --version 1",
        )
    return Version.parse(label)


def join_references(references: Sequence[ImageReference], *, short: bool = False) -> str:
    """Return references of one repository as text: `demo/app:1, :1.4 and :latest`; `short` omits the repository."""
    first, *rest = references
    names = [f":{first.tag}" if short else first.familiar, *(f":{reference.tag}" for reference in rest)]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
