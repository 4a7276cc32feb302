"""The oldest version of the engine's API with which Seatrial can build."""

from __future__ import annotations

import re

from seatrial.errors import EngineUnavailable

__all__ = ["require_buildkit"]

_OLDEST = (1, 39)


def require_buildkit(api: str) -> None:
    """Raise `EngineUnavailable` if an engine with this API version is too old for BuildKit."""
    if tuple(int(part) for part in re.findall(r"\d+", api)) < _OLDEST:
        raise EngineUnavailable(
            "this Docker Engine is too old to build images",
            reason=f"its API is {api}, and BuildKit needs {'.'.join(map(str, _OLDEST))} or later",
            hint="install Docker Engine 20.10 or later (18.09 is the first with BuildKit)",
            cause="unfit-builder",
        )
