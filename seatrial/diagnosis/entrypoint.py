"""Causes in the words of an entrypoint script, and of the tools that it starts the app with."""

from __future__ import annotations

import re
from typing import Final

from seatrial.diagnosis.evidence import Cause, Evidence

__all__ = ["changes_user", "repeats"]

_OFTEN: Final = 5
_TOLD: Final = 120
# In the words of gosu, setpriv, su, sudo, runuser, chpst, start-stop-daemon, s6, uWSGI and supervisord.
_CALLS: Final = r"(?:set(?:res|re|e)?[ug]id|setgroups|initgroups)"
_SWITCHES: Final = (
    rf"(?i)(?:^|[\s(])(?:{_CALLS}|set groups|set [ug]id|switching to|group list)\b.* (?:not permitted|denied)",
    r"^Error: Could not set groups of effective user$",
    r"^chroot: .*: Operation not permitted$",
)


def changes_user(evidence: Evidence) -> Cause | None:
    """Recognise a program that wants to change its user, which a container without capabilities cannot."""
    if evidence.answered or not evidence.dead:
        return None
    found = evidence.search_final_log(*_SWITCHES)
    if not found and evidence.search_final_log(rf"\bos\.{_CALLS}\("):
        found = evidence.search_final_log(r"^PermissionError: \[Errno 1\] Operation not permitted$")
    if not found:
        return None
    return Cause.fixed_by_build(
        "permission-denied",
        f"it changes its user when it starts, and the container has no capabilities: {found.string[:_TOLD]}",
        "name the user in the Dockerfile (USER 10001:10001), and start the app without gosu, su or the like",
    )


def repeats(evidence: Evidence) -> bool:
    """Return whether the app has written the last line of its log again and again, whatever numbers are in it."""
    lines = [re.sub(r"\d+", "0", line.strip()) for line in evidence.log if line.strip()]
    return bool(lines) and lines.count(lines[-1]) >= _OFTEN
