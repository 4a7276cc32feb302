"""Why a build failed: the step, its line in the Dockerfile, what it printed last, and the likely cause."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from seatrial.engine.builders.buildkit import FailedVertex
from seatrial.engine.model import BuildRequest
from seatrial.errors import BuildFailed, sanitize
from seatrial.sources.step_names import line_text, step_line

__all__ = ["BuildStopped", "explained"]

_PARSE_ERROR: Final = re.compile(r"dockerfile parse error (?:on )?line (\d+)", re.IGNORECASE)
# The command stands in the step's name already.
_COMMAND: Final = re.compile(
    r"(?:failed to (?:build|solve): )*(?:executor failed running \[.*\]|process \".*\" did not complete successfully)",
    re.DOTALL,
)


@dataclass(frozen=True, kw_only=True)
class _Known:
    """A known cause: the mark by which it is known, why in words, its name, and its mend where it has one."""

    mark: str
    reason: str
    cause: str = ""
    hint: str = ""


_STORE = "turn on the containerd image store in Docker's settings, or"
_KNOWN: Final = (
    _Known(
        mark="DO NOT MATCH THE HASHES",
        cause="wrong-hash",
        reason="security: a package is not the one that was locked; nobody should install it",
        hint="find out who changed the package before you lock it anew",
    ),
    _Known(
        mark="No matching distribution found",
        cause="no-such-version",
        reason="a requirement has no such version",
        hint="mend the version in the requirements, then run it again",
    ),
    _Known(mark="Temporary failure in name resolution", cause="no-network", reason="the build has no network"),
    _Known(mark="Could not resolve host", cause="no-network", reason="the build has no network"),
    _Known(
        mark="no space left on device",
        cause="disk-full",
        reason="a disk is full, most likely the engine's",
        hint="docker system df, then docker system prune",
    ),
    _Known(mark="externally-managed-environment", reason="pip refuses to install outside of a virtual environment"),
    _Known(
        mark="exec format error",
        cause="wrong-architecture",
        reason="the program is for another platform than the engine's",
    ),
    _Known(
        mark="no active sessions",
        cause="unfit-builder",
        reason="only docker buildx can give the builder what it asks for here",
    ),
    _Known(
        mark="docker exporter does not currently support exporting manifest lists",
        cause="unfit-builder",
        reason="the engine keeps images of several platforms only in the containerd image store",
        hint=f"{_STORE} build one platform",
    ),
    _Known(
        mark="unsupported frontend capability moby.buildkit.frontend.contexts",
        cause="unfit-builder",
        reason="this engine is too old for extra contexts",
        hint="take Docker Engine 23 or later",
    ),
    _Known(
        mark="ttestation is not supported for the docker driver",
        cause="unfit-builder",
        reason="this engine's image store keeps no attestations",
        hint=f"{_STORE} take provenance and sbom out",
    ),
)


class BuildStopped(Exception):  # noqa: N818  it is no error yet: `explained` makes one of it
    """The builder gave up, with its own words."""


def explained(request: BuildRequest, failed: FailedVertex | None, words: str) -> BuildFailed:
    """Return the error for a build that stopped with these words."""
    file, text = request.dockerfile, request.content.decode("utf-8")
    name, details = (" ".join(failed.name.split()), failed.lines) if failed else ("", ())
    all_words = "\n".join((*details, words)).lower()
    known = next((one for one in _KNOWN if one.mark.lower() in all_words), _Known(mark="", reason=""))
    parse_error = _PARSE_ERROR.search(words)
    line = int(parse_error[1]) if parse_error else step_line(text, name)
    if parse_error and line:
        details = (*details, f"{file.name}:{line}: {line_text(text, line)}")
    words = _COMMAND.sub("the step's command failed", words)
    where = f"{file.name}:{line}" if line else ""
    at = " ".join(word for word in (where, sanitize(name, limit=100)) if word)
    return BuildFailed(
        f"the build failed at {at}" if at else "the build failed",
        reason=f"{known.reason} ({words})" if known.reason else words,
        hint=known.hint or f"mend {f'line {line} of ' if line else ''}{file} or what it needs, then run it again",
        details=details,
        cause=known.cause,
    )
