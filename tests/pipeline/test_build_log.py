"""The log that is kept of each build."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from seatrial.errors import StepFailed
from seatrial.events import BuildEvent, BuildEventKind, BuildLogSaved, Event, Info
from seatrial.pipeline.build_log import build_log
from seatrial.pipeline.state import StateFolder

STAGE, OTHER = "[stage-1 2/3] RUN pip install", "[tools 1/2] RUN make"
SAID = (
    Info(text="builder: BuildKit"),
    BuildEvent(kind=BuildEventKind.STARTED, name=STAGE),
    BuildEvent(kind=BuildEventKind.CACHED, name=OTHER),
    BuildEvent(kind=BuildEventKind.STATUS, name=STAGE, text="layer", current=1, total=2),
    BuildEvent(kind=BuildEventKind.LOG, name=STAGE, text="  \x1b[31mred"),
    BuildEvent(kind=BuildEventKind.DONE, name=STAGE, seconds=1.26),
)


def test_what_a_builder_said(tmp_path: Path) -> None:
    """The log has each part's name and lines, without control characters; an error is last. Its path is emitted."""
    state, emitted = StateFolder(tmp_path / ".seatrial"), list[Event]()

    def build() -> None:
        with build_log(state, "web", "1.4", emitted.append) as emit:
            for event in SAID:
                emit(event)
            raise StepFailed("it broke", reason="no reason", hint="invoke build")

    with pytest.raises(StepFailed):
        build()

    saved, *others = emitted
    assert tuple(others) == SAID
    assert isinstance(saved, BuildLogSaved)
    assert Path(saved.path).parent == tmp_path / ".seatrial/logs"
    assert Path(saved.path).name.startswith("web-1.4-")
    head, *lines = Path(saved.path).read_text("utf-8").splitlines()
    assert re.fullmatch(r"build of web 1\.4, \d{4}-\S+\+00:00", head)
    assert lines == [
        "builder: BuildKit",
        f"#1 {STAGE}",
        f"#2 {OTHER}",
        "#2 cached",
        "#1   red",
        "#1 done in 1.3 s",
        "failed: it broke: no reason",
    ]


def test_a_bounded_number_is_kept(tmp_path: Path) -> None:
    """The oldest logs go, the newest stays."""
    state, paths = StateFolder(tmp_path), list[str]()
    for version in range(35):
        with build_log(state, "web", str(version), lambda event: paths.append(getattr(event, "path", ""))):
            pass
    kept = [path for path in paths if Path(path).exists()]
    assert len(kept) == 30
    assert paths[-1] in kept


def test_a_build_goes_on_without_a_log(tmp_path: Path) -> None:
    """Where the log cannot be written, the build's events still come, and the reason is told once."""
    (tmp_path / "logs").write_text("a file in the folder's place")
    state, emitted = StateFolder(tmp_path), list[Event]()

    with build_log(state, "web", "1", emitted.append) as emit:
        emit(SAID[0])

    assert emitted == [SAID[0]]
    assert str(tmp_path / "logs") in state.take_problem()
