"""`./inv dev.growth`: measure how a run's cost grows with files, layers, published versions, lines in the ledger.

For each size a project of its own is made. A round builds and releases it with one changed line, and then with
nothing changed. The processor's time of the whole process is what counts: it hardly depends on what else the machine
does. The memory of long builds and pushes is measured, too.
"""

from __future__ import annotations

import compileall
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import seatrial
from bench.growing import Cost, GrowingProject
from bench.growth_page import growth_table, write_growth
from bench.growth_row import Growth
from bench.machine import commit, machine
from bench.memory import Peak, memory_table, peaks_of
from bench.program import whole_number
from bench.timing import CommandFailed, say
from bench.workspace import BASE, REPOSITORY, Workspace, workspace

__all__ = ["grow"]

_ROUNDS = 3
_MEMORY = "memory"
_SIZES: Mapping[str, Sequence[int]] = {
    "files": (10, 5000, 10_000),
    "layers": (5, 30, 60),
    "published versions": (1, 10, 50),
    "lines in the ledger": (10, 5000, 10_000),
}


def _measure(project: GrowingProject, number: int) -> Iterator[tuple[str, Cost]]:
    """Yield each kind of run with its cost; those without a change, which are short, twice."""
    for task, version in (("build", "dev"), ("release", f"1.0.{number}")):
        project.change()
        yield f"{task}, one line changed", project.run(task, "--version", version)
        for _ in range(2):
            cost = project.run(task, "--version", version)
            if "changed=0" not in cost.printed:
                raise CommandFailed(f"{task} had something to do:\n{cost.printed}")
            yield f"{task}, nothing changed", cost


def _growths(place: Workspace, rounds: int, only: str) -> Iterator[Growth]:
    """Measure each series; each round measures all sizes, so that what else the machine does slows all of them."""
    host = place.registry()
    for grows, sizes in _SIZES.items():
        if only not in grows:
            continue
        projects = {
            size: GrowingProject(workspace=place, name=f"{grows.split()[0]}-{size}", host=host).make(grows, size)
            for size in sizes
        }
        costs: dict[str, dict[int, list[float]]] = {}
        for number in range(1, rounds + 1):
            for size, project in projects.items():
                for row, cost in _measure(project, number):
                    costs.setdefault(row, {}).setdefault(size, []).append(cost.cpu)
        for row, found in costs.items():
            growth = Growth(grows=grows, row=row, cpu={size: min(seconds) for size, seconds in found.items()})
            shown = "; ".join(f"{size:,}: {seconds:.2f} s" for size, seconds in growth.cpu.items())
            say(f"{grows}, {row}: {shown}")
            yield growth


def grow(only: str, rounds: str) -> int:
    """Measure, print the tables, and without `only` write the page; return the exit code.

    It is 2 for a wrong flag, and 1 if a run failed, if something grows faster than its size, or if a long run takes
    more memory than it may.
    """
    parts = (*_SIZES, _MEMORY)
    try:
        number = whole_number(rounds) if rounds else _ROUNDS
    except ValueError as error:
        say(f"seatrial: {error}")
        return 2
    if not any(only in part for part in parts):
        say(f"seatrial: --only {only}: choose one of {', '.join(parts)}")
        return 2
    # As pip and ./inv do: Invoke itself writes no .pyc files.
    compileall.compile_dir(Path(seatrial.__file__).parent, quiet=1)
    peaks: list[Peak] = []
    try:
        with workspace(BASE) as place:
            growths = list(_growths(place, number, only))
            for peak in peaks_of(place) if only in _MEMORY else ():
                say(f"{peak.name}, {peak.shown}: {peak.memory / 1e6:.1f} MB, {peak.cpu:.1f} s")
                peaks.append(peak)
            found = machine(place, with_ansible=False)
    except CommandFailed as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    print("\n\n".join([growth_table(growths)] * bool(growths) + [memory_table(peaks)] * bool(peaks)))
    if not only:
        when = f"at commit {commit()} on {datetime.now(UTC).date().isoformat()}"
        write_growth(growths, peaks, REPOSITORY / "docs", when=when, machine=found)
        say("docs/performance-growth.md is written")
    return any(one.too_fast for one in growths) or not all(one.flat for one in peaks)
