"""docs/performance-growth.md and its chart: how time and memory grow, as one run measured it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.growth_chart import growth_chart
from bench.growth_row import Growth
from bench.memory import Peak, memory_table

__all__ = ["GrowthRun", "growth_table", "write_growth"]

_CHART = "performance-growth.svg"
_HOW = """\
## How it is measured

For each size there is a project of its own. A round builds and releases each of them with one changed line, and then
twice with nothing changed. What counts is the processor's time of the whole process, the lowest of all rounds: other
programs can only raise it. The engine's own time is not in it. A cost is called flat if the largest project costs at
most 15 % more than the smallest, and linear if it costs at most 15 % more than the line through the smallest and the
last but one foretells. While something seems to be worse than linear, more rounds follow, up to thrice as many: what
other programs add goes with them, what the size adds stays. A series that has taken two minutes begins no further round
after its second.

- **Files** are small files in folders of a hundred, all copied into the image, with ten lines in `.dockerignore`.
- **Layers** come from one `COPY` of a tiny file each.
- **Published versions** are tags of one image, in registry, engine and ledger.
- **Lines in the ledger** are earlier releases.

The memory is the process's resident set at its peak. The engine ends a step's output after 2 MiB (it says
`[output clipped, log limit 2MiB reached]`; BuildKit's `BUILDKIT_STEP_LOG_MAX_SIZE` sets the limit), and a push reports
a layer some ten times a second. So a proxy before the engine sends one of its own messages again and again: a piece of
the output until the build has printed so much, a layer's progress until the push has reported it so often. All lines
reach the build's log in `.seatrial/logs`, which is a file of that size then.

`./inv dev.growth` measures all of it and writes this page; `--only files` measures a part, and writes nothing.
"""


@dataclass(kw_only=True)
class GrowthRun:
    """What one run measured: the series, the peaks, and the reason for each part that could not be measured."""

    commit: str
    day: str
    minutes: float = 0.0
    growths: list[Growth] = field(default_factory=list)
    peaks: list[Peak] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)


def growth_table(growths: Sequence[Growth]) -> str:
    """Return the series as a table in Markdown."""
    lines = ["| what grows | run | rounds | smallest | largest | each more | |", "|---|---|--:|--:|--:|--:|---|"]
    for one in growths:
        sizes = f"{min(one.cpu):,} to {max(one.cpu):,} {one.grows}"
        each = "" if one.flat else f"{one.each * 1e6:,.0f} µs"
        cells = (sizes, one.row, str(one.rounds), f"{one.first:.2f} s", f"{one.last:.2f} s", each, one.verdict)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def write_growth(run: GrowthRun, folder: Path) -> None:
    """Write page and chart."""
    parts = [
        "# How time and memory grow\n",
        f"Written by `./inv dev.growth` at commit {run.commit} on {run.day}, in {run.minutes:.0f} minutes.",
        "[performance.md](performance.md) compares with other tools.\n",
        *(f"**{part} could not be measured: {reason}**\n" for part, reason in run.failures.items()),
    ]
    if run.growths:
        parts += [f"![Processor's time by size]({_CHART})\n", growth_table(run.growths)]
    if run.peaks:
        parts += ["\n## Memory\n", memory_table(run.peaks)]
    parts += ["\n## The machine\n", *(f"- {name}: {value}" for name, value in run.machine.items()), f"\n{_HOW}"]
    (folder / _CHART).write_text(growth_chart(run.growths), "utf-8")
    (folder / "performance-growth.md").write_text("\n".join(parts), "utf-8")
