"""Why a build failed: the step, its line in the Dockerfile, what it printed last, and the likely cause."""

from __future__ import annotations

import re
from typing import Final

from lading.build_steps import line_text, step_line
from lading.engine.buildkit import FailedVertex
from lading.engine.model import BuildRequest
from lading.errors import BuildFailed, cleaned

__all__ = ["BuildStopped", "explained"]

_PARSE_ERROR: Final = re.compile(r"dockerfile parse error (?:on )?line (\d+)", re.IGNORECASE)
# The command stands in the step's name already.
_COMMAND: Final = re.compile(
    r"(?:failed to (?:build|solve): )*(?:executor failed running \[.*\]|process \".*\" did not complete successfully)",
    re.DOTALL,
)
_CAUSES: Final = (
    (
        "DO NOT MATCH THE HASHES",
        "security: a package is not the one that was locked; nobody should install it",
    ),
    ("No matching distribution found", "a requirement has no such version"),
    ("Temporary failure in name resolution", "the build has no network"),
    ("Could not resolve host", "the build has no network"),
    ("no space left on device", "a disk is full, most likely the engine's"),
    ("externally-managed-environment", "pip refuses to install outside of a virtual environment"),
    ("exec format error", "the program is for another platform than the engine's"),
    ("no active sessions", "only docker buildx can give the builder what it asks for here"),
    (
        "docker exporter does not currently support exporting manifest lists",
        "the engine keeps images of several platforms only in the containerd image store",
    ),
    ("unsupported frontend capability moby.buildkit.frontend.contexts", "this engine is too old for extra contexts"),
    ("ttestation is not supported for the docker driver", "this engine's image store keeps no attestations"),
)
_MENDS: Final = {
    "DO NOT MATCH THE HASHES": "find out who changed the package before you lock it anew",
    "No matching distribution found": "mend the version in the requirements, then run it again",
    "no space left on device": "docker system df, then docker system prune",
    "docker exporter does not currently support exporting manifest lists": (
        "turn on the containerd image store in Docker's settings, or build one platform"
    ),
    "unsupported frontend capability moby.buildkit.frontend.contexts": "take Docker Engine 23 or later",
    "ttestation is not supported for the docker driver": (
        "turn on the containerd image store in Docker's settings, or take provenance and sbom out"
    ),
}


class BuildStopped(Exception):  # noqa: N818  it is no error yet: `explained` makes one of it
    """The builder gave up, with its own words."""


def explained(request: BuildRequest, failed: FailedVertex | None, words: str) -> BuildFailed:
    """Give the error for a build that stopped with these words."""
    file, text = request.dockerfile, request.content.decode("utf-8")
    name, details = (" ".join(failed.name.split()), failed.lines) if failed else ("", ())
    all_words = "\n".join((*details, words)).lower()
    mark, cause = next(((mark, cause) for mark, cause in _CAUSES if mark.lower() in all_words), ("", ""))
    parse_error = _PARSE_ERROR.search(words)
    line = int(parse_error[1]) if parse_error else step_line(text, name)
    if parse_error and line:
        details = (*details, f"{file.name}:{line}: {line_text(text, line)}")
    words = _COMMAND.sub("the step's command failed", words)
    where = f"{file.name}:{line}" if line else ""
    at = " ".join(word for word in (where, cleaned(name, limit=100)) if word)
    return BuildFailed(
        f"the build failed at {at}" if at else "the build failed",
        why=f"{cause} ({words})" if cause else words,
        mend=_MENDS.get(mark) or f"mend {f'line {line} of ' if line else ''}{file} or what it needs, then run it again",
        details=details,
    )
