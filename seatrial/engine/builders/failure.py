"""Explain why a build failed: the step, its line in the Dockerfile, its last output, and the likely cause."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from seatrial.engine.builders.buildkit import FailedVertex
from seatrial.engine.model import BuildRequest
from seatrial.errors import BuildFailed, Place, sanitize
from seatrial.sources.dockerfile_lines import instructions, syntax_directive
from seatrial.sources.step_names import line_text, step_line

__all__ = ["BuildStopped", "build_error"]

_PARSE_ERROR: Final = re.compile(r"dockerfile parse error (?:on )?line (\d+)", re.IGNORECASE)
# The command is already in the step's name.
_COMMAND: Final = re.compile(
    r"(?:failed to (?:build|solve): )*(?:executor failed running \[.*\]|process \".*\" did not complete successfully)",
    re.DOTALL,
)


# What an older frontend says about an unknown flag, about a line in a here-document, and about ${name%pattern}.
_UNKNOWN_WORD: Final = re.compile(
    r"unknown flag: -*(?P<flag>[a-z-]+)|(?P<instruction>unknown instruction)|unsupported modifier", re.IGNORECASE
)
_NEWER_FLAGS: Final = frozenset(
    {"checksum", "exclude", "keep-git-dir", "link", "network", "parents", "security", "start-interval", "unpack"}
)


class _Known(Struct, frozen=True, kw_only=True):
    """A known cause: its name, the reason, and its own hint if it has one.

    `marker` is the pattern that reveals it in the output; the reason may hold the marker's groups as `{name}`.
    """

    marker: str
    reason: str
    cause: str = ""
    hint: str = ""


_STORE = "turn on the containerd image store in Docker's settings, or"
_KNOWN: Final = (
    _Known(
        marker="DO NOT MATCH THE HASHES",
        cause="wrong-hash",
        reason="security: a package is not the one that was locked; do not install it",
        hint="find out who changed the package before you lock it again",
    ),
    _Known(
        marker=r"Temporary failure (?:in name resolution|resolving)|Could not resolve host"
        r"|\[Errno -\d\] Name or service not known|\b(?:EAI_AGAIN|ENOTFOUND)\b",
        cause="no-network",
        reason="the build has no network",
    ),
    _Known(
        marker=r"Failed to establish a new connection.*(?P<why>Connection refused|unreachable|timed out)|ECONNREFUSED",
        cause="no-network",
        reason="the build does not reach the package index",
        hint="look at the index's address (PIP_INDEX_URL, pip.conf, .npmrc) and at the engine's proxy",
    ),
    _Known(
        marker=r"Requires-Python (?P<needs>[^\n;]+)(?s:.*)No matching distribution found for (?P<name>\S+)",
        cause="no-such-version",
        reason="no version of {name} that the requirements allow fits the image's Python; one needs {needs}",
        hint="fix the version in the requirements, or the Python in FROM, then run it again",
    ),
    _Known(
        marker=r"satisfies the requirement (?P<name>[\w.-]+).*\(from versions: none\)",
        cause="no-such-package",
        reason="the package index has no package {name} for the image's Python",
        hint="fix the package's name in the requirements, then run it again",
    ),
    _Known(
        marker=r"No matching distribution found(?: for (?P<name>\S+))?",
        cause="no-such-version",
        reason="a requirement names a version that does not exist",
        hint="fix the version in the requirements, then run it again",
    ),
    _Known(
        marker=r"404 +'(?P<name>@?[^'@\s]+)@?[^']*' is not in \S+ (?:npm )?registry",
        cause="no-such-package",
        reason="the npm registry has no package {name}",
        hint="fix the package's name in package.json, then run it again",
    ),
    _Known(
        marker=r"No matching version found for (?P<name>\S+?)\.?\s",
        cause="no-such-version",
        reason="the npm registry has no version {name}",
        hint="fix the version in package.json, then run it again",
    ),
    _Known(
        marker=r"E: (?:Unable to locate package|Package '(?=\S+' has no)) ?(?P<name>[^\s']+)",
        cause="no-such-package",
        reason="Debian's package lists have no package {name}",
        hint="fix its name, or run apt-get update before apt-get install in the same RUN, then run it again",
    ),
    _Known(
        marker="no space left on device",
        cause="disk-full",
        reason="a disk is full, most likely the engine's",
        hint="docker system df, then docker system prune",
    ),
    _Known(marker="externally-managed-environment", reason="pip refuses to install outside of a virtual environment"),
    _Known(
        marker="exec format error",
        cause="wrong-architecture",
        reason="the program was compiled for another platform than the engine's",
    ),
    _Known(
        marker="no active sessions",
        cause="unfit-builder",
        reason="the build asks for something that it was not given, such as a build secret",
        hint="name it under build_secrets or build_contexts in invoke.yaml",
    ),
    _Known(
        marker="unable to find user",
        reason="the image has no user of that name at this line",
        hint="create the user in a RUN before USER, or write USER 10001:10001 (a number needs no entry)",
    ),
    _Known(
        marker="exit code: 137",
        reason="the command was killed; the memory may have been too small",
        hint="raise the engine's memory, or let the command use less (fewer jobs at the same time)",
    ),
    _Known(
        marker="docker exporter does not currently support exporting manifest lists",
        cause="unfit-builder",
        reason="the engine stores images of several platforms only in the containerd image store",
        hint=f"{_STORE} build for one platform",
    ),
    _Known(
        marker="unsupported frontend capability moby.buildkit.frontend.contexts",
        cause="unfit-builder",
        reason="this engine is too old for extra contexts",
        hint="install Docker Engine 23 or later",
    ),
    _Known(
        marker="Cache export is not supported for the docker driver",
        cause="unfit-builder",
        reason="this engine can store a build's cache only in the image",
        hint=f"{_STORE} docker buildx create --use, or --cache-to type=inline",
    ),
    _Known(
        marker="ttestation is not supported for the docker driver",
        cause="unfit-builder",
        reason="this engine's image store cannot hold attestations",
        hint=f"{_STORE} remove provenance and sbom",
    ),
)


class BuildStopped(Exception):  # noqa: N818  not an error yet: `build_error` turns it into one
    """The builder stopped, with this message of its own."""


def build_error(request: BuildRequest, failed: FailedVertex | None, builder_message: str) -> BuildFailed:
    """Return the error for a build that stopped with this message."""
    file, content = request.dockerfile, request.content.decode("utf-8")
    name, details = (" ".join(failed.name.split()), failed.lines) if failed else ("", ())
    output = "\n".join((*details, builder_message))
    parse_error = _PARSE_ERROR.search(builder_message)
    line = int(parse_error[1]) if parse_error else step_line(content, name)
    known = _known(output)
    known = _newer_than_the_builder(content, builder_message, line) or known
    if parse_error and line:
        details = (*details, f"{file.name}:{line}: {line_text(content, line)}")
    builder_message = _COMMAND.sub("the step's command failed", builder_message)
    where = f"{file.name}:{line}" if line else ""
    at = " ".join(word for word in (where, sanitize(name, limit=100)) if word)
    return BuildFailed(
        f"the build failed at {at}" if at else "the build failed",
        reason=f"{known.reason} ({builder_message})" if known.reason else builder_message,
        hint=known.hint or f"fix {f'line {line} of ' if line else ''}{file}, or what it needs, then run it again",
        details=details,
        cause=known.cause,
        place=Place(path=file, line=line) if line else None,
    )


def _known(output: str) -> _Known:
    """Return the known cause that a build's output reveals, one without a reason if there is none."""
    for one in _KNOWN:
        if found := re.search(one.marker, output, re.IGNORECASE):
            return replace(one, reason=one.reason.format_map(found.groupdict()))
    return _Known(marker="", reason="")


def _newer_than_the_builder(content: str, message: str, line: int | None) -> _Known | None:
    """Return the cause if the Dockerfile needs a newer frontend than the engine's own."""
    syntax, unknown = syntax_directive(content), _UNKNOWN_WORD.search(message)
    if unknown is None:
        return None
    if unknown["flag"] and not syntax and unknown["flag"] not in _NEWER_FLAGS:
        return None  # most likely a typo
    if unknown["instruction"] and any(one.line == line for one in instructions(content)):
        return None  # a typo, and no line of a here-document
    what = "here-documents" if unknown["instruction"] else unknown[0].lower().removeprefix("unknown ")
    left_out = f"; the line # syntax={syntax}, which names a newer one, was left out" if syntax else ""
    return _Known(
        marker="",
        cause="unfit-builder",
        reason=f"the engine's own Dockerfile frontend does not know {what}{left_out}",
        hint=f"install a newer Docker Engine, or do without it{f' in line {line}' if line else ''}",
    )
