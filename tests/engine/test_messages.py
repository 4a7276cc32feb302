"""The messages of the engine package; each sentence is pinned here, once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3

from seatrial.engine.api_version import require_buildkit
from seatrial.engine.builders.failure import build_error
from seatrial.engine.connection import Connection
from seatrial.engine.docker.transfer import Direction, transfer_error, translate_push_errors
from seatrial.errors import SeatrialError
from seatrial.model.reference import ImageReference
from tests.engine.builders.test_failure import REQUEST

IMAGE = ImageReference.parse("r.io/shop/web:1")

START = "invoke up (or start Docker, or set DOCKER_HOST)"
FIX = "fix /src/Dockerfile, or what it needs, then run it again"
STORE = "turn on the containerd image store in Docker's settings, or"
NO_ENGINE = "no Docker Engine answers at unix:///x.sock"
NOT_PUSHED = "r.io/shop/web:1 cannot be pushed"
FAILED = "the build failed"
CACHE = "Cache export is not supported for the docker driver"
ATTESTATION = "Attestation is not supported for the docker driver"
Provoke = Callable[[], object]


def _connection(error: Exception) -> Provoke:
    def provoke() -> None:
        with Connection().translate_errors():
            raise error

    return provoke


def _push(error: Exception) -> Provoke:
    def provoke() -> None:
        with translate_push_errors(IMAGE, 3):
            raise error

    return provoke


def _raise(error: SeatrialError) -> None:
    raise error


def _transfer(text: str, direction: Direction = "push") -> Provoke:
    return lambda: _raise(transfer_error(text, IMAGE, direction, None))


def _build(text: str) -> Provoke:
    return lambda: _raise(build_error(REQUEST, None, text))


ROWS: list[tuple[Any, ...]] = [
    (
        _connection(OSError("Permission denied")),
        NO_ENGINE,
        "permission denied",
        "sudo usermod -aG docker $USER, then log in again (members of the docker group can become root)",
    ),
    (_connection(OSError("No such file")), NO_ENGINE, "the socket does not exist", START),
    (_connection(OSError("refused")), NO_ENGINE, "nothing listens there", START),
    (_connection(requests.Timeout()), NO_ENGINE, "no answer for 60 s", "docker info"),
    (
        _connection(OSError("oops")),
        NO_ENGINE,
        "the connection was lost (oops)",
        "docker info, then run it again",
    ),
    (
        _push(requests.ReadTimeout("timed out")),
        NOT_PUSHED,
        "nothing moved for 3 s",
        "check that r.io is up; if it is only slow, raise push_timeout in the settings",
    ),
    (
        _push(urllib3.exceptions.ProtocolError("cut")),
        NOT_PUSHED,
        "the engine's answer ended early; the image may or may not have arrived",
        "docker info",
    ),
    (
        _transfer("digest invalid"),
        NOT_PUSHED,
        "the content was damaged in transit and was refused: digest invalid",
        "check what is between this machine and r.io (a proxy?), then run it again",
    ),
    (
        _transfer("no such host", "pull"),
        "r.io/shop/web:1 cannot be pulled",
        "no such host",
        "check that r.io is up, then run it again",
    ),
    (
        _transfer("toomanyrequests"),
        NOT_PUSHED,
        "toomanyrequests (rate limit)",
        "wait a minute, then run it again",
    ),
    *(
        (
            *(_transfer(text), NOT_PUSHED, f"the registry r.io never moves a tag: {text}"),
            "--version NEW (or allow it in the registry's settings)",
        )
        for text in (
            "denied: this tag is immutable and cannot be overwritten",
            "tag invalid: The image tag '1' already exists in the 'web' repository and cannot be overwritten",
            "unknown: Failed to process request due to 'web:1' configured as immutable.",
        )
    ),
    (_transfer("oops", "pull"), "r.io/shop/web:1 cannot be pulled", "oops", "docker pull r.io/shop/web:1"),
    (
        _build("DO NOT MATCH THE HASHES"),
        FAILED,
        "security: a package is not the one that was locked; do not install it (DO NOT MATCH THE HASHES)",
        "find out who changed the package before you lock it again",
    ),
    (
        _build("No matching distribution found"),
        FAILED,
        "a requirement names a version that does not exist (No matching distribution found)",
        "fix the version in the requirements, then run it again",
    ),
    (
        _build("that satisfies the requirement flaskk (from versions: none)"),
        FAILED,
        (
            "the package index has no package flaskk for the image's Python (that satisfies the requirement flaskk "
            "(from versions: none))"
        ),
        "fix the package's name in the requirements, then run it again",
    ),
    (_build("Could not resolve host"), FAILED, "the build has no network (Could not resolve host)", FIX),
    (
        _build("no space left on device"),
        FAILED,
        "a disk is full, most likely the engine's (no space left on device)",
        "docker system df, then docker system prune",
    ),
    (
        _build("exec format error"),
        FAILED,
        "the program was compiled for another platform than the engine's (exec format error)",
        FIX,
    ),
    (
        _build("no active sessions"),
        FAILED,
        "the build asks for something that it was not given, such as a build secret (no active sessions)",
        "name it under build_secrets or build_contexts in invoke.yaml",
    ),
    (
        _build(ATTESTATION),
        FAILED,
        f"this engine's image store cannot hold attestations ({ATTESTATION})",
        f"{STORE} remove provenance and sbom",
    ),
    (
        _build(CACHE),
        FAILED,
        f"this engine can store a build's cache only in the image ({CACHE})",
        f"{STORE} docker buildx create --use, or --cache-to type=inline",
    ),
    (
        _build("dockerfile parse error on line 2: oops"),
        "the build failed at Dockerfile:2",
        "dockerfile parse error on line 2: oops",
        "fix line 2 of /src/Dockerfile, or what it needs, then run it again",
    ),
    (
        lambda: require_buildkit("1.38"),
        "this Docker Engine is too old to build images",
        "its API is 1.38, and BuildKit needs 1.39 or later",
        "install Docker Engine 20.10 or later (18.09 is the first with BuildKit)",
    ),
]


@pytest.mark.parametrize(("provoke", "message", "reason", "hint"), ROWS, ids=[row[2][:40] for row in ROWS])
def test_message(monkeypatch: pytest.MonkeyPatch, provoke: Provoke, message: str, reason: str, hint: str) -> None:
    """An error says what failed, why, and what to type."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///x.sock")
    with pytest.raises(SeatrialError) as caught:
        provoke()
    assert (caught.value.message, caught.value.reason, caught.value.hint) == (message, reason, hint)


@pytest.mark.parametrize("config", ["[]", "5"])
def test_damaged_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, config: str) -> None:
    """A config.json that the SDK cannot read is named."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///x.sock")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(SeatrialError) as caught:
        _ = Connection().client
    assert str(tmp_path / "config.json") in caught.value.message
