"""Causes that stand in a server's log before the server's own words, from this repository's app under Gunicorn."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli_project import Project, failed

pytestmark = [pytest.mark.engine, pytest.mark.container]


@pytest.mark.parametrize(
    ("mistake", "cause", "reason", "hint"),
    [
        ("import no_such_module", "missing-module", "no_such_module", "no-such-module"),
        ("import os; os.environ['NO_SUCH']", "missing-environment", "NO_SUCH", "environment: {NO_SUCH"),
        ("hoard = bytearray(400 * 1024 * 1024)", "out-of-memory", "96 MiB", "memory: 192m"),
    ],
)
def test_the_apps_own_mistake(
    project: Project, repository: Path, mistake: str, cause: str, reason: str, hint: str
) -> None:
    """What ended the app is the cause, not that Gunicorn stopped because of it."""
    project.write(settings=f"base_images: [{project.base}]\n      memory: 96m", timeout=8)
    for path in (repository / "app").iterdir():
        copy = shutil.copytree if path.is_dir() else shutil.copy2
        copy(path, project.folder / path.name)
    app = project.folder / "app.py"
    app.write_text(f"{app.read_text()}\n{mistake}\n")
    assert project.invoke("build", "--version", "1").code == 0

    done = project.invoke("smoke", "--json")

    failed(done, cause=cause)
    assert reason in done.error["reason"]
    assert hint in done.error["hint"]
