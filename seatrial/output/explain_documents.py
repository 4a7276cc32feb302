"""The JSON document of --explain."""

from __future__ import annotations

from seatrial.output.document_part import Part

__all__ = ["ExplainDocument", "ExplainedCommand", "ExplainedStepDocument"]


class ExplainedCommand(Part, frozen=True, kw_only=True):
    """A command, and what it does to which object; `$name` in `argv` is a variable, `shell` is what can be typed."""

    object: str
    effect: str
    argv: tuple[str, ...]
    shell: str


class ExplainedStepDocument(Part, frozen=True, kw_only=True):
    """A step in commands; `also` is what only the task does."""

    step: str
    app: str | None
    commands: tuple[ExplainedCommand, ...]
    also: tuple[str, ...]


class ExplainDocument(Part, frozen=True, kw_only=True, tag_field="schema", tag="seatrial.explain/1"):
    """What a command would do, in docker commands; nothing was done."""

    command: str
    steps: tuple[ExplainedStepDocument, ...]
