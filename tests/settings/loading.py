"""Settings from a text, read as the programs read them."""

from __future__ import annotations

from pathlib import Path

from seatrial.settings.settings import Settings
from seatrial.settings.settings_file import KEY, read_settings_file

__all__ = ["load"]


def load(root: Path, text: str, name: str = "invoke.yaml") -> Settings:
    """Write a settings file into `root` and load it."""
    (root / name).write_text(text)
    read_settings_file.cache_clear()
    return Settings.load((read_settings_file(root / name).data or {}).get(KEY, {}), root)
