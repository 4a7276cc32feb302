"""smoke --url: a deployed app passes the checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from seatrial.checks.browser.visit import Visit
from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.probe import PollInterval, probe
from seatrial.checks.http.response import Expected
from seatrial.diagnosis.answers import deployed_cause
from seatrial.engine.protocol import Emit
from seatrial.errors import SmokeFailed
from seatrial.model.version import UNVERSIONED, Version
from seatrial.pipeline.step import AppStep, Change, Explanation, NoChange
from seatrial.pipeline.world import World
from seatrial.steps.smoke.curl import curl_checks
from seatrial.wording import pluralize

__all__ = ["Deployed"]

# An app in service must not get a hundred requests a second.
_SLOW_POLLING = PollInterval(first=0.1, longest=1.0, growth=1.5)


@dataclass(frozen=True, kw_only=True)
class Deployed(AppStep):
    """The app deployed at `base_url` passes its checks; `awaited` is the version that they expect, if they use one.

    No container is created and no verdict saved: a deployed app says nothing about an image here. With `browser`, the
    path of a browser, its page has no errors in that browser either.
    """

    base_url: BaseUrl
    awaited: Version | None
    browser: str | None = None
    name: str = "smoke"
    uses_engine: ClassVar[bool] = False
    _passed: list[str] = field(default_factory=list, init=False, repr=False, compare=False)

    def plan(self, world: World) -> Change | NoChange:
        """Plan the checks; only results of this run count."""
        if self._passed:
            return NoChange(message=self._passed[-1], identity=str(self.base_url))
        requests = ", ".join(f"{check.method} {check.path}" for check in self.target.checks)
        browser = " and open the page in a browser" if self.browser else ""
        would = f"run {pluralize(len(self.target.checks), 'check')} against {self.base_url} ({requests}){browser}"
        return Change(would=would, before=str(self.base_url), after=str(self.base_url))

    def explain(self, world: World) -> Explanation:
        """Return the checks as requests by curl."""
        version = str(self.awaited) if self.awaited else UNVERSIONED
        return Explanation(commands=curl_checks(self.target, Expected(version=version), self.base_url))

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Run the checks, then open the page in the browser; raise `SmokeFailed` if anything is wrong."""
        expected = Expected(version=str(self.awaited) if self.awaited else UNVERSIONED)
        limit = self.target.smoke_timeout
        results = probe(self.base_url, self.target.checks, expected=expected, seconds=limit, interval=_SLOW_POLLING)
        for result in results:
            emit(result.as_event)
        version = f" --version {self.awaited}" if self.awaited else ""
        if failed := [result for result in results if result.problem]:
            raise SmokeFailed(
                f"{self.base_url} failed {len(failed)} of {len(results)} checks",
                reason="; ".join(f"{result.check}: {result.problem}" for result in failed),
                hint=f"check what is deployed there, then: invoke smoke --url {self.base_url}{version}",
                details=tuple(line for result in failed for line in result.timeline),
                cause=deployed_cause(failed[0].problem or ""),
            )
        page = ""
        if self.browser:
            visit = Visit(
                program=self.browser,
                app=self.target,
                expected=expected,
                screenshot=world.state.screenshot(str(self.base_url)),
                emit=emit,
                hint=f"check what is deployed there, then: invoke smoke --browser --url {self.base_url}{version}",
            )
            visit(self.base_url)
            page = visit.summary
        self._passed.append(f"{pluralize(len(results), 'check')} passed at {self.base_url}{page}")
