"""What the charts have in common: a card with a title, which follows the reader's light or dark scheme."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

__all__ = ["document"]

_WIDTH = 1000

_STYLE = """\
.chart { --card: #ffffff; --text: #1a2330; --soft: #556274; --line: #dde2e9; max-width: 100%; height: auto; }
@media (prefers-color-scheme: dark) {
.chart { --card: #1b2129; --text: #e6eaf0; --soft: #a3afbf; --line: #39434f; }
}
text { fill: var(--text); dominant-baseline: central;
  font: 14px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
.ground { fill: var(--card); }
.name { font-size: 20px; font-weight: 650; }
.soft { fill: var(--soft); font-size: 13px; }
.middle { text-anchor: middle; }
.grid { stroke: var(--line); }"""


def document(  # noqa: PLR0913  the parts of a chart
    lines: Iterable[str], *, style: str, height: int, title: str, summary: str, note: str
) -> str:
    """Return an SVG document of these lines, below its title and a note."""
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {_WIDTH} {height}"',
        f'width="{_WIDTH}" height="{height}" role="img" aria-labelledby="chart-title chart-summary">',
        f'<title id="chart-title">{title}</title>',
        f'<desc id="chart-summary">{escape(summary)}</desc>',
        f"<style>\n{_STYLE}\n{style}\n</style>",
        f'<rect class="ground" width="{_WIDTH}" height="{height}" rx="12"/>',
        f'<text class="name" x="28" y="32">{title}</text>',
        f'<text class="soft" x="28" y="58">{note}</text>',
    ]
    return "\n".join([*head, *lines, "</svg>", ""])
