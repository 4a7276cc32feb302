"""The bench says what was measured: ratios of pairs, goals that are missed, and rows that could not be measured."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench.catalogue import ROWS, chosen
from bench.comparison import Comparison
from bench.growth_page import GrowthRun, write_growth
from bench.growth_row import Growth
from bench.page import Run, write_page

SVG = "{http://www.w3.org/2000/svg}"


def comparison(ours: list[float], other: list[float], goal: float, *, more_is_better: bool = False) -> Comparison:
    """Return a row with these values."""
    return Comparison(
        name="a <row>",
        peer="a peer",
        ours=ours,
        other=other,
        goal=goal,
        checked="the answer",
        more_is_better=more_is_better,
    )


def test_a_slow_round_does_not_count() -> None:
    """The ratio is that of the pairs, so a round that was slow for both, or for one, changes nothing."""
    assert comparison([1, 10, 1, 9], [2, 20, 2, 2], 1).ratio == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("ours", "goal", "more_is_better", "met"),
    [(1.0, 1.0, False, True), (1.1, 1.0, False, False), (3.0, 3.0, True, True), (2.9, 3.0, True, False)],
)
def test_goals(ours: float, goal: float, *, more_is_better: bool, met: bool) -> None:
    """A goal is met at its own value; where more is better, it is the lowest ratio."""
    assert comparison([ours], [1.0], goal, more_is_better=more_is_better).met is met


def test_the_page_marks_what_missed_its_goal_and_what_was_not_measured(tmp_path: Path) -> None:
    """Table and chart say which row missed its goal; a row that failed is named with its reason."""
    run = Run(
        comparisons=[comparison([1.0], [2.0], 0.6), comparison([3.0], [2.0], 0.6)],
        failures={"ansible-noop": "no network"},
        machine={"memory": "24 GiB"},
        commit="abc",
        day="2026-11-27",
        minutes=9.4,
    )
    write_page(run, tmp_path)

    page = (tmp_path / "performance.md").read_text("utf-8")
    assert [line.count("**missed**") for line in page.splitlines() if line.startswith("| a <row>")] == [0, 1]
    assert "`ansible-noop` was not measured: no network" in page
    verdicts = [text.text for text in ET.parse(tmp_path / "performance.svg").iter(f"{SVG}text")]  # noqa: S314  our own
    assert [verdict for verdict in verdicts if verdict and ("met" in verdict or "missed" in verdict)] == [
        "0.50, met",
        "1.50, missed",
    ]


def test_rows_are_chosen_by_the_beginnings_of_their_names() -> None:
    """Without words all rows are chosen; a word that begins none is an error."""
    assert list(chosen("release, start-list")) == ["release-noop", "release-line", "release-cold", "start-list"]
    assert chosen("") == ROWS
    with pytest.raises(ValueError, match="ansibel"):
        chosen("release,ansibel")


def growth(cpu: dict[int, float], row: str = "build") -> Growth:
    """Return a series with these costs by size."""
    return Growth(grows="files", row=row, cpu=cpu, rounds=3)


@pytest.mark.parametrize(
    ("cpu", "verdict"),
    [
        ({10: 1.0, 50: 0.9, 100: 1.1}, "flat"),
        ({10: 1.0, 50: 1.5, 100: 2.0}, "linear"),
        ({10: 1.0, 50: 2.5, 100: 3.0}, "linear"),
        ({10: 1.0, 50: 1.5, 100: 4.0}, "worse than linear"),
        ({10: 1.0, 50: 0.9, 100: 2.0}, "worse than linear"),
    ],
)
def test_verdicts_of_growth(cpu: dict[int, float], verdict: str) -> None:
    """What the largest size costs beyond the line through the other two is worse than linear, noise apart."""
    assert growth(cpu).verdict == verdict


def test_the_page_about_growth_keeps_what_was_measured(tmp_path: Path) -> None:
    """A part that failed is named with its reason; the others' rows and curves are there."""
    run = GrowthRun(commit="abc", day="2026-11-27", failures={"layers": "no network"})
    run.growths.append(growth({10: 1.0, 50: 1.5, 100: 2.0}))
    write_growth(run, tmp_path)

    page = (tmp_path / "performance-growth.md").read_text("utf-8")
    assert "layers could not be measured: no network" in page
    assert "| 10 to 100 files | build | 3 |" in page
    assert len(list(ET.parse(tmp_path / "performance-growth.svg").iter(f"{SVG}circle"))) == 3  # noqa: S314  our own
