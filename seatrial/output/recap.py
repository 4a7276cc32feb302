"""The title above the counts of a command, and rows below them: engine, image, builder, names, address, build log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seatrial.pipeline.outcome import Outcome, Status
from seatrial.pipeline.report import Report, worst
from seatrial.wording import spaced_size

__all__ = ["recap_rows", "recap_table", "recap_title"]


_SHORTEST_NAME = 12


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
    for app in report.apps:
        yield from _app_rows(app)


def _app_rows(app: Report) -> Iterator[tuple[str, str]]:
    if app.address:
        yield app.app, app.address
    if app.failure and app.build_log:
        yield "build log", app.build_log


def recap_table(report: Report, *, width: int | None = None) -> list[tuple[str, ...]]:
    """Return a header, and for each of several apps a row with the status of each step; of one app, nothing.

    The names of apps are shortened if the table would be wider than `width`.
    """
    if not report.apps:
        return []
    steps = dict.fromkeys(outcome.step for outcome in report.outcomes)
    rows = []
    for app in report.apps:
        of_step = {step: [one for one in app.outcomes if one.step == step] for step in steps}
        rows.append((app.app, *(_status(found) for found in of_step.values())))
    if width:
        room = width - sum(max(map(len, column)) + 2 for column in zip(steps, *(row[1:] for row in rows), strict=True))
        rows = [(_shortened(app, max(room, _SHORTEST_NAME)), *statuses) for app, *statuses in rows]
    return [("app", *steps), *rows]


def _shortened(name: str, longest: int) -> str:
    """Return a name without its middle if it is longer."""
    kept = longest - 1
    return name if len(name) <= longest else f"{name[: kept - kept // 2]}…{name[-(kept // 2) :]}"


def _status(outcomes: Sequence[Outcome]) -> str:
    """Return the status of a step, or the worst of several hooks; empty without one."""
    if not outcomes:
        return ""
    skipped = all(one.status is Status.SKIPPED for one in outcomes)
    return Status.SKIPPED if skipped else worst(outcomes)
