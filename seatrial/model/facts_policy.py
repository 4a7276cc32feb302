"""What is asked of an image beside its checks, and what happens when it is not so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["FactName", "FactsMode", "FactsPolicy", "facts_mode"]

FactName = Literal["user", "port", "healthcheck", "secrets", "setuid", "writable", "read-only", "labels", "size"]
FactsMode = Literal["warn", "fail", "off"]


@dataclass(frozen=True, kw_only=True)
class FactsPolicy:
    """What an image must be like: whether its facts are looked at, and whether one that does not hold is a failure.

    What is in `allowed` is accepted as it is; `budget` is the largest size in bytes, None when any will do.
    """

    mode: FactsMode = "warn"
    allowed: tuple[FactName, ...] = ()
    budget: int | None = None


def facts_mode(given: FactsMode | bool) -> FactsMode:  # noqa: FBT001  a value from the settings file
    """Return the mode that a settings file means: YAML reads `off` as false and `on` as true."""
    if isinstance(given, bool):
        return "warn" if given else "off"
    return given
