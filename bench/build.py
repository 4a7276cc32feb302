"""Compare Seatrial's build with `docker build`, and the app's image with the tutorial's.

    .venv/bin/python bench/build.py [--rounds N] [--only WORD] [--json FILE]

Each tool has its own copy of the project with different content, so neither finds the other's work in the build cache.
Needs an engine, a docker CLI that builds with BuildKit, and the base image.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import seatrial
from bench.image import ImageResult, measure_image
from bench.timing import Command, CommandFailed, Row, Seconds, compared, in_turns, say, table
from bench.workspace import REPOSITORY, Workspace, workspace

_BASE = "localhost/seatrial/python:3.13"
_INVOKE = str(Path(sys.executable).parent / "invoke")
_ROUNDS = 9
_IMAGE_ROUNDS = 7
_FOLDERS, _FILES_IN_EACH, _FILE_BYTES = 100, 100, 10_000
_CHANGED_FILE = "part-50/file-50"
_TASKS = """\
from invoke import Collection
from seatrial import tasks as seatrial_tasks

ns = Collection.from_module(seatrial_tasks)
"""
_SETTINGS = """\
seatrial:
  project: {name}
  apps:
    {app}:
      context: app
      repository: {name}/{app}
      base_images: [{base}]
"""

Change = Callable[[Path], None]
"""A function that changes something in a build context."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project with one copy for each tool; the build context is the folder `app`."""

    workspace: Workspace
    name: str

    def make(self, fill: Change) -> Project:
        """Write both copies, filled by `fill`, and build each once."""
        settings = _SETTINGS.format(name=self.workspace.name, app=self.name, base=self.workspace.base)
        for tool in ("seatrial", "docker"):
            self.context(tool).parent.mkdir(parents=True)
            fill(self.context(tool))
            (self.folder(tool) / "tasks.py").write_text(_TASKS)
            (self.folder(tool) / "invoke.yaml").write_text(settings)
        for command in (self.seatrial(), self.docker()):
            command.output(attempts=2)  # a RUN may need the network
        return self

    def folder(self, tool: str) -> Path:
        """Return a tool's copy."""
        return self.workspace.folder / f"{self.name}-{tool}"

    def context(self, tool: str) -> Path:
        """Return the context in a tool's copy."""
        return self.folder(tool) / "app"

    def seatrial(self, status: str = "") -> Command:
        """Return Seatrial's build, which must report the status `status` (ok or changed) if given."""
        return Command(
            words=(_INVOKE, "build", "--version", "1"),
            folder=self.folder("seatrial"),
            must_print=status and f"{status}=1",
        )

    def docker(self) -> Command:
        """Return `docker build`."""
        return self.workspace.build(f"{self.name}-docker:1", "app", folder=self.folder("docker"))

    def version(self) -> Command:
        """Return `invoke --version`, which only starts Invoke."""
        return Command(words=(_INVOKE, "--version"), folder=self.folder("seatrial"))


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A build that is repeated; `change` is called before each build.

    `goal` is the highest ratio of whole processes, `goal_without_start` is the highest ratio without the time of
    `invoke --version`, which is then measured and subtracted.
    """

    name: str
    project: str
    goal: float | None = None
    goal_without_start: float | None = None
    change: Change | None = None

    def measure(self, project: Project, rounds: int) -> Result:
        """Build with both tools in turns."""
        say(f"{self.name}:")
        commands = {"seatrial": project.seatrial("changed" if self.change else "ok"), "docker": project.docker()}
        contestants: dict[str, Callable[[], float]] = {
            tool: partial(self._build, project.context(tool), command) for tool, command in commands.items()
        }
        if self.goal_without_start:
            contestants["invoke --version"] = project.version().seconds
        return Result(scenario=self, seconds=in_turns(contestants, rounds))

    def _build(self, context: Path, command: Command) -> float:
        if self.change:
            self.change(context)
        return command.seconds()


@dataclass(frozen=True, kw_only=True)
class Result:
    """The seconds of a scenario."""

    scenario: Scenario
    seconds: Seconds

    @property
    def rows(self) -> list[Row]:
        """The lines of the report."""
        ours, docker = self.seconds["seatrial"], self.seconds["docker"]
        rows = [compared(self.scenario.name, ours, docker, self.scenario.goal)]
        if self.scenario.goal_without_start:
            start = self.seconds["invoke --version"]
            without_start = [whole - start_only for whole, start_only in zip(ours, start, strict=True)]
            rows.append(compared("  without invoke --version", without_start, docker, self.scenario.goal_without_start))
        return rows

    @property
    def raw(self) -> dict[str, Any]:
        """The numbers as measured."""
        return {"name": self.scenario.name, "seconds": self.seconds, "rows": [row.cells for row in self.rows]}


def _copy_app(context: Path) -> None:
    shutil.copytree(REPOSITORY / "app", context, ignore=shutil.ignore_patterns("__pycache__"))


def _append_line(context: Path) -> None:
    with (context / "app.py").open("a") as file:
        file.write(f"# {secrets.token_hex(16)}\n")


def _write_files(base: str, context: Path) -> None:
    for folder in range(_FOLDERS):
        part = context / f"part-{folder:02}"
        part.mkdir(parents=True)
        for number in range(_FILES_IN_EACH):
            (part / f"file-{number:02}").write_bytes(os.urandom(_FILE_BYTES))
    (context / "Dockerfile").write_text(f"FROM {base}\nCOPY . /srv\n")


def _write_one_file(context: Path) -> None:
    (context / _CHANGED_FILE).write_bytes(os.urandom(_FILE_BYTES))


_SCENARIOS = (
    Scenario(name="nothing changed, the app", project="app", goal_without_start=0.5),
    Scenario(name="nothing changed, 10,000 files", project="files", goal=1.2),
    Scenario(name="one line changed, the app", project="app", goal=1.2, change=_append_line),
    Scenario(name="one of 10,000 files changed", project="files", change=_write_one_file),
)
_IMAGE = "image"


def _measure(place: Workspace, rounds: int, only: str) -> tuple[list[Result], ImageResult | None]:
    fills: dict[str, Change] = {"app": _copy_app, "files": partial(_write_files, place.base)}
    projects: dict[str, Project] = {}
    results: list[Result] = []
    for scenario in _SCENARIOS:
        if only not in scenario.name:
            continue
        if scenario.project not in projects:
            say(f"making {scenario.project}")
            projects[scenario.project] = Project(workspace=place, name=scenario.project).make(fills[scenario.project])
        results.append(scenario.measure(projects[scenario.project], rounds))
    return results, measure_image(place, min(rounds, _IMAGE_ROUNDS)) if only in _IMAGE else None


def _report(results: list[Result], image: ImageResult | None) -> str:
    parts = []
    if results:
        rows = [row for result in results for row in result.rows]
        parts.append(table(rows, heads=("build", "seatrial", "docker build", "ratio", "goal", "")))
    if image:
        parts.append(table(image.rows, heads=("image", "seatrial", "tutorial", "ratio", "goal", "")))
    return "\n\n".join(parts)


def _parsed(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure Seatrial's build against docker build.")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="number of builds of each tool, after one warm-up")
    parser.add_argument(
        "--only", default="", metavar="WORD", help=f"measure only scenarios with this word in their name, or {_IMAGE}"
    )
    parser.add_argument("--base", default=_BASE, help="the base image, which must exist in the engine")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the raw numbers in seconds to this file")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print the table; return the exit code, 1 if a build failed."""
    given = _parsed(words)
    # As pip and ./inv do: Invoke itself writes no .pyc files.
    compileall.compile_dir(Path(seatrial.__file__).parent, quiet=1)
    try:
        with workspace(given.base) as place:
            results, image = _measure(place, given.rounds, given.only)
    except CommandFailed as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    print(_report(results, image))
    if given.json:
        raw = {"scenarios": [result.raw for result in results], "image": image.raw if image else None}
        given.json.write_text(json.dumps(raw, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
