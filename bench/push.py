"""The row about what more tags cost: a push of new content under one tag and under five, without build and test."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from bench import registry
from bench.comparison import Comparison
from bench.pushers import ImageProject, seatrial_push
from bench.setup import Setup
from bench.timing import Command, CommandFailed, in_turns

__all__ = ["push_tags"]

_ROUNDS, _BYTES = 7, 8_000_000
_ONE = ("{version}",)
_FIVE = ("{version}", "{major}.{minor}", "{major}", "latest", "stable")
_GOAL = 1.1


@dataclass(frozen=True, kw_only=True)
class _Pushed:
    """A project that is pushed under these tags."""

    image_project: ImageProject
    host: str
    tags: tuple[str, ...]
    _releases: count[int] = field(default_factory=lambda: count(1))

    def seconds(self) -> float:
        """Build a new release; return the seconds of its push, after which each tag must have the same digest."""
        version = f"1.{next(self._releases)}.0"
        self.image_project.build(self.host, version=version, size=_BYTES)
        words, folder = seatrial_push(self.host, version), self.image_project.folder
        taken = Command(words=words, folder=folder, must_print="changed=1").seconds()
        major, minor, _ = version.split(".")
        tags = [tag.format(version=version, major=major, minor=minor) for tag in self.tags]
        digests = {registry.manifest(self.host, self.image_project.repository, tag)[0] for tag in tags}
        if len(digests) > 1:
            raise CommandFailed(f"the tags of {version} have different digests: {', '.join(sorted(digests))}")
        return taken


def push_tags(setup: Setup) -> list[Comparison]:
    """Compare a push under five tags with a push under one."""
    contestants = {}
    for name, tags in (("one", _ONE), ("five", _FIVE)):
        folder = setup.workspace.folder / f"tags-{name}"
        project = ImageProject(workspace=setup.workspace, folder=folder, name=f"tags-{name}").make(tags=tags)
        contestants[name] = _Pushed(image_project=project, host=setup.host, tags=tags).seconds
    taken = in_turns(contestants, setup.rounds_or(_ROUNDS))
    return [
        Comparison(
            name="push of 8 MB, five tags",
            peer="Seatrial, one tag",
            ours=taken["five"],
            other=taken["one"],
            goal=_GOAL,
            checked="Seatrial says `changed=1`; the registry has one digest under all tags of the version",
        )
    ]
