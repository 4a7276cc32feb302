"""The grammar of workflow commands and output files of GitHub Actions."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

from seatrial.errors import SeatrialError, sanitize

__all__ = ["annotation", "output_lines", "workflow_command"]


def workflow_command(name: str, text: str = "", **properties: object) -> str:
    """Return a workflow command with its text and properties escaped."""
    given = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    return f"::{name}{' ' * bool(given)}{given}::{_data(text)}"


def annotation(error: SeatrialError, workspace: Path | None) -> str:
    """Return the command that shows an error beside its line, if it has one; files are relative to the workspace."""
    place: dict[str, object] = {}
    if error.place:
        path = error.place.path
        inside = workspace is not None and path.is_relative_to(workspace)
        place = {"file": path.relative_to(workspace) if workspace and inside else path, "line": error.place.line}
    text = f"why: {error.reason}\nnext: {error.hint}"
    return workflow_command("error", text, **place, title=error.message)


def output_lines(values: Mapping[str, str]) -> str:
    """Return outputs as GITHUB_OUTPUT takes them; a value may have several lines, as nobody knows the delimiter."""
    delimiter = f"seatrial-{secrets.token_hex(16)}"
    return "".join(f"{name}<<{delimiter}\n{value}\n{delimiter}\n" for name, value in values.items())


def _data(text: str) -> str:
    text = "\n".join(sanitize(line, limit=2000) for line in text.split("\n"))
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
