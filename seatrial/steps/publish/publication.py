"""What a registry holds under each tag of an image, and what a push would do with each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from seatrial.engine.model import Image
from seatrial.engine.protocol import Emit
from seatrial.errors import Conflict, NotAnImage, SeatrialError, sanitize
from seatrial.events import TagPublished
from seatrial.model.app import UNCOMMITTED_LABEL, VERSION_LABEL
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.outcome import Difference
from seatrial.pipeline.step import Change
from seatrial.pipeline.world import World
from seatrial.registry.model import Manifest
from seatrial.steps.publish.destination import Destination, join_references, version_of
from seatrial.steps.publish.retag import TagErrors
from seatrial.wording import prefixed_digest

__all__ = [
    "Publication",
    "conflict",
    "is_own_version",
    "is_same_image",
    "moved_name",
    "published_version",
    "record_change",
]


class Publication(Struct, frozen=True, kw_only=True):
    """An image's references in a registry: the version's `own` tags and the `moving` ones.

    `manifests` is what the registry holds under each, `not_moved` why a moving tag does not move, and `versions` maps
    the digests that moving tags have now to versions.
    """

    image: Image
    own: tuple[ImageReference, ...]
    moving: tuple[ImageReference, ...]
    manifests: Mapping[ImageReference, Manifest | None]
    not_moved: Mapping[ImageReference, str]
    versions: Mapping[str, str] = {}

    @classmethod
    def of(
        cls, world: World, destination: Destination, image: Image, *, overwrite: bool = False, backwards: bool = False
    ) -> Publication:
        """Read the tags from the registry.

        A moving tag does not move if a newer version of its line is published, unless `backwards` is set, or if it was
        published as a version itself, unless `overwrite` is set. Raises `Conflict` if the version is published with
        other content, unless `overwrite` is set.
        """
        tags, repository = destination.tags_of(image), destination.repository
        own, moving = (tuple(repository.with_tag(tag) for tag in group) for group in (tags.own, tags.moving))
        manifests = {reference: world.published_manifest(reference) for reference in (*own, *moving)}
        for reference in own:
            found = manifests[reference]
            if found and not is_same_image(image, reference, found) and not overwrite:
                raise conflict(world, destination, reference, found, f"not the image {image.id}")
        elsewhere = [reference for reference in moving if not is_same_image(image, reference, manifests[reference])]
        not_moved = {} if backwards or not elsewhere else _newer(world, destination, version_of(image), elsewhere)
        for reference in elsewhere:
            found = manifests[reference]
            if (
                reference not in not_moved
                and found
                and not overwrite
                and is_own_version(world, destination, reference, found)
            ):
                not_moved[reference] = "it was published as a version of its own"
        if UNCOMMITTED_LABEL in image.labels:
            moving_tags = destination.tags(version_of(image)).moving
            not_moved |= {repository.with_tag(tag): "uncommitted changes" for tag in moving_tags}
        moves = {found.digest: (one, found) for one in elsewhere if one not in not_moved and (found := manifests[one])}
        versions = {digest: published_version(world, *found) for digest, found in moves.items()}
        return cls(image=image, own=own, moving=moving, manifests=manifests, not_moved=not_moved, versions=versions)

    @property
    def _names(self) -> tuple[ImageReference, ...]:
        return tuple(one for one in (*self.own, *self.moving) if one not in self.not_moved)

    @property
    def missing(self) -> tuple[ImageReference, ...]:
        """The references under which the registry does not hold the image yet, the version's own first."""
        return tuple(one for one in self._names if not is_same_image(self.image, one, self.manifests[one]))

    def rival(self, before: Publication) -> Manifest | None:
        """Return what somebody else has published as the same version since `before`; only a moving tag shows it."""
        version = str(version_of(self.image))
        for one in self.moving:
            found = self.manifests[one]
            if found and found != before.manifests[one] and self.versions.get(found.digest) == version:
                return found
        return None

    @property
    def published(self) -> Manifest | None:
        """The manifest under the version's own tag, or None if it is not this image's."""
        found = self.manifests[self.own[0]]
        return found if is_same_image(self.image, self.own[0], found) else None

    @property
    def held(self) -> tuple[TagPublished, ...]:
        """The image's names, without moving tags that do not move, each with the digest that the registry has now."""
        return tuple(
            moved_name(one, found.digest if (found := self.manifests[one]) else None, found, {}) for one in self._names
        )

    def moved_to(self, now: Publication) -> tuple[TagPublished, ...]:
        """Return what `now` holds, each name with what it had before."""
        known = {str(one): one for one in self.missing}
        return tuple(
            self._moved(known[one.reference], one.digest) if one.reference in known else one for one in now.held
        )

    def _moved(self, reference: ImageReference, digest: str | None) -> TagPublished:
        return moved_name(reference, digest, self.manifests[reference], self.versions)

    def emit_tags(self, pushed: Manifest | None, results: TagErrors, emit: Emit, *, lost: bool = False) -> None:
        """Emit what the registry holds under each name after a push that failed.

        With `lost` the registry's answer to the push of the version's own tag was lost: a tag that was not there before
        may be there now, and is left out.
        """
        for reference, name in zip(self._names, self.held, strict=True):
            if pushed and reference in results and results[reference] is None:
                emit(self._moved(reference, pushed.digest))
            elif reference not in self.missing or (name.digest is None and not (lost and reference == self.own[0])):
                emit(name)

    @property
    def before(self) -> str | None:
        """The first digest that a push replaces, or None."""
        replaced = (self.manifests[one] for one in self.missing)
        return next((manifest.digest for manifest in replaced if manifest), None)

    @property
    def diff(self) -> tuple[Difference, ...]:
        """What a push changes: each tag, with the version and digest that the registry has and the version to be."""
        return tuple(
            Difference(
                name=one.familiar,
                before=_with_digest(self.versions.get(found.digest), found) if (found := self.manifests[one]) else None,
                after=_with_digest(str(version_of(self.image)), self.published),
            )
            for one in self.missing
        )

    @property
    def state(self) -> str:
        """Which references are published and which moving tags did not move, as text."""
        verb = "is" if len(self._names) == 1 else "are"
        return "; ".join((f"{join_references(self._names)} {verb} published", *_describe_not_moved(self.not_moved)))

    @property
    def would(self) -> str:
        """What a push would do, as text: `push x/shop:2, move :latest from 1 to 2`."""
        return self._describe("push", "overwrite", "move")

    @property
    def done(self) -> str:
        """What a push did, as text: `pushed x/shop:2, moved :latest from 1 to 2`."""
        return self._describe("pushed", "overwrote", "moved")

    def _describe(self, push: str, overwrite: str, move: str) -> str:
        groups: dict[tuple[str, str], list[ImageReference]] = {}
        for one in self.missing:
            if (found := self.manifests[one]) is None:
                action = push, ""
            elif one in self.own:
                action = overwrite, f" (was {prefixed_digest(found.digest)})"
            elif (old := self.versions[found.digest]) == str(new := version_of(self.image)):
                action = move, f" to the new {new}"
            else:
                action = move, f" from {old} to {new}"
            groups.setdefault(action, []).append(one)
        parts = [
            f"{verb} {join_references(references, short=number > 0)}{rest}"
            for number, ((verb, rest), references) in enumerate(groups.items())
        ]
        return "; ".join((", ".join(parts), *_describe_not_moved(self.not_moved)))


