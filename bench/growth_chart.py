"""The chart of growth: for each thing that grows, the processor's seconds of each kind of run by its number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Protocol

__all__ = ["Curve", "growth_chart"]

_WIDTH, _HEAD, _FOOT = 1000, 118, 0
_PANEL_WIDTH, _PANEL_HEIGHT, _LEFT, _GAP = 404, 210, 64, 92
_ROOM = 24  # below a panel: its axis and the next one's title
_NICE = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_MOST_TICKS = 5
_STYLE = """\
.growth { --card: #ffffff; --text: #1a2330; --soft: #556274; --line: #dde2e9;
  --a: #b8460e; --b: #2f6fb5; --c: #7a3fb0; --d: #1b7f5a; max-width: 100%; height: auto; }
@media (prefers-color-scheme: dark) {
.growth { --card: #1b2129; --text: #e6eaf0; --soft: #a3afbf; --line: #39434f;
  --a: #f0a35e; --b: #7fb0ea; --c: #c79bf0; --d: #6fcfa6; }
}
.growth text { fill: var(--text); dominant-baseline: central;
  font: 14px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
.growth .ground { fill: var(--card); }
.growth .name { font-size: 20px; font-weight: 650; }
.growth .title { font-weight: 650; }
.growth .soft { fill: var(--soft); font-size: 13px; }
.growth .end { text-anchor: end; }
.growth .middle { text-anchor: middle; }
.growth .grid { stroke: var(--line); }
.growth .line { fill: none; stroke-width: 2.5; }
.growth .dash { stroke-dasharray: 6 4; }
.growth circle.line { stroke-dasharray: none; }
.growth .a { stroke: var(--a); }
.growth .b { stroke: var(--b); }
.growth .c { stroke: var(--c); }
.growth .d { stroke: var(--d); }"""
_KINDS = ("a", "b dash", "c", "d dash")


class Curve(Protocol):
    """One line of the chart."""

    @property
    def grows(self) -> str:
        """What there is more of, from left to right."""
        ...

    @property
    def row(self) -> str:
        """The kind of run."""
        ...

    @property
    def cpu(self) -> Mapping[int, float]:
        """The seconds, by the number of what grows."""
        ...


def growth_chart(curves: Sequence[Curve]) -> str:
    """Return the chart as an SVG document, which follows the reader's light or dark scheme."""
    panels: dict[str, list[Curve]] = {}
    for one in curves:
        panels.setdefault(one.grows, []).append(one)
    rows = list(dict.fromkeys(one.row for one in curves))
    height = _HEAD + -(-len(panels) // 2) * (_PANEL_HEIGHT + _ROOM) + _FOOT
    title = "How the cost of a run grows"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="growth" viewBox="0 0 {_WIDTH} {height}"',
        f'width="{_WIDTH}" height="{height}" role="img" aria-labelledby="growth-title growth-summary">',
        f'<title id="growth-title">{title}</title>',
        f'<desc id="growth-summary">Seconds of processor by the number of {", ".join(map(escape, panels))}</desc>',
        f"<style>\n{_STYLE}\n</style>",
        f'<rect class="ground" width="{_WIDTH}" height="{height}" rx="12"/>',
        f'<text class="name" x="28" y="32">{title}</text>',
        '<text class="soft" x="28" y="58">seconds of processor of the whole process; a straight line is linear</text>',
    ]
    for number, row in enumerate(rows):
        x = 28 + number * 236
        lines.append(f'<path class="line {_KINDS[number]}" d="M{x} 88 h26"/>')
        lines.append(f'<text class="soft" x="{x + 34}" y="88">{escape(row)}</text>')
    for number, (grows, found) in enumerate(panels.items()):
        left = _LEFT + number % 2 * (_PANEL_WIDTH + _GAP)
        lines += _panel(grows, found, rows, left, _HEAD + 26 + number // 2 * (_PANEL_HEIGHT + _ROOM))
    return "\n".join([*lines, "</svg>", ""])


def _panel(grows: str, curves: Sequence[Curve], rows: Sequence[str], left: int, top: int) -> list[str]:
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
