"""docs/performance.md: what one run measured, as a table, a chart, and what was checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.catalogue import ROWS
from bench.chart import chart
from bench.comparison import Comparison

__all__ = ["Run", "write_page"]

_CHART, _GROWTH = "performance.svg", "performance-growth.svg"
_HOW = """\
## How it is measured

Whole processes are measured, from start to end, as a user starts them. In each round Seatrial and its peers take turns,
in the reverse order of the round before; the first round warms up and does not count. The ratio is the median of the
ratios within each round, and beside it stand the lowest and the highest. So what else the machine does slows both.
Seconds are medians. Checks are made after each round, outside of the time. Each tool has its own copy of the project,
and its own content, so that none finds another one's work in the build cache.

- **Shell script**: [`bench/peers/release.sh`](../bench/peers/release.sh), the docker CLI and curl.
- **Ansible**: [`bench/peers/release.yml`](../bench/peers/release.yml), with community.docker.
- **Floor**: [`bench/peers/floor.py`](../bench/peers/floor.py), only the calls to engine and
  registry that the row needs, by Python's standard library.
- **Invoke, an empty task**: `invoke` with a `tasks.py` that holds one task `release`, which does nothing.
- **20 ms**: what each app beyond the first may take that has nothing to do: a run of all less a run of one app.
- **The tutorial's image**: [`bench/tutorial`](../bench/tutorial), on the same base image. Both answer the same request
  with a page, and write a line about it to their log. `wrk`, Docker's proxy for the port and the engine, which stores
  the log, share the machine's processors with the app; what the app itself takes is the processor's time per request.

`./inv dev.bench --only release` measures some rows, by the beginnings of their names, and writes no file; `--rounds`
sets how often. The names are {names}.
"""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one run measured: the comparisons, and the reason for each row that could not be measured."""

    comparisons: Sequence[Comparison]
    failures: Mapping[str, str]
    machine: Mapping[str, str]
    commit: str
    day: str
    minutes: float


def write_page(run: Run, folder: Path) -> None:
    """Write page and chart."""
    (folder / _CHART).write_text(chart(run.comparisons), "utf-8")
    (folder / "performance.md").write_text(_page(run, growth=(folder / _GROWTH).exists()), "utf-8")


def _page(run: Run, *, growth: bool) -> str:
    missed = sum(not one.met for one in run.comparisons)
    met = len(run.comparisons) - missed
    parts = [
        "# Performance\n",
        f"Written by `./inv dev.bench` at commit {run.commit} on {run.day}, in {run.minutes:.0f} minutes.",
        f"Every number was measured in that run: {met} goals are met, {missed} missed.\n",
        f"![Each ratio with its range and goal]({_CHART})\n",
        _table(run.comparisons),
        *(f"- `{name}` was not measured: {reason}" for name, reason in run.failures.items()),
        "\n## What was checked\n",
        *_checks(run.comparisons),
        "\n## The machine\n",
        *(f"- {name}: {value}" for name, value in run.machine.items()),
        f"\n{_HOW.format(names=', '.join(f'`{name}`' for name in ROWS))}",
    ]
    if growth:
        parts.append(
            "## Growth\n\nHow time and memory grow with files, layers, versions and output: "
            f"[performance-growth.md](performance-growth.md).\n\n![Processor's time by size]({_GROWTH})\n"
        )
    return "\n".join(parts)


def _table(comparisons: Sequence[Comparison]) -> str:
    lines = [
        "| row | peer | Seatrial | peer | floor | ratio | range | goal | |",
        "|---|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    for one in comparisons:
        low, high = one.range
        cells = (
            one.name,
            one.peer,
            one.as_text(median(one.ours)),
            one.as_text(median(one.other)),
            one.as_text(median(one.floor)) if one.floor else "",
            f"{one.ratio:.2f}",
            f"{low:.2f} to {high:.2f}" if len(one.ours) > 1 else "",
            one.goal_text,
            "met" if one.met else "**missed**",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _checks(comparisons: Sequence[Comparison]) -> list[str]:
    """Return a line for each different check, with the rows that it was made for."""
    rows: dict[str, list[str]] = {}
    for one in comparisons:
        rows.setdefault(one.checked, []).append(one.name)
    return [f"- {'; '.join(dict.fromkeys(names))}: {checked}." for checked, names in rows.items()]
