"""The tree of a build on a terminal."""

from __future__ import annotations

import io
from itertools import count

import pytest
from rich.console import Console

from seatrial.events import BuildEvent, BuildEventKind
from seatrial.output.build_tree import BuildTree

_WIDTH = 60


@pytest.fixture
def tree() -> BuildTree:
    """A tree without events, on a clock that is 3.5 seconds later each time it is looked at."""
    return BuildTree(count(100.0, 3.5).__next__)


def _on_event(tree: BuildTree, kind: BuildEventKind, name: str, **more: object) -> None:
    tree.on_event(BuildEvent(kind=kind, name=name, **more))  # type: ignore[arg-type]


def _lines(tree: BuildTree) -> list[str]:
    """Return the lines of the tree without its branches."""
    out = io.StringIO()
    Console(file=out, width=_WIDTH, color_system=None).print(tree)
    lines = out.getvalue().splitlines()
    assert all(len(line) <= _WIDTH for line in lines)
    return [line.strip("│├└─ ") for line in lines]


def test_stages_and_steps(tree: BuildTree) -> None:
    """Steps are listed under their stages in the Dockerfile's order, with status and seconds."""
    _on_event(tree, BuildEventKind.STARTED, "[internal] load metadata")
    _on_event(tree, BuildEventKind.STARTED, "[build 3/3] RUN make  &&\n make install")
    _on_event(tree, BuildEventKind.CACHED, "[build 2/3] COPY . /src")
    _on_event(tree, BuildEventKind.DONE, "[build 3/3] RUN make  &&\n make install", seconds=4.21)
    _on_event(tree, BuildEventKind.FAILED, "[linux/arm64 stage-1 2/2] RUN exit 7", text="exit code 7")
    _on_event(tree, BuildEventKind.DONE, "exporting to image", seconds=0.01)

    assert _lines(tree) == [
        "build",
        "build",
        "cached 2/3 COPY . /src",
        "done   3/3 RUN make && make install" + " " * 12 + "4.2 s",
        "linux/arm64 stage-1",
        "failed 2/2 RUN exit 7",
        "done   exporting to image",
    ]


def test_a_running_step(tree: BuildTree) -> None:
    """A running step shows its seconds, its transfer's progress, and the last line it printed, cut to the width."""
    _on_event(tree, BuildEventKind.STARTED, "[2/2] RUN pip install")
    _on_event(tree, BuildEventKind.LOG, "[2/2] RUN pip install", text="Collecting flask")
    _on_event(tree, BuildEventKind.LOG, "[2/2] RUN pip install", text="\x1b[31mDownloading\x1b[0m " + "flask " * 30)
    _on_event(tree, BuildEventKind.LOG, "[2/2] RUN pip install", text=" ")
    _on_event(tree, BuildEventKind.STATUS, "[2/2] RUN pip install", current=12_300_000, total=40_000_000)

    running, printed = _lines(tree)[1:]

    assert running.endswith("12.3/40.0 MB  3.5 s")
    assert printed.startswith("Downloading flask")
    assert printed.endswith("…")


def test_control_characters(tree: BuildTree) -> None:
    """Control characters in names are removed, and brackets are printed literally."""
    _on_event(tree, BuildEventKind.DONE, "[1/1] RUN \x1b[2Jecho [bold]x[/bold]")
    assert _lines(tree)[1] == "done   1/1 RUN echo [bold]x[/bold]"
