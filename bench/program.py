"""`./inv dev.bench`: measure rows, print them, and write docs/performance.md."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from bench.catalogue import ROWS, chosen
from bench.comparison import Comparison
from bench.machine import commit, machine
from bench.page import Run, write_page
from bench.setup import Setup
from bench.timing import CommandFailed, say, table
from bench.workspace import BASE, REPOSITORY, workspace

__all__ = ["bench", "whole_number"]


def bench(only: str, rounds: str) -> int:
    """Measure the rows that `only` names, or all and write the page; return the exit code.

    A row that cannot be measured is named with its reason, and the exit code is 1.
    """
    try:
        rows = chosen(only)
        number = whole_number(rounds) if rounds else None
    except ValueError as error:
        say(f"seatrial: {error}")
        return 2
    try:
        run = _measure(rows, number)
    except CommandFailed as error:
        say(f"seatrial: nothing was measured: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    print(table([one.row for one in run.comparisons], heads=("row / peer", "seatrial", "peer", "ratio", "goal", "")))
    for name, reason in run.failures.items():
        say(f"{name} was not measured: {reason}")
    if len(rows) == len(ROWS):
        write_page(run, REPOSITORY / "docs")
        say("docs/performance.md is written")
    return 1 if run.failures else 0


def _measure(rows: Mapping[str, Callable[[Setup], list[Comparison]]], rounds: int | None) -> Run:
    began, load, measured = time.monotonic(), os.getloadavg()[0], commit()
    comparisons: list[Comparison] = []
    failures: dict[str, str] = {}
    with workspace(BASE) as place:
        setup = Setup(workspace=place, rounds=rounds)
        for name, measure in rows.items():
            say(name)
            try:
                comparisons += measure(setup)
            except CommandFailed as error:
                say(str(error))
                failures[name] = str(error).partition("\n")[0]
        with_ansible = any(one.peer == "Ansible" for one in comparisons)
        found = {**machine(place, with_ansible=with_ansible), "load before the run": f"{load:.1f}"}
    return Run(
        comparisons=comparisons,
        failures=failures,
        machine=found,
        commit=measured,
        day=datetime.now(UTC).date().isoformat(),
        minutes=(time.monotonic() - began) / 60,
    )


def whole_number(text: str) -> int:
    """Return the number of rounds that a text names; raise `ValueError` with what is wrong about it."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1000):  # noqa: PLR2004  more are a mistake
        raise ValueError(f"--rounds {text}: give a whole number from 1 to 999")
    return int(text)
