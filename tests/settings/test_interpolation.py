"""Variables of the environment in settings, and env files, as docker compose reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.errors import UsageError
from seatrial.settings.interpolation import interpolate, read_env_file
from tests.settings.loading import load, refused

PROCESS = {"A": "x", "B": "b", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        *(("100%", "100%"), ("$A-${B}", "x-b"), ("$$A $${A}", "$A ${A}"), ("${EMPTY}", "")),
        *(("${N:-d}", "d"), ("${N-d}", "d"), ("${EMPTY:-d}", "d"), ("${EMPTY-d}", ""), ("${N:-}", "")),
        *(("${N:-<${M:-${B}}>}", "<b>"), ("${A:-${N}}", "x")),
        *(("${A:+y}", "y"), ("${N:+y}", ""), ("${EMPTY:+y}", ""), ("${EMPTY+y}", "y"), ("${A:?why}", "x")),
    ],
)
def test_filled_in(text: str, filled: str) -> None:
    """A variable is replaced by its value or its default, also inside another's default; `$$` is a dollar."""
    assert interpolate(text, PROCESS) == filled


@pytest.mark.parametrize(
    ("text", "words"),
    [
        *(("$N", "N is not set: it has no default"), ("${N}", "N is not set"), ("${EMPTY:?}", "EMPTY is empty")),
        *(("${N:?ask $A}", "N is not set: ask x"), ("${A:-${N}", "without its }"), ("${N:-$M}", "M is not set")),
        *(("$5", "write $$"), ("${1}", "write $$"), ("${A", "write $$"), ("a$", "write $$"), ("${A!}", "write $$")),
    ],
)
def test_refused(text: str, words: str) -> None:
    """A variable without a value, and a dollar that is none's, end with exit code 2."""
    with pytest.raises(UsageError) as caught:
        interpolate(text, PROCESS)
    assert caught.value.exit_code == 2
    assert words in str(caught.value)


def test_in_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Environment and build arguments are filled in from the environment; an error names file and line."""
    monkeypatch.setenv("WORD", "s3cret")
    text = "seatrial:\n  apps:\n    web:\n      build_args:\n        A: ${WORD}\n      environment:\n        B: $%s$$\n"
    app = load(tmp_path, text % "WORD").app()
    assert (app.build.arguments, app.environment) == ({"A": "s3cret"}, {"B": "s3cret$"})
    monkeypatch.delenv("UNSET_WORD", raising=False)
    error = refused(tmp_path, (text % "UNSET_WORD"))
    assert error.message == "the setting seatrial.apps.web.environment.B is not valid"
    assert error.reason.startswith(f"{tmp_path}/invoke.yaml:7: the environment variable UNSET_WORD is not set")
    assert "UNSET_WORD" in error.hint


ENV_FILE = """\
# a comment

export PLAIN=two words # a comment
SINGLE='$A it\\'s # no comment'   # one
DOUBLE="a\\n$A \\$A \\"quoted\\"
second line"
EMPTY_ONE=
YAML: like this
A
NOWHERE
HASH=a#b
LATER=${PLAIN}!
PATTERN="\\d+\\q \\0101"
PRICE=5$ or $6
TAB=1	# no comment
"""


def test_env_file(tmp_path: Path) -> None:
    """An env file has quotes, comments, variables, several lines in a text, and names that the environment knows."""
    (tmp_path / "e").write_text(ENV_FILE)
    assert read_env_file(tmp_path / "e", PROCESS) == {
        "PLAIN": "two words",
        "SINGLE": "$A it's # no comment",
        "DOUBLE": 'a\nx $A "quoted"\nsecond line',
        "EMPTY_ONE": "",
        "YAML": "like this",
        "A": "x",
        "HASH": "a#b",
        "LATER": "two words!",
        "PATTERN": "\\d+\\q A",
        "PRICE": "5$ or $6",
        "TAB": "1\t# no comment",
    }


@pytest.mark.parametrize(
    ("text", "line"), [("=x", 1), ("\nA='x\nB=1", 2), ("A=1\n\nB C\n", 3), ("1=2", 1), ("\n\nA=$NOPE", 3)]
)
def test_bad_env_file(tmp_path: Path, text: str, line: int) -> None:
    """A line that is none is named, and so is a variable without a value."""
    (tmp_path / "e").write_text(text)
    with pytest.raises(UsageError, match=f"e:{line} is not valid"):
        read_env_file(tmp_path / "e", PROCESS)


def test_env_files_in_the_settings(tmp_path: Path) -> None:
    """The last file wins over the first, and `environment` over both; a file that is missing is named with the line."""
    (tmp_path / "one.env").write_text("A=1\nB=1\nC=1\n")
    (tmp_path / "two.env").write_text("B=2\nC=2\n")
    text = "seatrial: {apps: {web: {env_file: %s, environment: {C: '3'}}}}"
    assert load(tmp_path, text % "[one.env, two.env]").app().environment == {"A": "1", "B": "2", "C": "3"}
    assert load(tmp_path, text % "two.env").app().environment == {"B": "2", "C": "3"}
    assert f"{tmp_path}/invoke.yaml:1: {tmp_path}/no.env cannot be read" in refused(tmp_path, text % "no.env").reason
