"""The policy of the image checks: whether a failed one is a warning or a failure, and which ones may fail."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import field

from seatrial.model.setting_types import Parsed, Validated, about
from seatrial.model.sizes import parse_bytes

__all__ = ["FactName", "FactsMode", "FactsPolicy"]

FactName = Literal["user", "port", "healthcheck", "secrets", "setuid", "writable", "read-only", "labels", "size"]
FactsMode = Literal["warn", "fail", "off"]


class FactsPolicy(Validated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a failed image check means: a warning, a failure, or nothing, because the image checks are off."""

    mode: Annotated[FactsMode, about("what happens if an image check fails")] = field(
        name="image_facts", default="warn"
    )
    allowed: Annotated[tuple[FactName, ...], about("image checks that may fail; any but read-only")] = field(
        name="image_facts_allowed", default=()
    )
    budget: Annotated[
        int | None, Parsed(parse_bytes), about("the largest size of the image, such as 500m; default: any size")
    ] = field(name="image_budget", default=None)

    def __post_init__(self) -> None:
        """Refuse to allow what can never be."""
        if "read-only" in self.allowed:
            raise ValueError(
                "`image_facts_allowed` cannot contain read-only: every container runs on a read-only root; "
                "list the folders where the app writes under tmpfs"
            )
