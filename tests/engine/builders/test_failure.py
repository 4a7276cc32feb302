"""The causes that a builder's words speak for."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.engine.builders.failure import explained
from seatrial.engine.model import BuildRequest
from seatrial.model.app import BuildOptions
from seatrial.model.reference import ImageReference
from seatrial.sources.context import Context

REQUEST = BuildRequest(
    reference=ImageReference(repository="shop/web"),
    context=Context(folder=Path("/src"), entries={}),
    dockerfile=Path("/src/Dockerfile"),
    content=b"FROM base\nRUN pip install -r requirements.txt\n",
    options=BuildOptions(),
    labels={},
)


@pytest.mark.parametrize(
    ("words", "cause", "hint"),
    [
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "wrong-hash", "find out who"),
        ("ERROR: No matching distribution found for six==99.0", "no-such-version", "mend the version"),
        ("Temporary failure in name resolution", "no-network", "mend /src/Dockerfile"),
        ("curl: (6) Could not resolve host: example.com", "no-network", "mend /src/Dockerfile"),
        ("write /x: no space left on device", "disk-full", "docker system df"),
        ("exec /bin/sh: exec format error", "wrong-architecture", "mend /src/Dockerfile"),
        ("no active sessions", "unfit-builder", "mend /src/Dockerfile"),
        ("Attestation is not supported for the docker driver", "unfit-builder", "turn on the containerd image store"),
        ("the step's command failed", "build-failed", "mend /src/Dockerfile"),
    ],
)
def test_what_the_builder_says(words: str, cause: str, hint: str) -> None:
    """A known failure has its own name and what mends it, any other the name of them all."""
    error = explained(REQUEST, None, words)

    assert error.cause == cause
    assert error.hint.startswith(hint)
    assert words in error.reason
