"""The chart of all rows: each ratio on one logarithmic axis, with its range and its goal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from bench.comparison import Comparison
from bench.svg import document

__all__ = ["chart"]

_TOP, _STEP, _BOTTOM = 92, 40, 46
_LEFT, _RIGHT = 420, 800
_TICKS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5)
_LOWEST, _HIGHEST = 0.03, 6.0
_STYLE = """\
.chart { --met: #2f6fb5; --missed: #b8460e; }
@media (prefers-color-scheme: dark) { .chart { --met: #7fb0ea; --missed: #f0a35e; } }
.even { stroke: var(--soft); stroke-width: 2; }
.goal { stroke: var(--text); stroke-width: 2.5; }
.floor { fill: none; stroke: var(--soft); stroke-width: 2; }
.met { fill: var(--met); }
.missed { fill: var(--missed); }
.range { stroke-width: 4; stroke-linecap: round; opacity: .45; }
.range.met { stroke: var(--met); }
.range.missed { stroke: var(--missed); }
.verdict { font-weight: 650; }"""
_NOTE = (
    "the ratio of Seatrial to the peer: the median is a dot, all rounds a band, "
    "a bar is the goal, a ring the floor; 1 is equal"
)


def chart(comparisons: Sequence[Comparison]) -> str:
    """Return the chart as an SVG document."""
    bottom = _TOP + _STEP * len(comparisons)
    missed = sum(not one.met for one in comparisons)
    summary = f"{len(comparisons)} ratios; {len(comparisons) - missed} goals met, {missed} missed"
    lines: list[str] = []
    for tick in _TICKS:
        x, kind = _x(tick), "even" if tick == 1 else "grid"
        lines.append(f'<path class="{kind}" d="M{x:.1f} {_TOP - 10} V{bottom}"/>')
        lines.append(f'<text class="soft middle" x="{x:.1f}" y="{bottom + 18}">{tick:g}</text>')
    for number, one in enumerate(comparisons):
        lines += _lines(one, _TOP + _STEP * number + _STEP // 2)
    return document(
        lines,
        style=_STYLE,
        height=bottom + _BOTTOM,
        title="Seatrial beside other tools",
        summary=summary,
        note=_NOTE,
    )


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
