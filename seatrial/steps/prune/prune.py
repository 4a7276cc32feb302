"""prune: the engine holds no image of the app that nobody needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from seatrial.engine.model import Image
from seatrial.engine.protocol import Emit
from seatrial.events import Info
from seatrial.layers.image_steps import layered_images
from seatrial.layers.sharing import freed_bytes
from seatrial.model.reference import ImageReference
from seatrial.model.shell import ShellCommand
from seatrial.pipeline.outcome import Difference
from seatrial.pipeline.step import AppStep, Change, Explanation, NoChange
from seatrial.pipeline.world import World
from seatrial.steps.prune.keeping import Keeping
from seatrial.wording import pluralize, short_digest, spaced_size

__all__ = ["Prune"]

_Found = tuple[Sequence[Image], int]


@dataclass(frozen=True, kw_only=True)
class Prune(AppStep):
    """No image of the app is there but those that `Keeping` keeps: `keep` versions and releases, and what is in use."""

    keep: int
    name: str = "prune"

    def plan(self, world: World) -> Change[_Found] | NoChange:
        """Look which images nobody needs, and what their removal would free."""
        keeping = Keeping(app=self.target, world=world, keep=self.keep)
        removed = keeping.removable
        if foreign := keeping.foreign:
            text = f"left alone: {pluralize(len(foreign), 'image')} that another folder built, or this one long ago"
            world.once(("left alone", self.app), partial(world.emit, Info(text=text)))
        if not removed:
            count = pluralize(len(keeping.images) - len(foreign), "image")
            return NoChange(message=f"nothing to remove: {count} of {self.app}")
        freed = self._freed(world, removed)
        for image in removed:
            world.emit(Info(text=f"{_shown(image)}, {spaced_size(image.size)}: {self._why(keeping, image)}"))
        what = f"{pluralize(len(removed), 'image')} of {self.app}"
        return Change(
            would=f"remove {what}, which frees {spaced_size(freed)} of layers",
            done=f"removed {what}, {spaced_size(freed)} of layers",
            before=" ".join(image.id for image in removed),
            diff=tuple(Difference(name=_shown(image), before=image.id, after=None) for image in removed),
            found=(removed, freed),
        )

    def explain(self, world: World) -> Explanation:
        """Return the removal of the images that nobody needs now as docker commands."""
        keeping = Keeping(app=self.target, world=world, keep=self.keep)
        commands = tuple(
            ShellCommand(
                argv=("docker", "image", "rm", *(image.tags or (image.id,))),
                object=f"image {_shown(image)}",
                effect=f"is removed: {self._why(keeping, image)}",
            )
            for image in keeping.removable
        )
        return Explanation(
            commands=commands, notes=("these are the images that nobody needs now; prune looks again when it runs",)
        )

    def apply(self, world: World, change: Change[_Found], emit: Emit) -> None:
        """Remove them, each only if no container has begun to use it; say what the build cache still holds."""
        removed, freed = change.found
        before = world.engine.disk_use()
        for image in removed:
            _remove(world, image)
        after = world.engine.disk_use()
        if before is not None and after is not None:
            held = freed - max(before - after, 0)
            if held > freed // 100:
                emit(Info(text=f"the build cache still holds {spaced_size(held)} of it (docker builder prune)"))

    @staticmethod
    def _freed(world: World, removed: Iterable[Image]) -> int:
        ids = {image.id for image in removed}
        every = {one.id: one for one in layered_images(world.engine, world.engine.images())}
        return freed_bytes(
            [one for image_id, one in every.items() if image_id in ids],
            [one for image_id, one in every.items() if image_id not in ids],
        )

    def _why(self, keeping: Keeping, image: Image) -> str:
        if keeping.version(image) is None:
            return "a newer build took its name"
        return f"not one of the newest {self.keep} versions" if self.keep > 1 else "not the newest version"


def _remove(world: World, image: Image) -> None:
    """Remove an image with all its names; the engine refuses it if a container uses it."""
    for name in (*image.tags, *image.digests):
        found = world.engine.image(name)
        if found and found.id == image.id:  # else another build has taken the name since the plan
            world.engine.untag(ImageReference.parse(name))
    world.engine.remove_image(image.id)


def _shown(image: Image) -> str:
    return " and ".join(image.tags[:2]) or short_digest(image.id)
