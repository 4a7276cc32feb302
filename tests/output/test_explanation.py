"""An explanation for people and programs."""

from __future__ import annotations

import io
import json

from seatrial.model.shell import ShellCommand, Variable
from seatrial.output import documents
from seatrial.output.explanation import explain_document, show_explanation
from seatrial.output.lines import Lines
from seatrial.pipeline.explanation import ExplainedStep

STEP = ExplainedStep(
    step="run",
    app="web",
    commands=(
        ShellCommand(
            argv=("docker", "run", *(word for number in range(9) for word in ("--env", f"NAME{number}")), "shop:1"),
            object="container shop-web",
            effect="is created from shop:1 \x1b[31mand started: " + "with limits, " * 8,
            saves="new",
        ),
        ShellCommand(argv=("docker", "rm", ("", Variable("old"))), object="container old", effect="is removed"),
    ),
    notes=("looks first",),
)


def test_for_people() -> None:
    """Each command stands below what it does, no line is wider than 80 columns, and control characters are left out."""
    out = io.StringIO()
    show_explanation((STEP,), Lines(out))
    lines = out.getvalue().splitlines()
    assert lines[0] == "run web"
    assert "    new=$(docker run --env NAME0 --env NAME1" in out.getvalue()
    assert lines.index('    docker rm "$old"') == lines.index("  container old is removed") + 1
    assert "  also: looks first" in lines
    assert max(map(len, lines)) < 80
    assert "\x1b" not in out.getvalue()


def test_for_programs() -> None:
    """The document has the words of each command and its text for a shell, and is as its schema says."""
    text = explain_document((STEP,), command="run")
    documents.check(text)
    document = json.loads(text)
    assert document["schema"] == "seatrial.explain/1"
    removed = document["steps"][0]["commands"][1]
    assert (removed["argv"], removed["shell"]) == (["docker", "rm", "$old"], 'docker rm "$old"')
