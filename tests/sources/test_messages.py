"""The sentences that users read when a build context or a Dockerfile cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from seatrial.errors import UsageError
from seatrial.sources.archive import stream
from seatrial.sources.context import Context, unreadable
from seatrial.sources.dockerfile import DockerfileError, base_images
from seatrial.sources.dockerignore import IgnorePatternError, IgnoreRules


def _read(folder: Path) -> Context:
    return Context.read(folder, None)


def _change_while_sending(folder: Path) -> None:
    context = _read(folder)
    (folder / "app.py").write_text("")
    list(stream(context, {}))


def _ignore_badly(folder: Path) -> None:
    (folder / ".dockerignore").write_text("a\n[\n")
    _read(folder)


def _raise(error: Exception) -> None:
    raise error


_MESSAGES: list[tuple[Callable[[Path], object], str, str, str]] = [
    (
        lambda folder: _read(folder / "gone"),
        "the app folder {folder}/gone does not exist",
        "the setting context names a folder that does not exist",
        "fix context in invoke.yaml, or change to the project's folder",
    ),
    (
        lambda folder: _read(folder / "app.py"),
        "the app folder {folder}/app.py does not exist",
        "there is a file of that name",
        "fix context in invoke.yaml, or change to the project's folder",
    ),
    (
        lambda folder: _read(folder).check_size(0),
        "the build context exceeds context_limit",
        "{folder} has 0.0 MB, and 0.0 MB is the limit",
        "list what the image does not need in .dockerignore, or raise context_limit in invoke.yaml",
    ),
    (
        lambda folder: _read(folder).check_secrets(()),
        "the build context contains files that should not be in an image",
        ".env would be sent to the engine, and any COPY could put it into the image",
        "list .env in .dockerignore, or under allow_in_context in invoke.yaml",
    ),
    (
        _ignore_badly,
        "{folder}/.dockerignore contains a pattern that Docker refuses",
        "{folder}/.dockerignore:2: '[': it has a '[' without ']', an empty or incomplete range, or a '\\' at the end",
        "fix line 2 of {folder}/.dockerignore",
    ),
    (
        _change_while_sending,
        "{folder}/app.py changed while it was being sent",
        "its content differs from when the build context was read",
        "wait until no program writes to it, then run it again",
    ),
    (
        lambda folder: _raise(unreadable(folder / "x", FileNotFoundError(2, "No such file or directory"))),
        "{folder}/x cannot be read",
        "No such file or directory",
        "run it again: the file disappeared while it was read",
    ),
    (
        lambda folder: _raise(unreadable(folder / "x", PermissionError(13, "Permission denied"))),
        "{folder}/x cannot be read",
        "Permission denied",
        "chmod -R u+rX {folder}/x (or list it in .dockerignore)",
    ),
]


@pytest.mark.parametrize(("provoke", "message", "reason", "hint"), _MESSAGES, ids=[row[2][:40] for row in _MESSAGES])
def test_messages(tmp_path: Path, provoke: Callable[[Path], object], message: str, reason: str, hint: str) -> None:
    """Each error says what is wrong, why, and what to do."""
    for name in ("app.py", ".env"):
        (tmp_path / name).write_text("x")
    with pytest.raises(UsageError) as caught:
        provoke(tmp_path)
    found = (caught.value.message, caught.value.reason, caught.value.hint)
    assert found == tuple(text.format(folder=tmp_path) for text in (message, reason, hint))


@pytest.mark.parametrize(
    ("text", "target", "sentence"),
    [
        ("", None, "line 1: there is no FROM: a Dockerfile must start from an image"),
        ("FROM a", "other", "line 1: no stage has a name"),
        ("FROM a AS b", "other", "line 1: no FROM says AS other; the stages are b"),
        ("FROM a\nCOPY --from=3 x y", None, "line 2: there is no stage 3: the last one is 0"),
        (
            "FROM a\nCOPY --from=$S x y",
            None,
            "line 2: from=$S: Docker does not fill in variables here; write FROM $S AS NAME, and then from=NAME",
        ),
        ("FROM $X", None, "line 1: FROM $X: the name is empty; give its ARG a value"),
        ("FROM ${X", None, "line 1: ${X: the operator after X is not known"),
        ("FROM ${X:-a", None, "line 1: ${X:-a: the closing '}' is missing"),
        ("FROM ${}", None, "line 1: ${}: there is no name after '${'"),
        ("FROM ${X:?}", None, "line 1: X: it has no value"),
        ("FROM a-$TARGETARCH", None, "line 1: a-$TARGETARCH: the value of TARGETARCH is not known before the build"),
    ],
)
def test_dockerfiles(text: str, target: str | None, sentence: str) -> None:
    """Each way in which a Dockerfile can be wrong has its sentence."""
    with pytest.raises(DockerfileError) as caught:
        base_images(text, {}, target)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("!", "an exception needs a pattern after the '!'"),
        ("[]", "it has a '[' without ']', an empty or incomplete range, or a '\\' at the end"),
        ("[z-a]", "it is not a valid regular expression: bad character range z-a"),
        ("[[:alpha:]]", "classes such as [:alpha:] are not supported: write [a-zA-Z]"),
        (r"\p", r"Docker reads '\p' as a regular expression: remove the '\'"),
    ],
)
def test_ignore_patterns(pattern: str, reason: str) -> None:
    """Each way in which an ignore pattern can be wrong has its reason."""
    with pytest.raises(IgnorePatternError) as caught:
        IgnoreRules.parse(pattern.encode())
    assert caught.value.reason == reason