def _with_digest(version: str | None, manifest: Manifest | None) -> str:
    """Return a version with its digest in the registry, as far as they are known."""
    digest = prefixed_digest(manifest.digest) if manifest else ""
    return f"{version} ({digest})" if version and digest and version != digest else version or digest


def is_same_image(image: Image, reference: ImageReference, manifest: Manifest | None) -> bool:
    """Return whether a manifest in the registry is this image's.

    The image's id is the digest of the configuration or, with the containerd image store, of the manifest; otherwise
    the engine knows the digest from a push or pull.
    """
    if manifest is None:
        return False
    known = f"{reference.name}@{manifest.digest}"
    return image.id in (manifest.config, manifest.digest) or known in image.digests


def conflict(
    world: World, destination: Destination, reference: ImageReference, found: Manifest, difference: str
) -> Conflict:
    """Return the error for a version's own tag that is published with other content."""
    try:
        label = world.configuration(reference, found).labels.get(VERSION_LABEL)
    except NotAnImage as error:
        label, difference = None, error.kind
    own = label is None or reference.tag in destination.tags(Version.parse(label)).own
    moving = "" if own else f"; :{reference.tag} is a moving tag there, now at {label}"
    return Conflict(
        f"{reference.familiar} is published with other content",
        reason=f"the registry holds {found.digest}, {difference}{moving}",
        hint="--version NEW (or --overwrite)",
    )


def is_own_version(world: World, destination: Destination, reference: ImageReference, manifest: Manifest) -> bool:
    """Return whether a tag was published as a version of its own, or as no image, so that it is not a moving tag."""
    patterns, tag = destination.target.tags, reference.tag or ""
    if tag in patterns or not Version.published([tag], patterns):
        return False
    try:
        label = world.configuration(reference, manifest).labels.get(VERSION_LABEL)
    except NotAnImage:
        return True
    return label is not None and tag in Version.parse(label).tags(patterns).own


def published_version(world: World, reference: ImageReference, manifest: Manifest) -> str:
    """Return the version of a published image, or its shortened digest if it has none."""

    def look() -> str:
        try:
            label = world.configuration(reference, manifest).labels.get(VERSION_LABEL)
        except SeatrialError:  # only a message needs it
            label = None
        return sanitize(label or prefixed_digest(manifest.digest))

    return world.once(("published version", manifest.digest), look)


def moved_name(
    reference: object, digest: str | None, before: Manifest | None, versions: Mapping[str, str]
) -> TagPublished:
    """Return a name that points to `digest` now, with what it had before; `versions` maps digests to versions."""
    had = before.digest if before else None
    version = versions.get(had or "") if had != digest else None
    return TagPublished(reference=str(reference), digest=digest, before=had, version_before=version)


def record_change(names: str, digest: str | None) -> Change:
    """Return the change that only records in the ledger what is already published."""
    return Change(
        would=f"record {names} in the ledger",
        done=f"recorded {names} in the ledger",
        reason="published, but not in the ledger",
        before=digest,
        after=digest,
    )


def _newer(
    world: World, destination: Destination, version: Version, moving: Iterable[ImageReference]
) -> dict[ImageReference, str]:
    """Return the moving tags that do not move because a newer version of their line is published, with the reason."""
    patterns = destination.target.tags
    published = Version.published(world.published_tags(destination.repository), patterns)
    lines: dict[str, Version] = {}
    # The newest comes last: 1.5.0, not its moving 1.5.
    newer = [one for one in published if one.newer_than(version)]
    for one in sorted(newer, key=lambda one: (one.ordered, one.text.count("."))):
        lines |= dict.fromkeys(one.tags(patterns).moving, one)
    return {one: f"{lines[tag]} is published" for one in moving if (tag := one.tag or "") in lines}


def _describe_not_moved(not_moved: Mapping[ImageReference, str]) -> list[str]:
    groups: dict[str, list[ImageReference]] = {}
    for reference, reason in not_moved.items():
        groups.setdefault(reason, []).append(reference)
    return [f"{join_references(group, short=True)} not moved: {reason}" for reason, group in groups.items()]
