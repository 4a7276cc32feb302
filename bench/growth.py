"""`./inv dev.growth`: measure how a run's cost grows with files, layers, published versions, lines in the ledger.

For each size a project of its own is made. A round builds and releases it with one changed line, and then with
nothing changed. The processor's time of the whole process is what counts: it hardly depends on what else the machine
does. The memory of long builds and pushes is measured, too. A series that fails is named with its reason; the others
count.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from bench.growing import Cost, GrowingProject
from bench.growth_page import GrowthRun, growth_table, write_growth
from bench.growth_row import Growth
from bench.machine import commit, machine
from bench.memory import memory_table, peaks_of
from bench.program import whole_number
from bench.timing import CommandFailed, say
from bench.workspace import BASE, REPOSITORY, Workspace, workspace

__all__ = ["grow"]

_ROUNDS, _LEAST_ROUNDS = 3, 2
_SERIES_SECONDS = 120.0  # after which a series begins no further round
_MEMORY = "memory"
_SIZES: Mapping[str, Sequence[int]] = {
    "files": (10, 5000, 10_000),
    "layers": (5, 30, 60),
    "published versions": (1, 10, 30, 50),
    "lines in the ledger": (10, 5000, 10_000),
}


def _runs(project: GrowingProject, number: int) -> Iterator[tuple[str, Cost]]:
    """Yield each kind of run with its cost; those without a change, which are short, twice."""
    for task, version in (("build", "dev"), ("release", f"1.0.{number}")):
        project.change()
        yield f"{task}, one line changed", project.run(task, "--version", version)
        for _ in range(2):
            cost = project.run(task, "--version", version)
            if "changed=0" not in cost.printed:
                raise CommandFailed(f"{task} had something to do:\n{cost.printed}")
            yield f"{task}, nothing changed", cost


def _series(place: Workspace, host: str, grows: str, rounds: int | None) -> list[Growth]:
    """Measure a series; each round measures all sizes, so that what else the machine does slows all of them.

    More rounds follow, up to thrice as many, while something seems to grow faster than its size: what other programs
    add to a cost goes with them, what the size adds stays. A series that takes long gets fewer than usual.
    """
    began, usual, least = time.monotonic(), rounds or _ROUNDS, rounds or _LEAST_ROUNDS
    projects = {
        size: GrowingProject(workspace=place, name=f"{grows.split(maxsplit=1)[0]}-{size}", host=host).make(grows, size)
        for size in _SIZES[grows]
    }
    costs: dict[str, dict[int, float]] = {}
    growths: list[Growth] = []
    for number in range(1, 3 * usual + 1):
        late = number > least and time.monotonic() - began > _SERIES_SECONDS
        if late or (number > usual and not any(one.too_fast for one in growths)):
            break
        for size, project in projects.items():
            for row, cost in _runs(project, number):
                lowest = costs.setdefault(row, {})
                lowest[size] = min(cost.cpu, lowest.get(size, cost.cpu))
        growths = [Growth(grows=grows, row=row, cpu=dict(cpu), rounds=number) for row, cpu in costs.items()]
    for one in growths:
        shown = "; ".join(f"{size:,}: {seconds:.2f} s" for size, seconds in one.cpu.items())
        say(f"{grows}, {one.row}: {shown} ({one.verdict})")
    return growths


def grow(only: str, rounds: str) -> int:
    """Measure, print the tables, and without `only` write the page; return the exit code.

    It is 2 for a wrong flag, and 1 if a series failed, if something grows faster than its size, or if a long run takes
    more memory than it may.
    """
    parts = (*_SIZES, _MEMORY)
    try:
        number = whole_number(rounds) if rounds else None
    except ValueError as error:
        say(f"seatrial: {error}")
        return 2
    if not any(only in part for part in parts):
        say(f"seatrial: --only {only}: choose one of {', '.join(parts)}")
        return 2
    began = time.monotonic()
    run = GrowthRun(commit=commit(), day=datetime.now(UTC).date().isoformat())
    try:
        _measure(run, [part for part in parts if only in part], number)
    except CommandFailed as error:  # in the preparation or the cleaning; what was measured counts
        say(str(error))
        run.failures["the rest"] = _first_line(error)
    except KeyboardInterrupt:
        return 130
    run.minutes = (time.monotonic() - began) / 60
    print("\n\n".join([growth_table(run.growths)] * bool(run.growths) + [memory_table(run.peaks)] * bool(run.peaks)))
    for part, reason in run.failures.items():
        say(f"{part} could not be measured: {reason}")
    if not only and (run.growths or run.peaks):
        write_growth(run, REPOSITORY / "docs")
        say("docs/performance-growth.md is written")
    good = not (run.failures or any(one.too_fast for one in run.growths)) and all(one.flat for one in run.peaks)
    return 0 if good else 1


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].removesuffix(":")


def _measure(run: GrowthRun, parts: Sequence[str], rounds: int | None) -> None:
    """Add what the parts cost to the run; one that fails is in `failures`, with what was measured of it before."""
    load = os.getloadavg()[0]
    with workspace(BASE) as place:
        host = place.registry()
        for part in parts:
            say(f"{datetime.now(UTC):%H:%M:%S} {part}")
            try:
                if part != _MEMORY:
                    run.growths.extend(_series(place, host, part, rounds))
                    continue
                for peak in peaks_of(place, host):
                    say(f"{peak.name}, {peak.shown}: {peak.memory / 1e6:.1f} MB, {peak.cpu:.1f} s")
                    run.peaks.append(peak)
            except (CommandFailed, OSError) as error:  # the registry's errors are of the latter kind
                say(str(error))
                run.failures[part] = _first_line(error)
        run.machine.update({**machine(place, with_ansible=False), "load before the run": f"{load:.1f}"})
