"""The chart of growth: for each thing that grows, the processor's seconds of each kind of run by its number."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bench.growth_row import Growth
from bench.svg import document

__all__ = ["growth_chart"]

_HEAD = 118
_PANEL_WIDTH, _PANEL_HEIGHT, _LEFT, _GAP = 404, 210, 64, 92
_ROOM = 24  # below a panel: its axis and the next one's title
_NICE = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_MOST_TICKS = 5
_STYLE = """\
.chart { --a: #b8460e; --b: #2f6fb5; --c: #7a3fb0; --d: #1b7f5a; }
@media (prefers-color-scheme: dark) { .chart { --a: #f0a35e; --b: #7fb0ea; --c: #c79bf0; --d: #6fcfa6; } }
.title { font-weight: 650; }
.end { text-anchor: end; }
.line { fill: none; stroke-width: 2.5; }
.dash { stroke-dasharray: 6 4; }
circle.line { stroke-dasharray: none; }
.a { stroke: var(--a); }
.b { stroke: var(--b); }
.c { stroke: var(--c); }
.d { stroke: var(--d); }"""
_NOTE = "seconds of processor of the whole process; a straight line is linear"
_KINDS = ("a", "b dash", "c", "d dash")


def growth_chart(curves: Sequence[Growth]) -> str:
    """Return the chart as an SVG document."""
    panels: dict[str, list[Growth]] = {}
    for one in curves:
        panels.setdefault(one.grows, []).append(one)
    rows = list(dict.fromkeys(one.row for one in curves))
    height = _HEAD + -(-len(panels) // 2) * (_PANEL_HEIGHT + _ROOM)
    lines: list[str] = []
    for number, row in enumerate(rows):
        x = 28 + number * 236
        lines.append(f'<path class="line {_KINDS[number]}" d="M{x} 88 h26"/>')
        lines.append(f'<text class="soft" x="{x + 34}" y="88">{escape(row)}</text>')
    for number, (grows, found) in enumerate(panels.items()):
        left = _LEFT + number % 2 * (_PANEL_WIDTH + _GAP)
        lines += _panel(grows, found, rows, left, _HEAD + 26 + number // 2 * (_PANEL_HEIGHT + _ROOM))
    summary = f"Seconds of processor by the number of {', '.join(panels)}"
    return document(
        lines, style=_STYLE, height=height, title="How the cost of a run grows", summary=summary, note=_NOTE
    )


def _panel(grows: str, curves: Sequence[Growth], rows: Sequence[str], left: int, top: int) -> list[str]:
    """Return a panel, both of whose axes begin at 0."""
    most = max(size for one in curves for size in one.cpu)
    highest = max(value for one in curves for value in one.cpu.values())
    step = next((nice for nice in _NICE if highest / nice <= _MOST_TICKS), _NICE[-1])
    ceiling = -(-highest // step) * step
    bottom = top + _PANEL_HEIGHT - 40

    def x(size: float) -> float:
        return left + _PANEL_WIDTH * size / most

    def y(seconds: float) -> float:
        return bottom - (bottom - top - 12) * seconds / ceiling

    lines = [f'<text class="title" x="{left}" y="{top - 12}">{escape(grows)}</text>']
    for number in range(round(ceiling / step) + 1):
        at = y(number * step)
        lines.append(f'<path class="grid" d="M{left} {at:.1f} H{left + _PANEL_WIDTH}"/>')
        lines.append(f'<text class="soft end" x="{left - 8}" y="{at:.1f}">{number * step:g} s</text>')
    sizes = sorted({size for one in curves for size in one.cpu if size * 12 >= most})
    lines += [f'<text class="soft middle" x="{x(size):.1f}" y="{bottom + 18}">{size:,}</text>' for size in sizes]
    for one in curves:
        kind, points = _KINDS[rows.index(one.row)], [(x(size), y(value)) for size, value in sorted(one.cpu.items())]
        lines.append(f'<path class="line {kind}" d="M{" L".join(f"{h:.1f} {v:.1f}" for h, v in points)}"/>')
        lines += [f'<circle class="line {kind}" cx="{h:.1f}" cy="{v:.1f}" r="2"/>' for h, v in points]
    return lines
