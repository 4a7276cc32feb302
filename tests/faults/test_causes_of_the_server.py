"""Causes that stand in a server's log before the server's own words."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli_project import Project

pytestmark = [pytest.mark.engine, pytest.mark.container]


def test_a_missing_module_under_gunicorn(project: Project, repository: Path) -> None:
    """This repository's own app with a module missing: the module is the cause, not that Gunicorn stopped."""
    project.write(settings=f"base_images: [{project.base}]")
    for path in (repository / "app").iterdir():
        copy = shutil.copytree if path.is_dir() else shutil.copy2
        copy(path, project.folder / path.name)
    app = project.folder / "app.py"
    app.write_text(f"{app.read_text()}\nimport no_such_module\n")
    assert project.invoke("build", "--version", "1").code == 0

    done = project.invoke("smoke", "--json")

    assert done.code == 1
    assert done.error["cause"] == "missing-module"
    assert "no_such_module" in done.error["reason"]
    assert "requirements.txt" in done.error["hint"]
    assert "no-such-module" in done.error["hint"]
