"""Git for tests that need a repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

__all__ = ["git"]

_IDENTITY = ("-c", "user.name=t", "-c", "user.email=t@localhost")


def git(folder: Path, *words: str) -> str:
    """Run git in a folder and return what it printed."""
    done = subprocess.run(["git", *_IDENTITY, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()
