"""The environment variables of this process: nothing else reads them."""

from __future__ import annotations

import os

__all__ = ["variables"]


def variables(**more: str) -> dict[str, str]:
    """Return this process's environment variables, with `more` instead of those of the same name."""
    return {**os.environ, **more}
