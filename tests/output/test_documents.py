"""The JSON documents: what they hold, and their schema; those of real commands are held to it in cli_project.py."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from seatrial.errors import UsageError
from seatrial.output import documents
from seatrial.output.hints import Call
from seatrial.output.json_report import as_json
from seatrial.pipeline.outcome import Difference, Results
from seatrial.pipeline.report import Report
from tests.output.test_console import OUTCOMES, REPORT

BUILT = replace(
    OUTCOMES[0],
    diff=(Difference(name="app.py", before=None, after="644 1a2b"),),
    results=Results(build_log=".seatrial/logs/web.log"),
)
WRONG_USE = UsageError("no such flag", reason="Ol\u00e1 \udcff", hint="invoke --list")


def test_a_command() -> None:
    """The document holds all data of the recap, and the error with message, reason, hint and details."""
    document = json.loads(as_json(REPORT, call=Call(program="seatrial")))
    assert document["schema"] == "seatrial.command/1"
    assert (document["exit_code"], document["status"]) == (1, "failed")
    assert document["engine"] == {"endpoint": "unix:///x.sock", "version": "28.5.2"}
    assert document["image"]["builder"] == "BuildKit"
    assert document["image"]["references"] == [{"reference": "docker.io/me/app:1", "digest": "sha256:c"}]
    assert document["page"] == "https://hub.docker.com/r/me/app"
    assert [step["status"] for step in document["steps"]] == ["changed", "ok", "failed", "skipped"]
    error = document["steps"][2]["error"]
    assert set(error) == {"message", "reason", "hint", "details"}
    assert error["hint"] == "seatrial build"
    assert "\x1b" not in error["reason"] + document["steps"][0]["message"]


@pytest.mark.parametrize(
    "report",
    [
        REPORT,
        replace(REPORT, check=True, outcomes=(BUILT, OUTCOMES[1])),
        Report(command="seatrial", check=False, error=WRONG_USE),
    ],
    ids=["failure", "check", "wrong use"],
)
def test_it_is_as_the_schema_says(report: Report) -> None:
    """A document has the keys and types of its schema and no others, in ASCII, also with a file name that is not."""
    text = as_json(report)
    assert text.isascii()
    documents.check(text)
    for wrong in (text.replace('"exit_code"', '"exit"'), text.replace("command/1", "command/2")):
        with pytest.raises(msgspec.ValidationError):
            documents.check(wrong)


def test_the_schema_is_current() -> None:
    """The shipped schema is made from the types: python -c 'from seatrial.output import documents; …json_schema()'."""
    path = Path(documents.__file__).with_name("documents.schema.json")
    assert path.read_text("utf-8") == documents.json_schema()
