"""The chart of all rows: each ratio on one logarithmic axis, with its range and its goal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from bench.comparison import Comparison

__all__ = ["chart"]

_WIDTH, _TOP, _STEP, _BOTTOM = 1000, 92, 40, 46
_LEFT, _RIGHT = 420, 800
_TICKS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5)
_LOWEST, _HIGHEST = 0.03, 6.0
_STYLE = """\
.bench { --card: #ffffff; --text: #1a2330; --soft: #556274; --line: #dde2e9; --met: #2f6fb5; --missed: #b8460e;
  max-width: 100%; height: auto; }
@media (prefers-color-scheme: dark) {
.bench { --card: #1b2129; --text: #e6eaf0; --soft: #a3afbf; --line: #39434f; --met: #7fb0ea; --missed: #f0a35e; }
}
.bench text { fill: var(--text); dominant-baseline: central;
  font: 14px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
.bench .ground { fill: var(--card); }
.bench .name { font-size: 20px; font-weight: 650; }
.bench .soft { fill: var(--soft); font-size: 13px; }
.bench .middle { text-anchor: middle; }
.bench .grid { stroke: var(--line); }
.bench .even { stroke: var(--soft); stroke-width: 2; }
.bench .goal { stroke: var(--text); stroke-width: 2.5; }
.bench .floor { fill: none; stroke: var(--soft); stroke-width: 2; }
.bench .met { fill: var(--met); }
.bench .missed { fill: var(--missed); }
.bench .range { stroke-width: 4; stroke-linecap: round; opacity: .45; }
.bench .range.met { stroke: var(--met); }
.bench .range.missed { stroke: var(--missed); }
.bench .verdict { font-weight: 650; }"""


def chart(comparisons: Sequence[Comparison]) -> str:
    """Return the chart as an SVG document, which follows the reader's light or dark scheme."""
    bottom = _TOP + _STEP * len(comparisons)
    height = bottom + _BOTTOM
    missed = sum(not one.met for one in comparisons)
    title = "Seatrial beside other tools"
    summary = f"{len(comparisons)} ratios; {len(comparisons) - missed} goals met, {missed} missed"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="bench" viewBox="0 0 {_WIDTH} {height}"',
        f'width="{_WIDTH}" height="{height}" role="img" aria-labelledby="bench-title bench-summary">',
        f'<title id="bench-title">{title}</title>',
        f'<desc id="bench-summary">{summary}</desc>',
        f"<style>\n{_STYLE}\n</style>",
        f'<rect class="ground" width="{_WIDTH}" height="{height}" rx="12"/>',
        f'<text class="name" x="28" y="32">{title}</text>',
        '<text class="soft" x="28" y="58">the ratio of Seatrial to the peer: the median is a dot, all rounds a band,',
        "a bar is the goal, a ring the floor; 1 is equal</text>",
    ]
    for tick in _TICKS:
        x, kind = _x(tick), "even" if tick == 1 else "grid"
        lines.append(f'<path class="{kind}" d="M{x:.1f} {_TOP - 10} V{bottom}"/>')
        lines.append(f'<text class="soft middle" x="{x:.1f}" y="{bottom + 18}">{tick:g}</text>')
    for number, one in enumerate(comparisons):
        lines += _lines(one, _TOP + _STEP * number + _STEP // 2)
    return "\n".join([*lines, "</svg>", ""])


def _lines(one: Comparison, y: int) -> list[str]:
    """Return a row: names, range, dot, goal and verdict."""
    kind = "met" if one.met else "missed"
    low, high = (_x(value) for value in one.range)
    goal = _x(one.goal)
    more = " (more is better)" if one.more_is_better else ""
    return [
        f'<text x="28" y="{y - 9}">{escape(one.name)}</text>',
        f'<text class="soft" x="28" y="{y + 9}">against {escape(one.peer)}{more}</text>',
        f'<path class="range {kind}" d="M{low:.1f} {y} H{high:.1f}"/>',
        f'<circle class="{kind}" cx="{_x(one.ratio):.1f}" cy="{y}" r="6"/>',
        *(f'<circle class="floor" cx="{_x(share):.1f}" cy="{y}" r="4"/>' for share in one.floor_share),
        f'<path class="goal" d="M{goal:.1f} {y - 11} V{y + 11}"/>',
        f'<text class="verdict {kind}" x="{_RIGHT + 16}" y="{y - 9}">{one.ratio:.2f}, {kind}</text>',
        f'<text class="soft" x="{_RIGHT + 16}" y="{y + 9}">goal {one.goal_text}</text>',
    ]


def _x(ratio: float) -> float:
    """Return where a ratio stands on the axis; what lies beyond its ends stands there."""
    inside = min(max(ratio, _LOWEST), _HIGHEST)
    return _LEFT + (_RIGHT - _LEFT) * math.log(inside / _LOWEST) / math.log(_HIGHEST / _LOWEST)
