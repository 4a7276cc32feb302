"""What has changed since the release before: files, other inputs of the build, and commits."""

from __future__ import annotations

from msgspec import Struct

from seatrial.engine.model import Image, ImageHistory
from seatrial.model.app import INPUTS_LABEL, REVISION_LABEL, App
from seatrial.pipeline.ledger import Entry
from seatrial.pipeline.world import World
from seatrial.sources.git import Commit, commits_between
from seatrial.sources.inputs import UNCOMMITTED, Inputs

__all__ = ["Changes", "changes_since", "image_history", "release_before"]

_LEFT_OUT = (UNCOMMITTED, "argument VERSION")  # the version itself differs in every release


class Changes(Struct, frozen=True, kw_only=True):
    """What has changed since `before`, the ledger's entry of another image's release.

    `changed`, `added` and `removed` name inputs of the build (`file app.py`, `base image python:3.13`); they are None
    if the inputs of one of the two builds are not known any more. `commits` are those of the app's files, `history` is
    that of the image before, if the engine still has it.
    """

    before: Entry
    changed: tuple[str, ...] | None = None
    added: tuple[str, ...] | None = None
    removed: tuple[str, ...] | None = None
    commits: tuple[Commit, ...] = ()
    history: ImageHistory | None = None


def release_before(world: World, repository: str, image: str) -> Entry | None:
    """Return the last release of another image in a repository, or None."""
    entries = world.ledger.newest_first(repository)
    return next((one for one in entries if one.action == "release" and one.image != image), None)


def changes_since(world: World, app: App, image: Image, before: Entry) -> Changes:
    """Return what has changed in an app between a release and an image."""
    now, then = image.labels.get(REVISION_LABEL, ""), before.revision or ""
    commits = commits_between(app.context, then, now, app.dockerfile)
    history = image_history(world, before.image) if before.image else None
    parts = (world.state.inputs(image.labels.get(INPUTS_LABEL, "")), world.state.inputs(before.inputs or ""))
    if not all(parts):
        return Changes(before=before, commits=commits, history=history)
    groups = {
        kind: tuple(sorted(name for name in names if name not in _LEFT_OUT))
        for kind, names in Inputs(parts=parts[0]).compare(parts[1]).items()
    }
    return Changes(before=before, commits=commits, history=history, **groups)


def image_history(world: World, image_id: str) -> ImageHistory | None:
    """Return the history of an image; None if the engine has no such image."""
    found = world.engine.image(image_id)
    return ImageHistory(entries=tuple(world.engine.history(found.id)), layers=found.layers) if found else None
