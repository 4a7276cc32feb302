"""What the rows of one run share: the workspace, a registry, and the releases of each tool, made when first needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from bench.release import Release, make_base
from bench.timing import say
from bench.workspace import Workspace

__all__ = ["Setup"]


@dataclass(kw_only=True)
class Setup:
    """The shared parts; `rounds` replaces the number of rounds of each row, if it is given."""

    workspace: Workspace
    rounds: int | None = None
    _releases: dict[str, Release] = field(default_factory=dict)

    def rounds_or(self, usual: int) -> int:
        """Return how many rounds are measured."""
        return usual if self.rounds is None else self.rounds

    @cached_property
    def host(self) -> str:
        """The registry's host."""
        return self.workspace.registry()

    @cached_property
    def libraries(self) -> str:
        """The base image that holds the app's libraries."""
        return make_base(self.workspace)

    def release(self, tool: str) -> Release:
        """Return a tool's release, which was released at least once."""
        if tool not in self._releases:
            say(f"the first release by {tool}")
            one = Release(workspace=self.workspace, host=self.host, libraries=self.libraries, tool=tool)
            self._releases[tool] = one.make()
        return self._releases[tool]
