"""The title above the counts of a command, and rows below them: engine, image, builder, names, address, build log."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.pipeline.report import Report
from seatrial.wording import spaced_size

__all__ = ["recap_rows", "recap_title"]


def recap_title(report: Report) -> str:
    """Return the line above the counts: the command, its environment, and whether only check mode ran."""
    where = f" in {report.environment}" if report.environment else ""
    return f"RECAP {report.command}{where}{' (check mode: nothing was changed)' if report.check else ''}"


def recap_rows(report: Report) -> Iterator[tuple[str, str]]:
    """Yield each row's name and value; a digest or id has no name, and belongs to the row before."""
    if report.engine:
        yield "engine", f"Docker {report.engine.version} at {report.engine.endpoint}"
    if image := report.image:
        yield "image", f"{image.name}, {spaced_size(image.size)}" if image.tags and image.size else image.name
        yield "", image.id
    if report.builder:
        yield "builder", report.builder
    for one in report.published:
        yield "published" if one.digest else "not published", one.reference
        if one.digest:
            yield "", one.digest
    if report.page:
        yield "page", report.page
    if report.address:
        yield "app", report.address
    if report.build_log:
        yield "build log", report.build_log
