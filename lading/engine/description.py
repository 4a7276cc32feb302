"""The engine's own descriptions, as Lading's frozen data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from lading.engine.model import Image
from lading.platforms import normal_platform

__all__ = ["image_of", "real_names"]


def image_of(raw: dict[str, Any]) -> Image:
    """Give the image that `docker image inspect` describes."""
    return Image(
        id=raw["Id"],
        tags=real_names(raw.get("RepoTags")),
        digests=real_names(raw.get("RepoDigests")),
        labels=(raw.get("Config") or {}).get("Labels") or {},
        created=_epoch(raw.get("Created") or ""),
        size=int(raw.get("Size") or 0),
        platform=normal_platform("/".join(str(raw[key]) for key in ("Os", "Architecture", "Variant") if raw.get(key))),
    )


def real_names(raw: Sequence[str] | None) -> tuple[str, ...]:
    """Give an image's names without Docker's `<none>`."""
    return tuple(name for name in raw or () if not name.startswith("<none>"))


def _epoch(text: str) -> float:
    """Give seconds since the epoch for the engine's time; its nanoseconds are more than Python reads."""
    shorter = re.sub(r"(\.\d{6})\d+", r"\1", text)
    return datetime.fromisoformat(shorter).timestamp() if shorter else 0.0
