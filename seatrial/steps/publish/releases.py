"""What was released: where to, which releases are published, and which one is live."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from seatrial.errors import RegistryUnavailable, StepFailed, UsageError
from seatrial.model.app import App
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.ledger import Entry, Ledger
from seatrial.pipeline.world import World
from seatrial.steps.publish.destination import Destination
from seatrial.steps.publish.publication import published_version
from seatrial.wording import and_more, summarize_names

__all__ = ["Releases", "choice", "last_destination"]

_MOST_LISTED = 20


def last_destination(ledger: Ledger, target: App, registry: str | None) -> Destination | None:
    """Return where the ledger says an app was published last, in its environment and in `registry` if that is given.

    None if nowhere.
    """
    for entry in ledger.newest_first():
        reference = ImageReference.parse(entry.repository)
        user = reference.repository.rpartition("/")[0]
        found = Destination(target=target, user=user or None, registry=reference.registry)
        fits = entry.is_of(target.name, target.settings_environment) and registry in (None, reference.registry)
        if fits and str(found.repository) == entry.repository:
            return found
    return None


class Releases(Struct, frozen=True, kw_only=True):
    """The published releases of a repository, newest first, and the one that is live: `live_tag` points to it.

    `entries` are those of the ledger, oldest first.
    """

    destination: Destination
    versions: tuple[Version, ...]
    live_tag: str
    live: Version | None
    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, world: World, destination: Destination) -> Releases:
        """Ask the registry, or if that does not answer the ledger; raise `RegistryUnavailable` if that is empty."""
        repository, patterns = destination.repository, destination.target.tags
        entries = world.ledger.entries(str(repository))
        released = world.ledger.released(str(repository))
        answers = True
        try:
            tags = list(world.published_tags(repository))
        except RegistryUnavailable:
            if not released:
                raise
            tags, answers = list(released), False
        every = [one for one in Version.published(tags, patterns) if one.release and one.text not in patterns]
        moving = {tag for one in every for tag in one.tags(patterns).moving}
        moving -= {tag for one in entries for tag in Version(one.version).tags(patterns).own}  # 1 can be a release, too
        own = [one for one in every if not moving.intersection(one.tags(patterns).own)]
        versions = sorted(own, key=lambda one: one.ordered, reverse=True)
        candidates = versions[0].tags(patterns).moving if versions else ()
        live_tag = next((tag for tag in candidates if tag in patterns), next(iter(candidates), ""))
        live = ""
        if live_tag and answers:
            reference = repository.with_tag(live_tag)
            manifest = world.published_manifest(reference)
            live = published_version(world, reference, manifest) if manifest else ""
        elif live_tag:
            live = _version_of(entries, released.get(live_tag, ""))
        return cls(
            destination=destination,
            versions=tuple(versions),
            live_tag=live_tag,
            live=next((one for one in versions if one.text == live), None),
            entries=entries,
        )

    def previous(self) -> Version:
        """Return the release that was live before the live one, by the ledger, else the next older one."""
        if self.live is None:
            raise self._not_found("no release is live", f":{self.live_tag} points to none" if self.live_tag else "")
        moved = [one for one in self.entries if one.action == "release" and one.version == self.live.text]
        before = next((one.before[self.live_tag] for one in reversed(moved) if self.live_tag in one.before), "")
        named = _version_of(self.entries, before)
        older = [one for one in self.versions if self.live.newer_than(one)]
        found = next((one for one in older if one.text == named), next(iter(older), None))
        if found is None:
            raise self._not_found(f"there is no release before {self.live}", "it is the oldest that is published")
        return found

    def _not_found(self, message: str, reason: str) -> StepFailed:
        return StepFailed(
            f"cannot roll back: {message}",
            reason=reason or f"no release of {self.destination.repository.name} is published",
            hint=f"invoke status{self.destination.flags} (shows what is published)",
        )


def choice(world: World, destination: Destination) -> UsageError:
    """Return the error for a rollback that names no version: it names the releases to choose from."""
    message, name = "no version to roll back to", destination.repository.name
    try:
        releases = Releases.of(world, destination)
    except RegistryUnavailable as error:
        reason = f"--to was not given, and what is published is not known: {error}"
        return UsageError(message, reason=reason, hint="--to VERSION")
    lines = [f"{one} (live)" if one == releases.live else str(one) for one in releases.versions]
    if not lines:
        reason = f"--to was not given, and no release of {name} is published"
        return UsageError(message, reason=reason, hint=f"invoke status{destination.flags} (shows what is published)")
    others = [one for one in releases.versions if one != releases.live] or releases.versions
    return UsageError(
        message,
        reason=f"--to was not given; published are {summarize_names(lines)}",
        hint=f"--to {others[0]} (or --to previous)",
        details=(*lines[:_MOST_LISTED], *filter(None, [and_more(len(lines) - _MOST_LISTED)])),
    )


def _version_of(entries: Sequence[Entry], digest: str) -> str:
    """Return the version that was released with a digest, as the ledger knows it; empty if it does not."""
    return next((one.version for one in entries if digest in one.digests.values()), "")
