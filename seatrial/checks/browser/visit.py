"""A browser's visit to an app, as the last part of its smoke test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.response import Expected
from seatrial.engine.protocol import Emit
from seatrial.errors import SmokeFailed
from seatrial.events import CheckResult, Info
from seatrial.model.app import App, Check

if TYPE_CHECKING:  # only who visits pays for what a browser needs
    from seatrial.checks.browser.chromium import Page

__all__ = ["Visit", "page_of"]

_FIRST_ERROR = 400


class Visit:
    """One visit of a browser to an app that answers its checks; `page` is what it found, once it has been there.

    `expected` is who should be answering, `hint_after_fix` what to type once a page that fails is mended.
    """

    def __init__(  # noqa: PLR0913  each is one thing
        self,
        *,
        program: str,
        app: App,
        expected: Expected,
        screenshot: Path,
        emit: Emit,
        hint_after_fix: str = "mend the page, then: invoke build smoke --browser",
    ) -> None:
        self.page: Page | None = None
        self._again = hint_after_fix
        self._program = program
        self._app = app
        self._expected = expected
        self._screenshot = screenshot
        self._emit = emit

    def __call__(self, base_url: BaseUrl) -> None:
        """Open the app's page; `SmokeFailed` when the browser has anything to complain of, its picture kept or not."""
        from seatrial.checks.browser.chromium import open_page

        path = page_of(self._app.checks)
        self._screenshot.unlink(missing_ok=True)  # it would be taken for the one of this visit
        url = base_url.url(self._expected.with_version(path))
        page = open_page(url, screenshot=self._screenshot, seconds=self._app.smoke_timeout, program=self._program)
        self.page = page
        found = "; ".join(page.problems) or None
        where = f"{page.url} ({page.title or 'no title'})"
        self._emit(CheckResult(check=f"browser {path}", problem=found, seconds=page.seconds, timeline=(where,)))
        if page.screenshot:
            self._emit(Info(text=f"screenshot: {page.screenshot}"))
        if page.problems:
            raise SmokeFailed(
                f"{self._app.name} answers its checks, and its page fails in a browser",
                reason="; ".join(page.problems),
                hint=self._again,
                details=page.problems,
                cause="page-errors",
            )

    @property
    def screenshot(self) -> str | None:
        """The picture's path, None when there is none."""
        return str(self.page.screenshot) if self.page and self.page.screenshot else None

    @property
    def summary(self) -> str:
        """How it came out, to stand behind what the checks found."""
        return f", a browser found nothing wrong in {self.page.seconds:.2f} s" if self.page else ""


def page_of(checks: Sequence[Check]) -> str:
    """Return the path of the page that people open: `/`, unless the checks ask for good answers only elsewhere."""
    good = [one.path for one in checks if one.method == "GET" and (one.status or 0) < _FIRST_ERROR and not one.headers]
    return "/" if "/" in good or not good else good[0]
