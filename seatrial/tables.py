"""Images as the docker CLI shows them: its columns, units and words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from seatrial.engine.model import HistoryEntry, Image

__all__ = ["counted", "history_rows", "history_table", "human_ago", "human_size", "image_rows", "images_table", "table"]

_MISSING = "<none>"
_SHORT_ID = 12
_LONGEST_COMMAND = 45
_NARROWEST = 7  # and three blanks behind it
_THOUSAND = 1000.0
# Below so many hours, told in units of so many hours: as Docker tells a length of time.
_UNITS = (
    (48, 1, "hours"),
    (14 * 24, 24, "days"),
    (60 * 24, 7 * 24, "weeks"),
    (2 * 365 * 24, 30 * 24, "months"),
)
_HOURS_A_YEAR = 365 * 24


def images_table(images: Iterable[Image], *, now: float) -> str:
    """Give images as `docker images` does; `now` is seconds since the epoch."""
    header = ("REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE")
    return table(
        header,
        [
            (row["Repository"], row["Tag"], row["ID"], row["CreatedSince"], row["Size"])
            for row in image_rows(images, now=now)
        ],
    )


def image_rows(images: Iterable[Image], *, now: float) -> list[dict[str, str]]:
    """Give one row a name, with the keys of `docker images --format json`; an image without a name has one row."""
    rows = []
    for image in images:
        for tag in _names(image):
            repository, _, version = tag.rpartition(":")
            rows.append(
                {
                    "Repository": repository,
                    "Tag": version,
                    "ID": _short(image.id),
                    "CreatedAt": datetime.fromtimestamp(image.created, UTC).strftime("%Y-%m-%d %H:%M:%S +0000 UTC"),
                    "CreatedSince": human_ago(now - image.created),
                    "Size": human_size(image.size),
                }
            )
    return rows


def history_table(entries: Iterable[HistoryEntry], *, now: float) -> str:
    """Give an image's history as `docker history` does."""
    header = ("IMAGE", "CREATED", "CREATED BY", "SIZE", "COMMENT")
    rows = [
        (row["ID"], row["CreatedSince"], _cut(row["CreatedBy"]), row["Size"], row["Comment"])
        for row in history_rows(entries, now=now)
    ]
    return table(header, rows)


def history_rows(entries: Iterable[HistoryEntry], *, now: float) -> list[dict[str, str]]:
    """Give one row a layer, with the keys of `docker history --format json`."""
    return [
        {
            "ID": _short(entry.id),
            "CreatedAt": datetime.fromtimestamp(entry.created, UTC).isoformat().replace("+00:00", "Z"),
            "CreatedSince": human_ago(now - entry.created) if entry.created > 0 else "N/A",
            "CreatedBy": entry.created_by.replace("\t", " "),
            "Size": human_size(entry.size),
            "Comment": entry.comment,
        }
        for entry in entries
    ]


def human_ago(seconds: float) -> str:
    """Give a length of time in Docker's words: `4 weeks ago`."""
    whole, hours = max(0, int(seconds)), int(seconds / 3600 + 0.5)
    if whole < 60:  # noqa: PLR2004
        words = "Less than a second" if whole < 1 else counted(whole, "second")
    elif whole < 3600:  # noqa: PLR2004
        words = "About a minute" if whole < 120 else f"{whole // 60} minutes"  # noqa: PLR2004
    elif hours == 1:
        words = "About an hour"
    else:
        years = (float("inf"), _HOURS_A_YEAR, "years")
        _, length, name = next(unit for unit in (*_UNITS, years) if hours < unit[0])
        words = f"{hours // length} {name}"
    return f"{words} ago"


def counted(number: int, noun: str) -> str:
    """Give a number with what it counts: `1 check`, `2 checks`."""
    return f"{number} {noun}{'s' if number > 1 else ''}"


def human_size(size: int) -> str:
    """Give bytes in Docker's decimal units with three figures: `72.8MB`."""
    value, units = float(size), ["B", "kB", "MB", "GB", "TB", "PB"]
    while value >= _THOUSAND and len(units) > 1:
        value /= _THOUSAND
        units.pop(0)
    return f"{value:.3g}{units[0]}" if value < 999.5 else f"{value:.4g}{units[0]}"  # noqa: PLR2004


def _names(image: Image) -> tuple[str, ...]:
    """Give all names with their tags; a repository whose tag has moved on is known by its digest only."""
    known = tuple(f"{digest.partition('@')[0]}:{_MISSING}" for digest in image.digests)
    return image.tags or known or (f"{_MISSING}:{_MISSING}",)


def _short(image_id: str) -> str:
    return image_id.removeprefix("sha256:")[:_SHORT_ID] if image_id.startswith("sha256:") else image_id


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_COMMAND else text[: _LONGEST_COMMAND - 1] + "…"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Give rows under a header, in columns as the docker CLI has them."""
    widths = [max(_NARROWEST, *(len(row[column]) for row in (header, *rows))) for column in range(len(header))]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in (header, *rows)]
    return "\n".join("   ".join((*cells[:-1], cells[-1].rstrip())) for cells in lines)
