"""Commands as text for a shell: each word arrives as it is, and a script does what its commands say."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from seatrial.model.shell import ShellCommand, Variable, Word, from_environment
from seatrial.output.shell import script, words_as_text
from seatrial.pipeline.explanation import ExplainedStep

ODD = (
    "",
    "two words",
    "it's",
    'a "quote"',
    "$HOME ${HOME} $(false) `false` \\$x \\n %s",
    "*?[a]~#!&;|<>(){}",
    "two\nlines",
    "-n",
    "Olá, 日本",
    "\x1b[31mred\x07\ttab",
    "rtl \u202e",
    "no UTF-8 \udcff\\0",
    "=x",
)
SHELLS = [name for name in ("sh", "bash", "busybox") if shutil.which(name)]


def _command(*argv: Word, **more: object) -> ShellCommand:
    return ShellCommand(argv=argv, object="file it's", effect="is $(false)\nwritten", **more)  # type: ignore[arg-type]


def _script(folder: Path, *commands: ShellCommand, notes: tuple[str, ...] = ()) -> str:
    step = ExplainedStep(step="try", app="web", commands=commands, notes=notes)
    return script([step], call="invoke try", root=folder)


def _run(text: str, shell: Sequence[str] = ("sh",), **environment: str) -> subprocess.CompletedProcess[bytes]:
    given = text.encode("utf-8", "surrogateescape")
    return subprocess.run([*shell], input=given, capture_output=True, check=False, env=environment or None)


@pytest.mark.parametrize("shell", SHELLS)
def test_every_word_arrives(tmp_path: Path, shell: str) -> None:
    """Odd words, alone or around variables, are what the command gets; a terminal sees no control character."""
    folder = tmp_path / "it's $(a) folder"
    folder.mkdir()
    words: list[Word] = [*ODD, *((one, Variable("seen"), one) for one in ODD), (Variable("seen"), "_x")]
    commands = _command("printf", "%s", "a b", saves="seen"), _command("printf", r"%s\0", *words), _command("pwd")

    text = _script(folder, *commands)
    done = _run(text, ["busybox", "sh"] if shell == "busybox" else [shell])

    *arrived, where = done.stdout.split(b"\0")
    wanted = [*ODD, *(f"{one}a b{one}" for one in ODD), "a b_x"]
    assert arrived == [one.encode("utf-8", "surrogateescape") for one in wanted], done.stderr
    assert where.decode() == f"{folder}\n"
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\udc80-\udcff]", text)


def test_what_a_script_does(tmp_path: Path) -> None:
    """Output is piped and saved; a command is left out where it is not needed, and one that may fail may fail."""
    commands = (
        _command("printf", r"a\nb\n", pipe=(("grep", "b"), ("sed", "s/b/c d/")), saves="found"),
        _command("touch", "needless", unless=("test", "-n", ("", Variable("found")))),
        _command("touch", "needed", unless=("false",)),
        _command("false", saves="nothing", may_fail=True),
        _command("printf", "%s", ("<", Variable("found"), "|", Variable("nothing"), ">")),
    )
    done = _run(_script(tmp_path, *commands))
    assert (done.returncode, done.stdout) == (0, b"<c d|>"), done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["needed"]


@pytest.mark.parametrize("fails", [True, False])
def test_a_script_that_fails(tmp_path: Path, *, fails: bool) -> None:
    """It ends with its message and exit code 1, and cleans up; what was cleaned up before is not cleaned up again."""
    cleanup = ("rm", ("", Variable("made")))
    commands = (
        _command("printf", "%s", "a file", saves="made", cleanup=cleanup),
        _command("touch", ("", Variable("made"))),
        _command("false" if fails else "true", otherwise="it's wrong"),
        _command(*cleanup),
        _command("touch", ("", Variable("made"))),
    )
    done = _run(_script(tmp_path, *commands))
    assert (done.returncode, done.stderr) == ((1, b"it's wrong\n") if fails else (0, b""))
    assert [path.name for path in tmp_path.iterdir()] == ([] if fails else ["a file"])


def test_values_from_the_environment(tmp_path: Path) -> None:
    """A script stops before its first command if a value is missing; an odd name has a variable with another name."""
    named = {name: from_environment(name) for name in ("TOKEN", "PATH", "image", "a-b")}
    needs = tuple((variable, f"the value of {name}") for name, (_, variable) in named.items())
    words = [word for word, _ in named.values()]
    print_all = _command("printf", r"%s\n", *words, needs=needs)
    text = _script(tmp_path, print_all)

    assert words_as_text(print_all.argv[2:]) == (
        "TOKEN",
        "PATH=$VALUE_OF_PATH",
        "image=$VALUE_OF_image",
        "a-b=$VALUE_OF_a_b",
    )
    values = {"TOKEN": "", "VALUE_OF_PATH": "/x", "VALUE_OF_image": "i", "VALUE_OF_a_b": "c d"}
    assert _run(text, **values).stdout == b"TOKEN\nPATH=/x\nimage=i\na-b=c d\n"
    del values["TOKEN"]
    done = _run(text, **values)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"TOKEN" in done.stderr
