"""The flags of the app's container, applied on top of the settings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from seatrial.cli.build_flags import parse_pairs
from seatrial.cli.flags import PortFlag, flag
from seatrial.errors import UsageError, sanitize

if TYPE_CHECKING:  # as in build_flags
    from seatrial.model.app import App

__all__ = ["RunFlags"]

_HIGHEST_PORT = 65535


class RunFlags(PortFlag):
    """The flags of `run` as they were typed; a flag that was not typed leaves the setting as it is."""

    env: Sequence[str] | None = flag(
        "An environment variable of the app, NAME=VALUE, on top of the settings; may be given several times.",
        repeatable=True,
    )
    open: bool = flag("Open the page in your browser when the app runs.", default=False)
    memory: str | None = flag("The container's memory limit, such as 256m.")

    def apply_to(self, app: App) -> App:
        """Return the app with these flags; `UsageError` for an invalid value."""
        from seatrial.model.sizes import parse_memory

        return app.but(
            host_port=app.host_port if self.port is None else _port(self.port, app.host_port),
            unset=app.unset if self.port is None else app.unset - {"host_port"},
            environment={**app.environment, **parse_pairs("--env", self.env, "NAME=VALUE")},
            memory=app.memory if self.memory is None else parse_memory(self.memory),
        )


def _port(text: str, usual: int) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or not 0 < int(text) <= _HIGHEST_PORT:
        raise UsageError(
            f"{sanitize(repr(text), limit=60)} is not a valid port",
            reason=f"a port is a number from 1 to {_HIGHEST_PORT}",
            hint=f"--port {usual}",
        )
    return int(text)
