"""Venvs without pip, into which uv installs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Python", "run"]

ROOT = Path(__file__).parents[2]
# Variables that would add modules from elsewhere, or install elsewhere.
_ELSEWHERE = ("PIP_PREFIX", "PIP_TARGET", "PIP_USER", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")


def run(*words: Path | str, cwd: Path, timeout: float = 120, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, without the variables that would show it this Python's modules."""
    kept = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    return subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=kept | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


@dataclass(frozen=True)
class Python:
    """A venv."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, like: Python | None = None) -> Python:
        """Make an empty venv, or a copy of the modules of another one."""
        venv.create(folder, symlinks=True)
        made = cls(folder)
        if like:
            shutil.copytree(like.modules, made.modules, dirs_exist_ok=True)
        return made

    @property
    def modules(self) -> Path:
        """The venv's site-packages."""
        (found,) = self.folder.glob("lib/python*/site-packages")
        return found

    def program(self, name: str) -> Path:
        """Return the path of a program in the venv."""
        return self.folder / "bin" / name

    def install(self, *words: Path | str) -> None:
        """Install what pip would, in a tenth of its time."""
        uv = (Path(sys.executable).with_name("uv"), "pip", "install", "--quiet", "--no-config", "--system-certs")
        done = run(*uv, "--python", self.program("python"), *words, cwd=ROOT, timeout=300)
        assert done.returncode == 0, done.stderr
