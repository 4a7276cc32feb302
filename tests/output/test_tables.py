"""Tables of images and history in the docker CLI's format."""

from __future__ import annotations

import pytest

from seatrial.engine.model import HistoryEntry, Image
from seatrial.output.tables import history_table, images_table
from seatrial.wording import human_ago, human_size

MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "Less than a second ago"),
        (0.4, "Less than a second ago"),
        (1, "1 second ago"),
        (59, "59 seconds ago"),
        (MINUTE, "About a minute ago"),
        (2 * MINUTE, "2 minutes ago"),
        (59 * MINUTE, "59 minutes ago"),
        (HOUR, "About an hour ago"),
        (1.6 * HOUR, "2 hours ago"),
        (47 * HOUR, "47 hours ago"),
        (2 * DAY, "2 days ago"),
        (13 * DAY, "13 days ago"),
        (28 * DAY, "4 weeks ago"),
        (59 * DAY, "8 weeks ago"),
        (150 * DAY, "5 months ago"),
        (5 * 365 * DAY, "5 years ago"),
    ],
)
def test_ago(seconds: float, text: str) -> None:
    """A length of time is written as Docker writes it."""
    assert human_ago(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0B"),
        (935, "935B"),
        (13_256, "13.3kB"),
        (72_776_513, "72.8MB"),
        (126_000_000, "126MB"),
        (1_234_000_000, "1.23GB"),
        (5 * 10**15, "5PB"),
    ],
)
def test_size(size: int, text: str) -> None:
    """Bytes are written in Docker's decimal units with three digits."""
    assert human_size(size) == text


def test_images() -> None:
    """Each name has a row; an image whose tag moved keeps its repository, and one without a name has none."""
    images = [
        Image(id=f"sha256:{'a' * 64}", tags=("x/app:1", "localhost:5050/x/app:1"), created=940, size=1000),
        Image(id=f"sha256:{'b' * 64}", digests=("x/app@sha256:1",), created=940),
        Image(id=f"sha256:{'c' * 64}", created=940),
    ]
    header, *rows = images_table(images, now=1000).splitlines()
    assert header.split() == ["REPOSITORY", "TAG", "IMAGE", "ID", "CREATED", "SIZE"]
    assert [row.split()[:3] for row in rows] == [
        ["x/app", "1", "a" * 12],
        ["localhost:5050/x/app", "1", "a" * 12],
        ["x/app", "<none>", "b" * 12],
        ["<none>", "<none>", "c" * 12],
    ]
    assert "About a minute ago   1kB" in rows[0]


def test_history() -> None:
    """A long command is cut as in Docker, and a layer built elsewhere has no id."""
    entry = HistoryEntry(id="<missing>", created=990, created_by="RUN " + "x" * 60, size=0, comment="", tags=())
    row = history_table([entry], now=1000).splitlines()[1]
    assert row.startswith("<missing>   10 seconds ago   RUN " + "x" * 40 + "…   0B")
