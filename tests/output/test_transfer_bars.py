"""Pushes and pulls: the summary of transfers, and their bars on a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from seatrial.events import BytesSent, Transfer
from seatrial.output.transfer_bars import TransferBars
from seatrial.pipeline.transfers import TransferSummary

MB = 1_000_000


def _on_event(
    transfers: TransferSummary, layer: str, text: str, current: int = 0, total: int | None = None
) -> str | None:
    return transfers.on_event(Transfer(layer=layer, text=text, current=current, total=total))


def _lines(transfers: TransferSummary, *, width: int = 80, height: int = 24) -> list[str]:
    """Return the lines on a terminal of that size, without colours."""
    screen = Console(
        file=io.StringIO(), width=width, height=height, force_terminal=True, record=True, legacy_windows=False
    )
    screen.print(TransferBars(transfers))
    lines = [line.rstrip() for line in screen.export_text().splitlines()]
    assert all(len(line) <= width for line in lines)
    return lines


@pytest.fixture
def push() -> TransferSummary:
    """A push to a registry that has half of the layers, as an engine reports it."""
    transfers = TransferSummary()
    for layer in ("5e8a418bab45", "b1d74c3f2ab9", "0c5a3f1d9e77", "77aa01bc0f3d", "e9f0a2c4d611"):
        _on_event(transfers, layer, "Preparing")
    _on_event(transfers, "e9f0a2c4d611", "Waiting")
    _on_event(transfers, "5e8a418bab45", "Pushing", 529_920, 127_294_883)
    _on_event(transfers, "5e8a418bab45", "Pushing", 63_500_352, 127_294_883)
    _on_event(transfers, "b1d74c3f2ab9", "Layer already exists")
    _on_event(transfers, "0c5a3f1d9e77", "Mounted from seatrial/python")
    _on_event(transfers, "77aa01bc0f3d", "Pushing", 3_584, 3_072)
    _on_event(transfers, "77aa01bc0f3d", "Pushed")
    return transfers


def test_bars(push: TransferSummary) -> None:
    """Each layer has its id, bytes and status, and a bar unless nothing was transferred."""
    bars = _lines(push)
    assert [line[:12] for line in bars] == list(push.layers)
    assert bars[0].endswith("63.5 MB/127 MB pushing")
    assert bars[1].split() == ["b1d74c3f2ab9", "already", "there"]
    assert bars[2].split() == ["0c5a3f1d9e77", "mounted", "from", "seatrial/python"]
    assert bars[3].endswith("3.07 kB pushed")
    assert bars[4].endswith("waiting")
    assert [line.count("━") > 15 for line in bars] == [True, False, False, True, True]
    _on_event(push, "77aa01bc0f3d", "Pushing", 3_584, 3_072)  # engines count headers as well
    assert _lines(push)[3].endswith("3.07 kB/3.07 kB pushing")


def test_retries(push: TransferSummary) -> None:
    """A retry of the engine is shown on the layer's bar; a log has each countdown once."""
    logged = [
        _on_event(push, "5e8a418bab45", f"Retrying in {seconds} second{'s' if seconds > 1 else ''}")
        for seconds in (2, 1, 3, 2, 1)
    ]
    two, three = (f"layer 5e8a418bab45: Retrying in {seconds} seconds" for seconds in (2, 3))
    assert logged == [two, None, three, None, None]
    assert _lines(push)[0].endswith("63.5 MB/127 MB retrying in 1 second")
    assert _on_event(push, "5e8a418bab45", "Pushing", MB, 127 * MB) is None
    assert _on_event(push, "5e8a418bab45", "Retrying in 1 second")


