"""Which images of an app are kept, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from msgspec import Struct

from seatrial.checks.image.policy import policy_fingerprint
from seatrial.engine.model import Image
from seatrial.model.app import INPUTS_LABEL, VERSION_LABEL, App
from seatrial.model.reference import ImageReference
from seatrial.model.version import Tags, Version
from seatrial.pipeline.ledger import Entry
from seatrial.pipeline.world import World
from seatrial.wording import pluralize

__all__ = ["Keeping"]

_ELSEWHERE = "it was built in another folder, or long ago"


class Keeping(Struct, frozen=True, kw_only=True, dict=True):
    """The images of an app in this project's folder and environment, and the rules by which they are kept.

    The newest `keep` versions are kept, and what the last `keep` releases published.
    """

    app: App
    world: World
    keep: int

    @cached_property
    def images(self) -> tuple[Image, ...]:
        """The app's images, the one built last first."""
        found = self.world.engine.images(self.app.labels)
        own = [image for image in found if self.app.is_in_environment(image.labels)]
        built = {image_id: place for place, image_id in enumerate(self.world.state.built(self.app.name))}
        return tuple(sorted(own, key=lambda one: (built.get(one.id, -1), one.created, one.id), reverse=True))

    @cached_property
    def removable(self) -> tuple[Image, ...]:
        """The images that no rule keeps."""
        return tuple(image for image in self.images if self.reason(image) is None)

    @property
    def foreign(self) -> tuple[Image, ...]:
        """The images that this folder does not know: a project of the same name in another one may have built them."""
        return tuple(image for image in self.images if self.reason(image) == _ELSEWHERE)

    def reason(self, image: Image) -> str | None:
        """Return why an image is kept, None if nobody needs it."""
        return next(self._reasons(image), None)

    def _reasons(self, image: Image) -> Iterator[str]:
        if image.id in self._used:
            yield "a container uses it"
        if self._current and image.id == self._current.id:
            yield "it was built last"
        if not self._is_known(image):
            yield _ELSEWHERE
        if named := self._other_name(image):
            yield f"it has a name of its own: {named}"
        if tag := self._moving_tag(image):
            yield f"{tag} points to it"
        if image.id == self._next_push:
            yield "it passed its smoke test and is not published yet"
        if any(_is_of(image, entry) for entry in self._last_releases):
            yield f"it is one of the last {pluralize(self.keep, 'release')}"
        if self.version(image) in self._newest:
            yield f"it is one of the newest {pluralize(self.keep, 'version')}"

    @cached_property
    def _used(self) -> frozenset[str]:
        return frozenset(one.image_id for one in self.world.engine.containers({}))

    @cached_property
    def _current(self) -> Image | None:
        return self.world.current(self.app)

    @cached_property
    def _entries(self) -> tuple[Entry, ...]:
        """The app's entries in the ledger, the latest first."""
        return tuple(entry for entry in self.world.ledger.newest_first() if entry.app == self.app.name)

    @cached_property
    def _last_releases(self) -> tuple[Entry, ...]:
        versions = dict[str, list[str]]()  # by repository: each environment may have one
        for entry in self._entries:
            of_repository = versions.setdefault(entry.repository, [])
            if entry.version not in of_repository and len(of_repository) < self.keep:
                of_repository.append(entry.version)
        return tuple(entry for entry in self._entries if entry.version in versions[entry.repository])

    @cached_property
    def _newest(self) -> frozenset[str]:
        """The newest versions that still have an image of their name."""
        versions = (version for image in self.images if (version := self.version(image)))
        return frozenset(list(dict.fromkeys(versions))[: self.keep])

    @cached_property
    def _next_push(self) -> str | None:
        """The newest image that may be pushed: it passed its checks, and no release published it."""
        facts = policy_fingerprint(self.app)
        passed = (one for one in self.images if self.version(one) and self.world.verified(one, self.app.checks, facts))
        newest = next(passed, None)
        return newest.id if newest and not any(_is_of(newest, entry) for entry in self._entries) else None

    def _is_known(self, image: Image) -> bool:
        """Return whether an image was built in this folder; images themselves do not say where they were built."""
        state, inputs = self.world.state, image.labels.get(INPUTS_LABEL, "")
        return image.id in state.built(self.app.name) or state.built_by(inputs) is not None

    def version(self, image: Image) -> str | None:
        """Return the version under whose name the image is there, None for an image without that name."""
        version = image.labels.get(VERSION_LABEL, "")
        return version if f"{self.app.repository.name}:{version}" in image.tags else None

    def _other_name(self, image: Image) -> str | None:
        """Return a name of the image that neither a build nor `tag` gave it."""
        label = image.labels.get(VERSION_LABEL)
        tags: Sequence[str] = _tags(self.app, label).all if label else ()
        return next((name for name in image.tags if not self._is_own(ImageReference.parse(name), tags, label)), None)

    def _is_own(self, name: ImageReference, tags: Sequence[str], label: str | None) -> bool:
        published = self.app.published_repository or self.app.repository
        last = name.repository.rpartition("/")[2] == published.repository.rpartition("/")[2]
        here = name.name == self.app.repository.name and name.tag == label
        return here or (last and name.tag in tags)

    def _moving_tag(self, image: Image) -> str | None:
        """Return a moving tag of the image, in the engine or by the last entry in the ledger about that tag."""
        label = image.labels.get(VERSION_LABEL)
        moving = _tags(self.app, label).moving if label else ()
        for name in image.tags:
            reference = ImageReference.parse(name)
            if reference.tag in moving and reference.name != self.app.repository.name:
                return name
        for tag in moving:
            last = {entry.repository: entry for entry in reversed(self._entries) if tag in entry.digests}
            if any(_is_of(image, entry) for entry in last.values()):
                return f"the published tag {tag}"
        return None


def _tags(app: App, version: str) -> Tags:
    return Version.parse(version).tags(app.tags)


def _is_of(image: Image, entry: Entry) -> bool:
    """Return whether an entry of the ledger is about this image: by its id, or by a digest that the engine knows."""
    known = {digest.partition("@")[2] for digest in image.digests}
    return image.id == entry.image or bool(known & set(entry.digests.values()))
