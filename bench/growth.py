"""Measure how the cost of a run grows with the project: files, layers, published versions, lines in the ledger.

    .venv/bin/python bench/growth.py [--rounds N] [--only WORD] [--page FOLDER] [--json FILE]

For each size a project of its own is made. A round builds and releases it with one changed line, and then with
nothing changed. The processor's time of the whole process is what counts: it hardly depends on what else the machine
does. Needs the images that `./inv up` makes, and a docker CLI that builds with BuildKit.
"""

from __future__ import annotations

import argparse
import compileall
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import seatrial
from bench.growing import GROWTHS, Cost, GrowingProject
from bench.timing import CommandFailed, say
from bench.workspace import Workspace, workspace

__all__ = ["ROWS", "SIZES", "Growth"]

_BASE = "localhost/seatrial/python:3.13"
_ROUNDS = 3
_FLAT = 0.15  # of the smallest project's cost: less is lost in the noise
_LINEAR = 1.25

SIZES: Mapping[str, Sequence[int]] = {
    "files": (10, 5000, 10_000),
    "layers": (5, 30, 60),
    "published versions": (1, 10, 50),
    "lines in the ledger": (10, 5000, 10_000),
}
"""The sizes that are measured."""
ROWS = ("build, one line changed", "build, nothing changed", "release, one line changed", "release, nothing changed")
"""What is measured at each size."""


@dataclass(frozen=True, kw_only=True)
class Growth:
    """The cost of one kind of run, by the size of what grows, in seconds of processor and of clock.

    It is the lowest of all rounds, because other programs can only raise it.
    """

    grows: str
    row: str
    cpu: Mapping[int, float]
    wall: Mapping[int, float]

    @property
    def first(self) -> float:
        """The cost at the smallest size."""
        return self.cpu[min(self.cpu)]

    @property
    def last(self) -> float:
        """The cost at the largest size."""
        return self.cpu[max(self.cpu)]

    @property
    def flat(self) -> bool:
        """Whether nothing grows that could be told from noise."""
        return self.last - self.first < _FLAT * self.first

    @property
    def exponent(self) -> float:
        """The power of the size with which the cost above the smallest grows; 1 is linear."""
        smallest, *_, half, largest = sorted(self.cpu)
        above = [max(self.cpu[size] - self.first, 1e-4) for size in (half, largest)]
        return math.log(above[1] / above[0]) / math.log((largest - smallest) / (half - smallest))

    @property
    def each(self) -> float:
        """The seconds that each more of it costs."""
        return (self.last - self.first) / (max(self.cpu) - min(self.cpu))

    @property
    def verdict(self) -> str:
        """How it grows."""
        if self.flat:
            return "flat"
        return f"{'linear' if self.exponent <= _LINEAR else 'worse than linear'} ({self.exponent:.1f})"


def _measure(project: GrowingProject, rounds: int) -> dict[str, list[Cost]]:
    """Return what each kind of run cost in each round."""
    found: dict[str, list[Cost]] = {row: [] for row in ROWS}
    for number in range(rounds):  # the first release, when the project was made, has warmed everything up
        version = f"1.0.{number + 1}"
        runs = (("build", "--version", "dev"), ("release", "--version", version))
        for task, *words in runs:
            project.change()
            for row, expected in ((f"{task}, one line changed", ""), (f"{task}, nothing changed", "changed=0")):
                cost = project.run(task, *words)
                if expected not in cost.printed:
                    raise CommandFailed(f"{row} did not print {expected}:\n{cost.printed}")
                found[row].append(cost)
    return found


def measure(place: Workspace, rounds: int, only: str) -> Iterator[Growth]:
    """Measure each series."""
    host = place.registry()
    for grows, sizes in SIZES.items():
        if only not in grows:
            continue
        costs: dict[int, dict[str, list[Cost]]] = {}
        for size in sizes:
            project = GrowingProject(workspace=place, name=f"{grows.split()[0]}-{size}", host=host).make(grows, size)
            costs[size] = _measure(project, rounds)
            shown = (f"{row} {min(one.cpu for one in costs[size][row]):.2f} s" for row in ROWS)
            say(f"{size:>6} {grows}: {'; '.join(shown)}")
        for row in ROWS:
            yield Growth(
                grows=grows,
                row=row,
                cpu={size: min(one.cpu for one in found[row]) for size, found in costs.items()},
                wall={size: min(one.wall for one in found[row]) for size, found in costs.items()},
            )


def table(growths: Sequence[Growth]) -> str:
    """Return the series as a table in Markdown."""
    lines = ["| grows | run | smallest | largest | each | |", "|---|---|---|---|---|---|"]
    for one in growths:
        sizes = f"{min(one.cpu):,} to {max(one.cpu):,} {one.grows}"
        each = "" if one.flat else f"{one.each * 1e6:,.0f} µs"
        lines.append(f"| {sizes} | {one.row} | {one.first:.2f} s | {one.last:.2f} s | {each} | {one.verdict} |")
    return "\n".join(lines)


def _parsed(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure how the cost of a run grows with the project.")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="number of rounds")
    parser.add_argument("--only", default="", metavar="WORD", help=f"measure only one of {', '.join(GROWTHS)}")
    parser.add_argument("--base", default=_BASE, help="the base image, which must exist in the engine")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers in seconds to this file")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print the table; return the exit code, 1 if a command failed or something grows too fast."""
    given = _parsed(words)
    # As pip and ./inv do: Invoke itself writes no .pyc files.
    compileall.compile_dir(Path(seatrial.__file__).parent, quiet=1)
    try:
        with workspace(given.base) as place:
            growths = list(measure(place, given.rounds, given.only))
    except CommandFailed as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    print(table(growths))
    if given.json:
        raw = [{"grows": one.grows, "row": one.row, "cpu": one.cpu, "wall": one.wall} for one in growths]
        given.json.write_text(json.dumps(raw, indent=1))
    return any(not one.flat and one.exponent > _LINEAR for one in growths)


if __name__ == "__main__":
    sys.exit(main())
