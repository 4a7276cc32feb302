"""The cause that an environment variable is not set."""

from __future__ import annotations

import re
from typing import Final

from seatrial.diagnosis.evidence import Cause, Evidence

__all__ = ["missing_environment"]

_NAME: Final = r"(?P<name>[A-Z][A-Z0-9_]{2,})"
_ENVIRON: Final = r'File "(?:<frozen os>|[^"]*/os\.py)", line \d+, in __getitem__'
# What apps and their libraries say themselves: "Set the SECRET_KEY environment variable".
_SAID: Final = re.compile(
    rf"(?!.*\b(?:WARN|INFO|DEBUG))(?=.*(?i:env(?:ironment)?[ -]?var))"
    rf"(?=.*(?i:missing|not set|unset|not found|undefined|required|must be|\bset\b|\bneeds?\b))\S.*?\b{_NAME}\b"
)
# What a shell says of a variable that it expands.
_UNSET: Final = (
    r"^\S+: (?:(?:line )?\d+: )?(?P<name>[A-Za-z_]\w*): (?P<words>unbound variable|parameter n(?:ot set|ull).*)$",
    (
        r"^\S+: (?:line )?\d+: (?P<name>(?!ERR|WARN|FATAL|CRIT|INFO|DEBUG|NOT)[A-Z][A-Z0-9_]+): "
        r"(?P<words>(?!.*(?:not found|denied|directory)$).+)$"
    ),
)
_LAST_LINES: Final = 20
_TOLD: Final = 120
_FIELD_REQUIRED: Final = "Field required [type=missing"


def missing_environment(evidence: Evidence) -> Cause | None:
    """Recognise an environment variable that the app, or a script that starts it, needs and that is not set."""
    if evidence.answered:
        return None
    names, more, words = _names(evidence), "", ""
    if not names and evidence.search_final_log(r"/pydantic_settings/"):
        lines = evidence.final_log
        fields = [lines[at - 1].upper() for at, line in enumerate(lines) if at and _FIELD_REQUIRED in line]
        names = list(dict.fromkeys(fields))  # each worker names them
        more = " (with its env_prefix, if it has one)"
    if not names and evidence.dead and not evidence.has_traceback and (found := evidence.search_log(*_UNSET)):
        names = [found["name"]]
        words = "" if re.match("unbound|parameter", found["words"]) else f" ({found['words'][:_TOLD]})"
    if not names:
        return None
    variables = f"the environment variable{'s' if names[1:] else ''} {' and '.join(names)}"
    reason = f"it needs {variables}, which {'are' if names[1:] else 'is'} not set{words}"
    setting = f"environment: {{{', '.join(f'{name}: …' for name in names)}}}{more}"
    return Cause.fixed_by_setting("missing-environment", reason, setting, evidence.app)


def _names(evidence: Evidence) -> list[str]:
    found = evidence.search_final_log(rf"^KeyError: '{_NAME}'$")
    if found and evidence.search_final_log(_ENVIRON):
        return [found["name"]]
    if not (evidence.dead or evidence.answers_with_error or evidence.worker_ended):
        return []
    said = (evidence.exception_lines if evidence.has_traceback else evidence.log)[-_LAST_LINES:]
    return next(([found["name"]] for line in reversed(said) if (found := _SAID.match(line))), [])
