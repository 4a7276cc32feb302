"""Layers as a picture in a file: SVG, or a page that holds it beside a table."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from seatrial.errors import UsageError
from seatrial.output.layers.sharing_view import SharingView
from seatrial.output.layers.view import LayersView, Row
from seatrial.output.page.templates import style_sheet, templates
from seatrial.output.report_file import ReportFile
from seatrial.wording import and_more, spaced_size

__all__ = ["PictureFile", "as_html", "as_svg"]

_KINDS: Final = (".svg", ".html")
_WIDTH: Final = 1000
_MARGIN: Final = 32
_HEAD: Final = 80  # the height of title and subtitle
_CHARACTERS: Final = 60
_BAR_WIDTH: Final = 210
_ROW: Final = 28
_NOTE: Final = 108
_MOST_IMAGES: Final = 40


class PictureFile:
    """The file that `--output` names; creating the object raises `UsageError` if it cannot be written."""

    def __init__(self, name: str, *, check: bool = False) -> None:
        if not name.endswith(_KINDS):
            raise UsageError(
                f"--output {name!r} is not the name of a picture",
                reason=f"it must end in {' or '.join(_KINDS)}",
                hint="--output layers.html",
            )
        self._is_svg = name.endswith(".svg")
        self._file = ReportFile(name, flag="--output", example="layers.html", check=check)
        self.path = self._file.path

    def write(self, view: LayersView | SharingView) -> None:
        """Write the picture; `StepFailed` when the file cannot be written."""
        text = as_svg(view) if self._is_svg else as_html(view)
        self._file.write(text.encode("utf-8", "backslashreplace"))


class _Drawing(Struct, frozen=True, kw_only=True):
    """A picture of known height: `items` are what is drawn, in the template's own words."""

    title: str
    subtitle: str
    summary: str
    height: int
    items: tuple[dict[str, Any], ...]


def as_svg(view: LayersView | SharingView, *, top: int = 0) -> str:
    """Return the picture as SVG: text is text, and colours follow the reader's light or dark mode.

    `top` is where it begins: below its title if a page says that already.
    """
    drawing = _layers(view) if isinstance(view, LayersView) else _sharing(view)
    sizes = {"width": _WIDTH, "margin": _MARGIN, "bar_width": _BAR_WIDTH, "top": top}
    return templates().get_template("layers.svg.j2").render(drawing=drawing, **sizes)


def as_html(view: LayersView | SharingView) -> str:
    """Return a page that needs nothing else: the picture, what follows from it, and all numbers as a table."""
    reason, hint = view.advice if isinstance(view, LayersView) else ("", "")
    return (
        templates()
        .get_template("layers.html.j2")
        .render(
            view=view,
            is_sharing=isinstance(view, SharingView),
            svg=as_svg(view, top=_HEAD),
            css=style_sheet(),
            reason=reason,
            hint=hint,
        )
    )


def _layers(view: LayersView) -> _Drawing:
    items: list[dict[str, Any]] = []
    y = 92
    rails: list[tuple[str, int]] = []
    for group in view.groups:
        items.append({"kind": "title", "y": y + 18, "text": _cut(group.title, 100), "group": group.kind})
        rails.append((group.kind, y + 14))
        y += _ROW + 4
        for row in group.rows:
            items.append(_row(row, y, group.kind))
            y += _ROW
            if row.breaks and view.reuse:
                where = f" (line {view.reuse.line})" if view.reuse.line else ""
                lines = textwrap.wrap(f"↑ reuse ends here{where}: {view.reuse.reason}", _NOTE)[:2]
                items += [{"kind": "note", "y": y + 13 + 18 * n, "text": one} for n, one in enumerate(lines)]
                y += 18 * len(lines) + 8
        rails.append((group.kind, y - _ROW // 2))
        y += 12
    items = [*_rails(rails), *items]
    _, hint = view.advice
    for line in textwrap.wrap(f"Next: {hint}", _NOTE) if hint else ():
        items.append({"kind": "hint", "y": y + 18, "text": line})
        y += 20
    facts = tuple(f"{one.name}: {one}" for one in view.facts)
    return _Drawing(
        title=_cut(view.title, 80),
        subtitle=view.subtitle,
        summary="; ".join(facts) or view.subtitle,
        height=y + 20,
        items=tuple(items),
    )


def _rails(ends: list[tuple[str, int]]) -> Iterator[dict[str, Any]]:
    """Yield the lines that join the steps: one trunk, and a branch beside it for the other image."""
    spans: dict[str, list[int]] = {}
    for kind, y in ends:
        spans.setdefault(kind, []).append(y)
    for kind, (top, bottom) in spans.items():
        if kind == "gone":
            start = spans["shared"][1] if "shared" in spans else top
            path = f"M36 {start} C36 {start + 16} 52 {start + 8} 52 {start + 26} V{bottom}"
            yield {"kind": "rail", "group": "gone", "path": path}
        else:
            start = spans["shared"][1] if kind == "new" and "shared" in spans else top + 18
            yield {"kind": "rail", "group": kind, "path": f"M36 {start} V{bottom}"}


def _row(row: Row, y: int, kind: str) -> dict[str, Any]:
    makes = row.step.layer is not None
    return {
        "kind": "row",
        "group": kind,
        "state": row.state.value.replace(" ", "-"),
        "y": y + _ROW // 2,
        "x": 52 if kind == "gone" else 36,
        "text": _cut(row.text, _CHARACTERS),
        "full": row.text,
        "makes": makes,
        "bar": max(row.share * _BAR_WIDTH, 2) if makes and row.step.size else 0,
        "size": row.size.removeprefix("size ") if makes else "",
        "label": row.label,
        "breaks": row.breaks,
    }


def _sharing(view: SharingView) -> _Drawing:
    items: list[dict[str, Any]] = []
    sharing, y = view.sharing, 96
    for name, size in (("without sharing", sharing.total), ("on the disk", sharing.on_disk)):
        width = max(size / (sharing.total or 1) * 620, 2)
        items.append({"kind": "sum", "y": y, "text": name, "bar": width, "size": spaced_size(size)})
        y += 36
    items.append({"kind": "heading", "y": y + 14, "text": "image", "bars": "shared and own layers", "size": "its own"})
    y += 30
    for one in view.rows[:_MOST_IMAGES]:
        shared, own = one.shared_share * 420, one.own_share * 420
        items.append(
            {
                "kind": "image",
                "y": y + _ROW // 2,
                "text": _cut(one.name, 44),
                "full": one.name,
                "shared": shared,
                "bar": max(own, 2) if own else 0,
                "size": one.own,
            }
        )
        y += _ROW
    if more := and_more(len(view.rows) - _MOST_IMAGES):
        items.append({"kind": "note", "y": y + 16, "text": more})
        y += 24
    facts = "; ".join(f"{one.name}: {one}" for one in view.facts)
    return _Drawing(
        title=view.title,
        subtitle=f"saved by sharing: {view.facts[-1]}",
        summary=facts,
        height=y + 24,
        items=tuple(items),
    )


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
