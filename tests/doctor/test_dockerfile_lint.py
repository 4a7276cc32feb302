"""Remarks on Dockerfiles, by line."""

from __future__ import annotations

import json

import pytest

from seatrial.doctor.dockerfile_lint import lint

_SOUND = """\
FROM python:3.13-slim
HEALTHCHECK CMD ["true"]
USER 10001:10001
CMD ["python", "app.py"]
"""


def remarks(text: str, target: str | None = None, **arguments: str) -> list[tuple[int, str]]:
    """Return the remarks on a Dockerfile as lines and names."""
    return [(one.line, one.name) for one in lint(text, arguments, target)]


def test_a_sound_one() -> None:
    """There is nothing to remark on a sound Dockerfile."""
    assert remarks(_SOUND) == []


@pytest.mark.parametrize(
    ("old", "new", "remark"),
    [
        ("python:3.13-slim", "python", (1, "base-not-pinned")),
        ("python:3.13-slim", "python:latest", (1, "base-not-pinned")),
        ("python:3.13-slim", "localhost:5000/python", (1, "base-not-pinned")),
        ("USER 10001:10001\n", "", (1, "root-user")),
        ("USER 10001:10001", "USER root", (3, "root-user")),
        ("USER 10001:10001", "USER 0:0", (3, "root-user")),
        ('CMD ["python", "app.py"]', "CMD python app.py", (4, "shell-form")),
        ('CMD ["python", "app.py"]', "ENTRYPOINT python app.py", (4, "shell-form")),
        ('HEALTHCHECK CMD ["true"]\n', "", (1, "no-healthcheck")),
        ('HEALTHCHECK CMD ["true"]', "HEALTHCHECK NONE", (2, "no-healthcheck")),
        ("USER 10001:10001", "ADD https://example.com/x /x\nUSER 10001:10001", (3, "add-of-url")),
    ],
)
def test_each_remark(old: str, new: str, remark: tuple[int, str]) -> None:
    """Each fault has its remark, on its line, and no other."""
    assert remarks(_SOUND.replace(old, new)) == [remark]


@pytest.mark.parametrize(
    "text",
    [
        _SOUND.replace("python:3.13-slim", "python@sha256:" + "a" * 64),
        "ARG BASE\n" + _SOUND.replace("python:3.13-slim", "$BASE"),
        "ARG BASE=python:3.13\n" + _SOUND.replace("python:3.13-slim", "${BASE}"),
        _SOUND.replace("python:3.13-slim", "python:3.13-slim AS one") + "FROM one\n",
        "FROM golang AS build\n".replace("golang", "golang:1.23") + _SOUND,
        _SOUND.replace('["python", "app.py"]', "exec gunicorn --bind :$PORT app:app"),
        _SOUND.replace("USER", "ADD --checksum=sha256:aa https://example.com/x /x\nUSER"),
    ],
)
def test_what_is_fine(text: str) -> None:
    """Digests, what a variable hides, what a parent stage sets, checksums: no remark."""
    assert remarks(text) == []


@pytest.mark.parametrize(
    ("command", "hint"),
    [
        ("python app.py", 'CMD ["python", "app.py"]'),
        ("python -c 'print(\"hello there\")'", 'CMD ["sh", "-c", "exec python -c \'print(\\"hello there\\")\'"]'),
        ("echo 'hello there'", 'CMD ["echo", "hello there"]'),
        ("gunicorn -b :$PORT app:app", 'CMD ["sh", "-c", "exec gunicorn -b :$PORT app:app"]'),
        ("migrate && gunicorn app:app", 'CMD ["/start.sh"], a script whose last line is exec and the app'),
        ("PORT=80 gunicorn app:app", 'CMD ["/start.sh"], a script whose last line is exec and the app'),
        (f"gunicorn {'a' * 100}", 'CMD ["/start.sh"], a script whose last line is exec and the app'),
        ("echo 'goodbye", 'CMD ["/start.sh"], a script whose last line is exec and the app'),
    ],
)
def test_the_mend_for_shell_form(command: str, hint: str) -> None:
    """What is proposed does the same as the shell form did, and is valid JSON."""
    (remark,) = lint(_SOUND.replace('["python", "app.py"]', command), {})

    assert remark.hint == hint
    if not hint.endswith("app"):
        assert json.loads(remark.hint.removeprefix("CMD "))


def test_the_shipped_stage_counts() -> None:
    """With a target, another stage's faults are its own."""
    text = _SOUND.replace("slim", "slim AS shipped") + "FROM python:3.13 AS tests\nCMD pytest\n"

    assert remarks(text, "shipped") == []
    assert {name for _, name in remarks(text)} == {"root-user", "no-healthcheck", "shell-form"}


def test_arguments_count() -> None:
    """A base image that an argument names is judged by its value."""
    text = "ARG BASE=python:3.13\n" + _SOUND.replace("python:3.13-slim", "$BASE")

    assert remarks(text, BASE="python:latest") == [(2, "base-not-pinned")]
