"""Folders with an app, for the tests of what is seen in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["FLASK", "write"]

FLASK = "from flask import Flask\napp = Flask(__name__)\n"


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write the files into a folder, and return it."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, newline="")
    return folder
