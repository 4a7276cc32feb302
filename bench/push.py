"""Measure what more tags cost: Seatrial and `docker push` each push one tag and five tags.

    .venv/bin/python bench/push.py [--rounds N] [--megabytes N]

Each pushes its own project, with new content every time, to the same registry. The time of the push process is
measured, without building, testing and tagging. Needs the images that `./inv up` makes, and a docker CLI that builds
with BuildKit.
"""

from __future__ import annotations

import argparse
import compileall
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import seatrial
from bench.pushers import ImageProject, seatrial_push
from bench.timing import Command, CommandFailed, Seconds, compared, in_turns, say, table
from bench.workspace import Workspace, workspace

_BASE = "localhost/seatrial/python:3.13"
_ROUNDS, _MEGABYTES = 9, 8
_ONE = ("{version}",)
_FIVE = ("{version}", "{major}.{minor}", "{major}", "latest", "stable")
_GOAL = 1.2


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A tool that pushes a project under these tags."""

    image_project: ImageProject
    host: str
    size: int
    tags: tuple[str, ...]
    by_docker: bool
    _releases: count[int] = field(default_factory=lambda: count(1))

    def seconds(self) -> float:
        """Build a new release; return the seconds of its push."""
        version = f"1.{next(self._releases)}.0"
        self.image_project.build(self.host, version=version, size=self.size)
        folder = self.image_project.folder
        if not self.by_docker:
            return Command(words=seatrial_push(self.host, version), folder=folder, must_print="changed push").seconds()
        major, minor, _ = version.split(".")
        names = [
            f"{self.host}/{self.image_project.repository}:{tag.format(version=version, major=major, minor=minor)}"
            for tag in self.tags
        ]
        docker = self.image_project.workspace.cli
        for name in names:
            Command(
                words=(docker, "tag", f"{self.image_project.workspace.name}/{self.image_project.name}:{version}", name)
            ).output()
        pushes = " && ".join(f"{docker} push --quiet {name}" for name in names)
        return Command(words=("sh", "-c", pushes), folder=folder).seconds()


def _measure(place: Workspace, rounds: int, size: int) -> Seconds:
    host = place.registry()
    names = {
        "seatrial, one tag": (_ONE, False),
        "seatrial, five tags": (_FIVE, False),
        "docker push, one tag": (_ONE, True),
        "docker push, five tags": (_FIVE, True),
    }
    contestants = {}
    for number, (name, (tags, by_docker)) in enumerate(names.items()):
        image_project = ImageProject(
            workspace=place, folder=place.folder / f"project-{number}", name=f"page-{number}"
        ).make(tags=tags)
        one = Contestant(image_project=image_project, host=host, size=size, tags=tags, by_docker=by_docker)
        contestants[name] = one.seconds
    return in_turns(contestants, rounds)


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print the table; return the exit code, 1 if a push failed."""
    parser = argparse.ArgumentParser(description="Measure what more tags cost.")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="number of pushes of each, after one warm-up")
    parser.add_argument("--megabytes", type=int, default=_MEGABYTES, help="megabytes of new content in each push")
    given = parser.parse_args(words)
    compileall.compile_dir(Path(seatrial.__file__).parent, quiet=1)
    try:
        with workspace(_BASE) as place:
            seconds = _measure(place, given.rounds, given.megabytes * 10**6)
    except CommandFailed as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    rows = [
        compared("seatrial: five tags / one", seconds["seatrial, five tags"], seconds["seatrial, one tag"], _GOAL),
        compared("docker push: five tags / one", seconds["docker push, five tags"], seconds["docker push, one tag"]),
        compared(
            "five tags: seatrial / docker push", seconds["seatrial, five tags"], seconds["docker push, five tags"]
        ),
        compared("one tag: seatrial / docker push", seconds["seatrial, one tag"], seconds["docker push, one tag"]),
    ]
    print(table(rows, heads=("push", "first", "second", "ratio", "goal", "")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
