"""The policy of the image checks: whether a failed one is a warning or a failure, and which ones may fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["FactName", "FactsMode", "FactsPolicy", "facts_mode"]

FactName = Literal["user", "port", "healthcheck", "secrets", "setuid", "writable", "read-only", "labels", "size"]
FactsMode = Literal["warn", "fail", "off"]


@dataclass(frozen=True, kw_only=True)
class FactsPolicy:
    """What a failed image check means: a warning, a failure, or nothing, because the image checks are off.

    The image checks in `allowed` may fail. `budget` is the largest size in bytes; None means any size.
    """

    mode: FactsMode = "warn"
    allowed: tuple[FactName, ...] = ()
    budget: int | None = None


def facts_mode(given: FactsMode | bool) -> FactsMode:  # noqa: FBT001  a value from the settings file
    """Return the mode for a value from the settings file; YAML reads `off` as false and `on` as true."""
    if isinstance(given, bool):
        return "warn" if given else "off"
    return given
