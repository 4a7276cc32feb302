"""Causes in the words of Node and npm."""

from __future__ import annotations

import re
from typing import Final

from seatrial.diagnosis.evidence import Cause, Evidence

__all__ = ["node_error", "node_file"]

_END: Final = r"^Node\.js v\d"
_ERROR: Final = r"^(?:Uncaught )?(?P<name>\w*Error)(?: \[\w+\])?: (?P<words>.+?)(?: \{)?$"
_CALL: Final = re.compile(r"^ +at (?:.*\()?(?:file://)?(?P<file>/(?!.*/node_modules/)[^:()]+):(?P<line>\d+):\d+\)?$")


def node_file(evidence: Evidence) -> Cause | None:
    """Recognise a file of the app's own that a Node module requires and that is not in the image."""
    found = evidence.search_log(
        r"Cannot find module '(?P<path>/[^']+)' imported from (?P<by>\S+)",
        r"Cannot find module '(?P<path>\.{1,2}/[^']+)'(?P<by>)",
    )
    if not found or evidence.answered:
        return None
    stack = evidence.search_log(r"^- (?P<by>/\S+)$")
    by = found["by"] or (stack["by"] if stack else "the app")
    return Cause.fixed_by_build(
        "missing-file",
        f"{by} needs {found['path']}, which is not in the image",
        f"COPY it in the Dockerfile (does .dockerignore exclude it?), or fix its path in {by}",
    )


def node_error(evidence: Evidence) -> Cause | None:
    """Recognise an error that ended a Node app."""
    found = evidence.search_log(_ERROR)
    if not found or not evidence.dead or not evidence.search_log(_END):
        return None
    call = next(filter(None, map(_CALL.match, evidence.log)), None)
    code = f" (exit code {evidence.inspection.exit_code})" if evidence.inspection else ""
    hint = f"fix {call['file']}:{call['line']}" if call else "fix the error in the log"
    return Cause.fixed_by_build("uncaught-exception", f"{found['name']}: {found['words']}{code}", hint)
