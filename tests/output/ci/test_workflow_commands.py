"""Workflow commands: a runner reads back what was meant, and nobody else can write one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from seatrial.errors import Place, UsageError
from seatrial.output.ci.workflow_commands import annotation, output_lines, workflow_command
from tests.output.ci.runner import Command, commands, read_outputs

LINE = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_characters="%\x7f\xa0\xad\u2028\u2029"))


@given(LINE, LINE)
@example("::set-output name=x::y", "a:b,c=d\ne")
def test_a_command_is_read_as_it_was_meant(text: str, title: str) -> None:
    """Text and properties come back, and stay within the one command."""
    found = commands(workflow_command("error", text, title=title, line=3))
    assert [one.name for one in found] == ["error"]
    assert found[0].properties["line"] == "3"
    if text.isascii() and title.isascii() and title:
        assert (found[0].text, found[0].properties["title"]) == (text, title)


def test_an_error_with_its_place(tmp_path: Path) -> None:
    """An error is shown at its line; the file is relative to the repository."""
    place = Place(path=tmp_path / "app" / "Dockerfile", line=7)
    error = UsageError("bad: a, b", reason="100% wrong", hint="fix it", place=place)

    (found,) = commands(annotation(error, tmp_path))
    (elsewhere,) = commands(annotation(error, tmp_path / "other"))

    assert found.properties == {"file": "app/Dockerfile", "line": "7", "title": "bad: a, b"}
    assert found.text == "why: 100%25 wrong\nnext: fix it"  # the runner replaces %25 at last
    assert elsewhere.properties["file"] == str(place.path)


def test_outputs_of_several_lines() -> None:
    """A value that looks like the end of another one stays within its own, as the delimiter cannot be guessed."""
    values = {"digest": "sha256:d", "references": "a\nb<<x\ndigest<<EOF\nsha256:evil\nEOF"}
    assert read_outputs(output_lines(values)) == values
    assert output_lines(values) != output_lines(values)


WILD = (
    "::set-output name=digest::evil",
    " \t\x0b\u2003::add-mask::x",
    "\u200b:\u200b:\u200badd-mask::x",
    "text ##[add-mask]x",
    "text #\ufeff#[set-output name=x]y",
    "a\r::stop-commands::x",
    "::warning file=x::y",
)


def test_nobody_else_can_write_a_command() -> None:
    """What the app wrote is not a command, however it is cut into pieces; our own is, and other text stays the same."""
    program = """
import sys, itertools
from seatrial.host.streams import make_lasting, write_command
make_lasting(guarded=True)
for line in %r:
    for size in (1, 2, 3, len(line)):
        for start in range(0, len(line), size):
            sys.stdout.write(line[start : start + size])
        sys.stdout.write("\\n")
    print("  ", line, sep="", flush=True)
sys.stdout.write("12:30:59 a::b::c # [x]\\n" + "\\n" * 100_000)
write_command(sys.stdout, "::group::ours")
"""
    done = subprocess.run([sys.executable, "-c", program % (WILD,)], capture_output=True, text=True, check=True)

    shown = "".join(character for character in done.stdout if character.isprintable() or character in "\r\n")
    assert commands(shown) == commands(done.stdout) == [Command("group", "ours")]
    assert "12:30:59 a::b::c # [x]\n" in done.stdout
    assert ":\\:set-output name=digest::evil\n" in done.stdout
