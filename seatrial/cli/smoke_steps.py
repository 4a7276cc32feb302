"""From the flags of `smoke` to its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.cli.flags import ImageFlags, SmokeFlags
from seatrial.cli.numbers import typed_version
from seatrial.errors import UsageError
from seatrial.model.version import Version

if TYPE_CHECKING:  # wrong use ends before the pipeline is loaded
    from seatrial.cli.playbook import Playbook
    from seatrial.model.app import App
    from seatrial.pipeline.step import Step
    from seatrial.settings.settings import Settings

__all__ = ["browser", "smoke_steps"]


def smoke_steps(playbook: Playbook, image: ImageFlags, flags: SmokeFlags) -> tuple[Step, ...]:
    """Return the steps of `smoke`: for an image, or with a URL for what is deployed there."""
    target = playbook.settings.app(image.app) if flags.url is None else playbook.settings.serving(image.app)
    version = typed_version(image)
    program = browser(playbook.settings, target) if flags.browser else None
    if flags.url is not None:
        return (_deployed(target, flags.url, version, program),)
    from seatrial.steps.smoke.smoke import Smoke

    return (Smoke(target=target, version=version, browser=program, log=flags.junit is not None),)


def browser(settings: Settings, target: App) -> str | None:
    """Return the browser that opens the app's page; None if the app serves nothing."""
    from seatrial.checks.browser.program import find_browser

    return find_browser(settings.browser) if target.serves else None


def _deployed(target: App, url: str, version: Version | None, program: str | None) -> Step:
    from seatrial.checks.http.base_url import parse_base_url
    from seatrial.steps.smoke.deployed import Deployed

    base_url = parse_base_url(url)
    needing_version = next((check for check in target.checks if check.uses_version), None)
    if version is None and needing_version:
        raise UsageError(
            f"no version for {base_url}",
            reason=f"the check {needing_version} uses {{version}}",
            hint=f"--url {base_url} --version VERSION",
        )
    return Deployed(target=target, base_url=base_url, awaited=version, browser=program)
