"""Visit an app with a browser, as the last part of its smoke test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.response import Expected
from seatrial.engine.protocol import Emit
from seatrial.errors import SmokeFailed
from seatrial.events import CheckResult, Info, ScreenshotSaved
from seatrial.model.app import App, Check

if TYPE_CHECKING:  # imported at run time only where a browser is used
    from seatrial.checks.browser.chromium import Page

__all__ = ["Visit", "page_of"]

_FIRST_ERROR = 400


class Visit(Struct, kw_only=True):
    """A browser's visit to an app that has passed its checks; `page` is None until the visit has ended.

    `expected` is the version that should answer, `screenshot` where the picture is written, `hint` what to type after
    fixing a page with errors.
    """

    program: str
    app: App
    expected: Expected
    screenshot: Path
    emit: Emit
    hint: str = "fix the page, then: invoke build smoke --browser"
    page: Page | None = None

    def __call__(self, base_url: BaseUrl) -> None:
        """Open the page; raise `SmokeFailed` if it has errors. The screenshot is kept if one could be taken."""
        from seatrial.checks.browser.chromium import open_page

        path = page_of(self.app.checks)
        self.screenshot.unlink(missing_ok=True)  # an old screenshot must not pass for this visit's
        url = base_url.spoken(self.app.checks[0].scheme).url(self.expected.with_version(path))
        page = open_page(
            url,
            screenshot=self.screenshot,
            seconds=self.app.smoke_timeout,
            program=self.program,
            any_certificate=not base_url.deployed,
        )
        self.page = page
        problem = "; ".join(page.problems) or None
        visited = f"{page.url} ({page.title or 'no title'})"
        self.emit(CheckResult(check=f"browser {path}", problem=problem, seconds=page.seconds, timeline=(visited,)))
        if page.screenshot:
            self.emit(Info(text=f"screenshot: {page.screenshot}"))
            self.emit(ScreenshotSaved(path=str(page.screenshot)))
        if page.problems:
            raise SmokeFailed(
                f"{self.app.name} passed its checks, but its page has errors in a browser",
                reason="; ".join(page.problems),
                hint=self.hint,
                details=page.problems,
                cause="page-errors",
            )

    @property
    def picture(self) -> str | None:
        """The screenshot's path, or None if there is none."""
        return str(self.page.screenshot) if self.page and self.page.screenshot else None

    @property
    def summary(self) -> str:
        """The result as text, to be appended to the summary of the checks."""
        return f"; the page has no errors ({self.page.seconds:.2f} s)" if self.page else ""


def page_of(checks: Sequence[Check]) -> str:
    """Return the path to open: `/`, unless the checks expect pages only at other paths; then the first of these."""
    good = [one.path for one in checks if one.method == "GET" and (one.status or 0) < _FIRST_ERROR and not one.headers]
    return "/" if "/" in good or not good else good[0]
