"""The one place that starts other programs and waits for them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lading.errors import StepFailed

__all__ = ["output_of", "run_command"]

_LAST_LINES = 15


def run_command(words: list[str], *, what: str) -> None:
    """Run a program to its end without input; `StepFailed(what)` with its last lines when it fails."""
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except OSError as error:
        raise StepFailed(what, why=f"{words[0]}: {error.strerror}", mend=f"install {words[0]}") from error
    if done.returncode:
        lines = (done.stdout + done.stderr).splitlines()[-_LAST_LINES:]
        raise StepFailed(
            what,
            why=f"{words[0]} ended with exit code {done.returncode}",
            mend="mend what the lines above say, then run it again",
            details=tuple(lines),
        )


def output_of(words: list[str], *, folder: Path, seconds: float = 10) -> str | None:
    """Give what a program printed, stripped, or nothing when it failed or is not there."""
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
