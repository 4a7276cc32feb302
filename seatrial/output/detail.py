"""How much of a command is shown."""

from __future__ import annotations

from enum import Enum, auto

__all__ = ["Detail"]


class Detail(Enum):
    """How much the console shows: failures and the recap alone, the usual, or all that a builder says, too."""

    QUIET = auto()
    USUAL = auto()
    VERBOSE = auto()