def test_a_pull() -> None:
    """A pull's headline is not counted as a layer, nor seconds as bytes."""
    transfers = TransferSummary()
    _on_event(transfers, "3.13", "Pulling from library/python")
    for layer in ("0" * 12, "1" * 12, "2" * 12):
        _on_event(transfers, layer, "Pulling fs layer")
    _on_event(transfers, "0" * 12, "Already exists")
    _on_event(transfers, "1" * 12, "Downloading", 5 * MB, 10 * MB)
    assert _lines(transfers)[1].endswith("5 MB/10 MB downloading")
    _on_event(transfers, "1" * 12, "Download complete")
    assert _lines(transfers)[1].endswith("10 MB/10 MB download complete")
    _on_event(transfers, "1" * 12, "Extracting", 3)
    assert _lines(transfers)[1].endswith("10 MB/10 MB extracting")
    _on_event(transfers, "1" * 12, "Pull complete")
    _on_event(transfers, "2" * 12, "Pull complete")
    assert _lines(transfers)[1].endswith("10 MB pulled")
    assert transfers.summary() == "2 layers fetched, 1 already there"


def test_the_summary(push: TransferSummary) -> None:
    """Layers are counted by result, once for all tags, but again for a second registry; bytes only if counted."""
    assert push.summary() == "1 layer sent, 1 already there, 1 mounted"
    push.on_event(BytesSent(bytes=2_400_000))
    push.on_event(BytesSent(bytes=1_000_000))
    assert push.summary() == "1 layer sent (3.4 MB), 1 already there, 1 mounted"
    assert TransferSummary().summary() == ""
    for layer in ("5e8a418bab45", "77aa01bc0f3d", "0c5a3f1d9e77"):
        _on_event(push, layer, "Preparing")
        _on_event(push, layer, "Layer already exists")
    _on_event(push, "b1d74c3f2ab9", "Preparing")
    _on_event(push, "b1d74c3f2ab9", "Pushing", MB, MB)
    assert _lines(push)[1].endswith("pushing")
    _on_event(push, "b1d74c3f2ab9", "Pushed")
    assert push.summary() == "2 layers sent (3.4 MB), 1 already there, 1 mounted"
    assert _lines(push)[3].endswith("pushed")


@pytest.mark.parametrize("height", [4, 24, 40, 41])
@pytest.mark.parametrize("done", [0, 25, 40])
def test_height(height: int, done: int) -> None:
    """There are as many bars as fit; finished layers are folded first, then waiting ones."""
    transfers = TransferSummary()
    moving = min(5, 40 - done)
    ids = [f"{number:012x}" for number in range(40)]
    for layer in ids:
        _on_event(transfers, layer, "Preparing")
    for layer in ids[:done]:
        _on_event(transfers, layer, "Layer already exists")
    for layer in ids[40 - moving :]:
        _on_event(transfers, layer, "Pushing", MB, 2 * MB)

    lines = _lines(transfers, height=height)

    bars = [line for line in lines if line[:12] in transfers.layers]
    assert len(lines) == min(height - 1, 40)
    assert sum(line.endswith("pushing") for line in bars) == min(moving, len(bars))
    folded = sum(int(line.split()[0]) for line in lines if line not in bars)
    assert folded + len(bars) == 40


def test_folded_layers() -> None:
    """The lines around the bars count the layers without a bar."""
    transfers = TransferSummary()
    for number in range(40):
        _on_event(transfers, f"{number:012x}", "Layer already exists" if number % 2 else "Preparing")
    lines = _lines(transfers, height=11)
    assert lines[0] == "20 layers already there"
    assert lines[-1] == "12 more layers"
    assert len(lines) == 10


@pytest.mark.parametrize("width", [40, 200])
def test_width(push: TransferSummary, width: int) -> None:
    """No line is wider than the terminal, and none is wrapped."""
    _on_event(push, "f" * 12, "Mounted from " + "a-long-name/" * 20)
    assert len(_lines(push, width=width)) == 6


def test_control_characters() -> None:
    """Control characters are removed, and brackets are printed literally."""
    transfers = TransferSummary()
    _on_event(transfers, "\x1b[2Jabc", "\x1b[31m[bold]odd[/bold]")
    assert _lines(transfers)[0].split()[::2] == ["abc", "[bold]odd[/bold]"]
    assert _on_event(transfers, "\x1b[2Jabc", "Retrying in 5 seconds\x1b[2J") == "layer abc: Retrying in 5 seconds"
