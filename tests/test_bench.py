"""The bench says what was measured: ratios of pairs, goals that are missed, and rows that could not be measured."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench.catalogue import ROWS, chosen
from bench.comparison import Comparison
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
