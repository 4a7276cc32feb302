"""Images as the docker CLI shows them: its columns, units and words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from unicodedata import east_asian_width

from seatrial.engine.model import HistoryEntry, Image
from seatrial.wording import human_ago, human_size, short_digest

__all__ = ["history_rows", "history_table", "image_rows", "images_table", "table"]

_MISSING = "<none>"
_LONGEST_COMMAND = 45
_NARROWEST = 7  # with three spaces between columns
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_SECOND = (datetime.min.replace(tzinfo=UTC) - _EPOCH).total_seconds()  # Go's zero time
_LAST_SECOND = (datetime.max.replace(microsecond=0, tzinfo=UTC) - _EPOCH).total_seconds()
_YEAR_2000 = datetime(2000, 1, 1, tzinfo=UTC).timestamp()  # the docker CLI shows no age of older layers


def images_table(images: Iterable[Image], *, now: float) -> str:
    """Return images as `docker images` does; `now` is seconds since the epoch."""
    header = ("REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE")
    return table(
        header,
        [
            (row["Repository"], row["Tag"], row["ID"], row["CreatedSince"], row["Size"])
            for row in image_rows(images, now=now)
        ],
    )


def image_rows(images: Iterable[Image], *, now: float) -> list[dict[str, str]]:
    """Return one row for each name, with the keys of `docker images --format json`; one for an image without a name."""
    rows = []
    for image in images:
        for tag in _names(image):
            repository, _, version = tag.rpartition(":")
            rows.append(
                {
                    "Repository": repository,
                    "Tag": version,
                    "ID": short_digest(image.id),
                    "CreatedAt": f"{_date(image.created, ' ')} +0000 UTC",
                    "CreatedSince": human_ago(now - image.created) if image.created > _FIRST_SECOND else "N/A",
                    "Size": human_size(image.size),
                }
            )
    return rows


def history_table(entries: Iterable[HistoryEntry], *, now: float) -> str:
    """Return an image's history as `docker history` does."""
    header = ("IMAGE", "CREATED", "CREATED BY", "SIZE", "COMMENT")
    rows = [
        (row["ID"], row["CreatedSince"], _cut(row["CreatedBy"]), row["Size"], row["Comment"])
        for row in history_rows(entries, now=now)
    ]
    return table(header, rows)


def history_rows(entries: Iterable[HistoryEntry], *, now: float) -> list[dict[str, str]]:
    """Return one row for each layer, with the keys of `docker history --format json`."""
    return [
        {
            "ID": short_digest(entry.id),
            "CreatedAt": f"{_date(entry.created, 'T')}Z",
            "CreatedSince": human_ago(now - entry.created) if entry.created > _YEAR_2000 else "N/A",
            "CreatedBy": entry.created_by.replace("\t", " "),
            "Size": human_size(entry.size),
            "Comment": entry.comment,
        }
        for entry in entries
    ]


def _names(image: Image) -> tuple[str, ...]:
    """Return all names with their tags; an image that lost its tag has only a digest."""
    known = tuple(f"{digest.partition('@')[0]}:{_MISSING}" for digest in image.digests)
    return image.tags or known or (f"{_MISSING}:{_MISSING}",)


def _date(created: float, separator: str) -> str:
    """Return seconds since the epoch as a date and a time in UTC; at the ends of the calendar, the first or last."""
    date = _EPOCH + timedelta(seconds=min(max(created, _FIRST_SECOND), _LAST_SECOND))
    return date.replace(tzinfo=None).isoformat(separator, "seconds")


def _cut(text: str) -> str:
    """Return at most 45 columns of a terminal, as the docker CLI does; a wide character takes two."""
    columns, cut = 0, ""
    for character in text:
        columns += 2 if east_asian_width(character) in "WF" else 1
        if columns > _LONGEST_COMMAND:
            return cut + "…"
        if columns < _LONGEST_COMMAND:
            cut += character
    return text


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows under a header, in columns as the docker CLI has them."""
    widths = [max(_NARROWEST, *(len(row[column]) for row in (header, *rows))) for column in range(len(header))]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in (header, *rows)]
    return "\n".join("   ".join((*cells[:-1], cells[-1].rstrip())) for cells in lines)
