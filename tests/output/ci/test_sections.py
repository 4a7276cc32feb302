"""Sections in the log of a CI system."""

from __future__ import annotations

import re
from itertools import count

import pytest

from seatrial.events import Info
from seatrial.output.ci.sections import GitHubSections, GitLabSections
from seatrial.output.console import Console
from seatrial.output.lines import Sections
from tests.output.test_console import OUTCOMES
from tests.pipeline.test_pipeline import FakeStep


def _log(sections: Sections, capsys: pytest.CaptureFixture[str]) -> str:
    console = Console(errors=False, sections=sections)
    for outcome, details in ((OUTCOMES[0], ["a note"]), (OUTCOMES[1], []), (OUTCOMES[2], ["another"])):
        console.step_started(FakeStep(name=outcome.step))
        for detail in details:
            console.on_event(Info(text=detail))
        console.step_finished(outcome)
    return capsys.readouterr().out


def test_github(capsys: pytest.CaptureFixture[str]) -> None:
    """A step's details are a group, which ends before its outcome; a step without details has none."""
    lines = _log(GitHubSections(), capsys).splitlines()
    assert lines[0] == "::group::build"
    assert (lines[1].strip(), lines[2], lines[3][:13]) == ("a note", "::endgroup::", "changed build")
    assert sum(line.startswith("::") for line in lines) == 4


def test_gitlab(capsys: pytest.CaptureFixture[str]) -> None:
    """A section has the same name at both ends, used once, and its times in seconds."""
    seconds = count(100)
    log = _log(GitLabSections(now=lambda: next(seconds) + 0.5), capsys)
    marks = re.findall(r"^\x1b\[0Ksection_(start|end):(\d+):([a-z0-9_]+)\r\x1b\[0K(.*)$", log, re.MULTILINE)
    assert marks == [
        ("start", "100", "build_1", "build"),
        ("end", "101", "build_1", ""),
        ("start", "102", "tag_2", "tag"),
        ("end", "103", "tag_2", ""),
    ]
