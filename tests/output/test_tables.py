"""Tables of images and history in the docker CLI's format."""

from __future__ import annotations

import pytest

from seatrial.engine.model import HistoryEntry, Image
from seatrial.output.tables import history_rows, history_table, image_rows, images_table
from seatrial.wording import human_ago, human_size

MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "Less than a second ago"),
        (1, "1 second ago"),
        (59, "59 seconds ago"),
        (MINUTE, "About a minute ago"),
        (59 * MINUTE, "59 minutes ago"),
        (HOUR, "About an hour ago"),
        (47 * HOUR, "47 hours ago"),
        (2 * DAY, "2 days ago"),
        (28 * DAY, "4 weeks ago"),
        (150 * DAY, "5 months ago"),
        (2 * 365 * DAY - HOUR, "24 months ago"),
        (2 * 365 * DAY - HOUR / 4, "1 years ago"),
    ],
)
def test_ago(seconds: float, text: str) -> None:
    """A length of time is written as Docker writes it."""
    assert human_ago(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0B"),
        (13_256, "13.3kB"),
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
    entry = HistoryEntry(
        id="<missing>", created=1_790_000_000 - 10, created_by="RUN " + "x" * 60, size=0, comment="", tags=()
    )
    row = history_table([entry], now=1_790_000_000).splitlines()[1]
    assert row.startswith("<missing>   10 seconds ago   RUN " + "x" * 40 + "…   0B")


@pytest.mark.parametrize(
    ("created", "date", "image_age", "layer_age"),
    [
        (-1e12, "0001-01-01T00:00:00Z", "N/A", "N/A"),
        (0, "1970-01-01T00:00:00Z", "56 years ago", "N/A"),
        (946684801, "2000-01-01T00:00:01Z", "26 years ago", "26 years ago"),
        (1e15, "9999-12-31T23:59:59Z", "Less than a second ago", "Less than a second ago"),
    ],
)
def test_odd_dates(created: float, date: str, image_age: str, layer_age: str) -> None:
    """The docker CLI shows no age of a layer from before 2000, nor of an image without a date."""
    layer = HistoryEntry(id="<missing>", created=created, created_by="", size=0, comment="", tags=())
    assert history_rows([layer], now=1_790_000_000)[0].items() >= {"CreatedAt": date, "CreatedSince": layer_age}.items()
    image = Image(id=f"sha256:{'c' * 64}", created=created)
    assert image_rows([image], now=1_790_000_000)[0]["CreatedSince"] == image_age


def test_wide_characters() -> None:
    """A command is cut at 45 columns of the terminal, and a wide character takes two."""
    commands = ["é" * 45, "日" * 22, "日" * 23]
    layers = [HistoryEntry(id="x", created=0, created_by=text, size=0, comment="", tags=()) for text in commands]
    shown = [row.split()[2] for row in history_table(layers, now=1000).splitlines()[1:]]
    assert shown == ["é" * 45, "日" * 22, "日" * 22 + "…"]
