"""The project in which the tests run `inv`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.inv.checkout import INV, PYTHON, TOOLS, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project in a folder with a space in its name and without .venv."""
    root = tmp_path / "a project"
    path = tmp_path / "bin"
    root.mkdir()
    path.mkdir()
    shutil.copy2(INV, root)
    (root / "requirements.txt").write_text("invoke==3.0.3\n")
    (root / "pyproject.toml").write_text("[project]\n")
    for tool in TOOLS:
        found = shutil.which(tool)
        if found:
            (path / tool).symlink_to(found)
    python = path / "python3"
    python.write_text(PYTHON)
    python.chmod(0o755)
    return Project(root=root, path=path, calls_file=tmp_path / "calls")
