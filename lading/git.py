"""What git says of the app's folder."""

from __future__ import annotations

from pathlib import Path

from lading.command import output_of
from lading.version import UNVERSIONED, Version

__all__ = ["described_version"]


def described_version(folder: Path) -> Version:
    """Give the version git describes (`1.4.2`, `1.4.2-3-gabc1234-dirty`, `abc1234`), or `dev` outside of git."""
    if not folder.is_dir():
        return Version(UNVERSIONED)
    found = output_of(["git", "describe", "--tags", "--always", "--dirty"], folder=folder)
    return Version.parse(found or UNVERSIONED)
