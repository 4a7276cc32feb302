"""Errors that no part of Seatrial expected."""

from __future__ import annotations

import logging
import traceback

from seatrial.errors import SeatrialError
from seatrial.host.shortage import shortage

__all__ = ["unexpected"]


def unexpected(error: Exception, command: str) -> SeatrialError:
    """Return the error for an exception that no part of Seatrial expected; with --debug, print its traceback."""
    if logging.getLogger("invoke").isEnabledFor(logging.DEBUG):
        traceback.print_exception(error)
    words = f"{type(error).__name__}: {error}".partition("\n")[0]
    fault = SeatrialError(f"unexpected error in {command}", reason=words, hint=f"invoke --debug {command} …")
    return shortage(error, f"{command} could not go on") or fault
