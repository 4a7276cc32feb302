"""Images as the docker CLI shows them: its columns, units and words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from seatrial.engine.model import HistoryEntry, Image
from seatrial.wording import human_ago, human_size, short_digest

__all__ = ["history_rows", "history_table", "image_rows", "images_table", "table"]

_MISSING = "<none>"
_LONGEST_COMMAND = 45
_NARROWEST = 7  # with three spaces between columns


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
                    "CreatedAt": datetime.fromtimestamp(image.created, UTC).strftime("%Y-%m-%d %H:%M:%S +0000 UTC"),
                    "CreatedSince": human_ago(now - image.created),
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
            "CreatedAt": datetime.fromtimestamp(entry.created, UTC).isoformat().replace("+00:00", "Z"),
            "CreatedSince": human_ago(now - entry.created) if entry.created > 0 else "N/A",
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


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_COMMAND else text[: _LONGEST_COMMAND - 1] + "…"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows under a header, in columns as the docker CLI has them."""
    widths = [max(_NARROWEST, *(len(row[column]) for row in (header, *rows))) for column in range(len(header))]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in (header, *rows)]
    return "\n".join("   ".join((*cells[:-1], cells[-1].rstrip())) for cells in lines)
