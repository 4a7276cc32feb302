"""Parts of a CI system's log that can be folded: one for the details of each step."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable

from seatrial.output.ci.workflow_commands import workflow_command
from seatrial.output.lines import Sections
from seatrial.settings.variables import Environment

__all__ = ["GitHubSections", "GitLabSections", "sections_for"]


class GitHubSections:
    """Groups in the log of GitHub Actions."""

    _begun = False

    def begin(self, name: str) -> str:
        """Return the line that begins a group."""
        self._begun = True
        return workflow_command("group", name)

    def end(self) -> str:
        """Return the line that ends it; empty if none has begun."""
        begun, self._begun = self._begun, False
        return workflow_command("endgroup") if begun else ""


class GitLabSections:
    """Sections in the log of GitLab CI; `now` returns seconds since the epoch."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._numbers = itertools.count(1)
        self._name = ""

    def begin(self, name: str) -> str:
        """Return the line that begins a section; its name is used once."""
        self._name = f"{re.sub('[^a-z0-9]', '_', name.lower())}_{next(self._numbers)}"
        return f"{self._marker('start')}{name}"

    def end(self) -> str:
        """Return the line that ends it; empty if none has begun."""
        line = self._marker("end") if self._name else ""
        self._name = ""
        return line

    def _marker(self, what: str) -> str:
        return f"\x1b[0Ksection_{what}:{int(self._now())}:{self._name}\r\x1b[0K"


def sections_for(environment: Environment) -> Sections | None:
    """Return how the log is divided here; None if it is not one of a known CI system."""
    if environment.github:
        return GitHubSections()
    return GitLabSections() if environment.gitlab else None
