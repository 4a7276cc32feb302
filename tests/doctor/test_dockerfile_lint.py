"""Warnings about Dockerfiles, by line."""

from __future__ import annotations

import json

import pytest

from seatrial.doctor.dockerfile_lint import lint

_GOOD = """\
FROM python:3.13-slim
HEALTHCHECK CMD ["true"]
USER 10001:10001
CMD ["python", "app.py"]
"""


def warnings(text: str, target: str | None = None, **arguments: str) -> list[tuple[int, str]]:
    """Return the warnings about a Dockerfile as lines and names."""
    return [(one.line, one.name) for one in lint(text, arguments, target)]


def test_no_warnings() -> None:
    """A good Dockerfile has no warnings."""
    assert warnings(_GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "warning"),
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
def test_each_warning(old: str, new: str, warning: tuple[int, str]) -> None:
    """Each fault has exactly one warning, on its line."""
    assert warnings(_GOOD.replace(old, new)) == [warning]


@pytest.mark.parametrize(
    "text",
    [
        _GOOD.replace("python:3.13-slim", "python@sha256:" + "a" * 64),
        "ARG BASE\n" + _GOOD.replace("python:3.13-slim", "$BASE"),
        "ARG BASE=python:3.13\n" + _GOOD.replace("python:3.13-slim", "${BASE}"),
        _GOOD.replace("python:3.13-slim", "python:3.13-slim AS one") + "FROM one\n",
        "FROM golang AS build\n".replace("golang", "golang:1.23") + _GOOD,
        _GOOD.replace('["python", "app.py"]', "exec gunicorn --bind :$PORT app:app"),
        _GOOD.replace("USER", "ADD --checksum=sha256:aa https://example.com/x /x\nUSER"),
    ],
)
def test_what_is_fine(text: str) -> None:
    """Digests, unknown variables, settings of a parent stage, and checksums have no warning."""
    assert warnings(text) == []


@pytest.mark.parametrize(
    ("command", "hint"),
    [
        ("python app.py", 'CMD ["python", "app.py"]'),
        ("python -c 'print(\"hello there\")'", 'CMD ["sh", "-c", "exec python -c \'print(\\"hello there\\")\'"]'),
        ("echo 'hello there'", 'CMD ["echo", "hello there"]'),
        ("gunicorn -b :$PORT app:app", 'CMD ["sh", "-c", "exec gunicorn -b :$PORT app:app"]'),
        ("migrate && gunicorn app:app", None),
        ("PORT=80 gunicorn app:app", None),
        (f"gunicorn {'a' * 100}", None),
        ("echo 'goodbye", None),
    ],
)
def test_the_hint_for_shell_form(command: str, hint: str | None) -> None:
    """The suggested exec form does the same as the shell form and is valid JSON; complex commands get a script."""
    (warning,) = lint(_GOOD.replace('["python", "app.py"]', command), {})

    if hint is None:
        assert warning.hint.startswith('CMD ["/start.sh"]')
    else:
        assert warning.hint == hint
        assert json.loads(hint.removeprefix("CMD "))


def test_the_shipped_stage_counts() -> None:
    """With a target, the faults of other stages do not count."""
    text = _GOOD.replace("slim", "slim AS shipped") + "FROM python:3.13 AS tests\nCMD pytest\n"

    assert warnings(text, "shipped") == []
    assert {name for _, name in warnings(text)} == {"root-user", "no-healthcheck", "shell-form"}


def test_arguments_count() -> None:
    """A base image in a build argument is checked by its value."""
    text = "ARG BASE=python:3.13\n" + _GOOD.replace("python:3.13-slim", "$BASE")

    assert warnings(text, BASE="python:latest") == [(2, "base-not-pinned")]
