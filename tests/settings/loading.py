"""Settings from a text, read as the programs read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.errors import UsageError
from seatrial.settings.settings import Settings
from seatrial.settings.settings_file import KEY, read_settings_file

__all__ = ["load", "refused"]


def load(root: Path, text: str, name: str = "invoke.yaml") -> Settings:
    """Write a settings file into `root` and load it."""
    (root / name).write_text(text)
    read_settings_file.cache_clear()
    return Settings.load((read_settings_file(root / name).data or {}).get(KEY, {}), root)


def refused(root: Path, text: str) -> UsageError:
    """Return the error that this settings file ends with."""
    with pytest.raises(UsageError) as caught:
        load(root, text)
    assert caught.value.exit_code == 2
    return caught.value
