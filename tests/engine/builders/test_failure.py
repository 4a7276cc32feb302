"""The causes of failed builds are recognised in the builder's output."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from seatrial.engine.builders.failure import build_error
from seatrial.engine.connection import Connection
from seatrial.engine.docker.engine import DockerEngine
from seatrial.engine.model import BuildRequest
from seatrial.errors import EngineUnavailable
from seatrial.model.app import BuildOptions
from seatrial.model.reference import ImageReference
from seatrial.sources.context import Context

OTHER = "build-failed"
REQUEST = BuildRequest(
    reference=ImageReference(repository="shop/web"),
    context=Context(folder=Path("/src")),
    dockerfile=Path("/src/Dockerfile"),
    content=b"FROM base\nRUN pip install -r requirements.txt\n",
    options=BuildOptions(),
    labels={},
)


@pytest.mark.parametrize(
    ("output", "cause", "has_own_hint"),
    [
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "wrong-hash", True),
        ("ERROR: No matching distribution found for six==99.0", "no-such-version", True),
        ("Temporary failure in name resolution", "no-network", False),
        ("[Errno -2] Name or service not known\nERROR: No matching distribution found for six", "no-network", False),
        ("write /x: no space left on device", "disk-full", True),
        ("exec /bin/sh: exec format error", "wrong-architecture", False),
        ("no active sessions", "unfit-builder", True),
        ("Attestation is not supported for the docker driver", "unfit-builder", True),
        ("unable to find user app: no matching entries in passwd file", OTHER, True),
        ("the step's command failed: exit code: 137", OTHER, True),
        ("the step's command failed", OTHER, False),
    ],
)
def test_causes(output: str, cause: str, *, has_own_hint: bool) -> None:
    """A known failure has its own cause, and a hint that points to something other than the Dockerfile."""
    error = build_error(REQUEST, None, output)

    assert error.cause == cause
    assert ("/src/Dockerfile" not in error.hint) == has_own_hint
    assert output in error.reason


class _OldConnection(Connection):
    client = SimpleNamespace(api_version="1.38")


def test_an_engine_without_buildkit() -> None:
    """An engine whose API is from before BuildKit is refused as something that is missing, with its own cause."""
    with pytest.raises(EngineUnavailable) as caught:
        DockerEngine(_OldConnection()).builder(BuildOptions())
    assert (caught.value.exit_code, caught.value.cause) == (3, "unfit-builder")


_DOCUMENT = "FROM base\nRUN <<EOT\nset -e\nEOT\nCOPY --link a /\n"


@pytest.mark.parametrize(
    ("text", "said", "cause"),
    [
        (_DOCUMENT, "dockerfile parse error line 3: unknown instruction: SET", "unfit-builder"),
        (_DOCUMENT, "dockerfile parse error on line 5: Unknown flag: link", "unfit-builder"),
        (f"# syntax=a/b:1\n{_DOCUMENT}", "dockerfile parse error line 6: Unknown flag: later", "unfit-builder"),
        ("FROM ${A%b}", "failed to process: unsupported modifier (%) in substitution", "unfit-builder"),
        (_DOCUMENT, "dockerfile parse error line 5: Unknown flag: lnk", OTHER),
        (f"# syntax=a/b:1\n{_DOCUMENT}FORM x", "dockerfile parse error line 7: unknown instruction: FORM", OTHER),
    ],
)
def test_a_dockerfile_newer_than_the_frontend(text: str, said: str, cause: str) -> None:
    """What the engine's frontend is too old for has its own cause, with the `# syntax` line that was left out."""
    error = build_error(replace(REQUEST, content=text.encode()), None, said)
    assert error.cause == cause
    assert ("# syntax=a/b:1" in error.reason) == (cause == "unfit-builder" and "# syntax" in text)
