"""Causes in the logs of servers, Gunicorn and Flask's own, that run this repository's app in real containers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli_project import Done, Project, failed

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
    done = smoke_of_the_app(project, repository, mistake)

    failed(done, cause=cause)
    assert reason in done.error["reason"]
    assert hint in done.error["hint"]


def test_workers_that_always_end(project: Project, repository: Path) -> None:
    """Workers that Gunicorn starts again and again are the cause, long before the time is over."""
    done = smoke_of_the_app(project, repository, "raise SystemExit('no licence')", timeout=90)

    failed(done, "no licence", cause="crash-loop")
    assert done.seconds < 30


def test_another_server(project: Project, repository: Path) -> None:
    """An app that Flask's own server cannot import has the cause that it has under Gunicorn."""
    done = smoke_of_the_app(project, repository, command='["-m", "flask", "--app", "sohp", "run"]')

    failed(done, "sohp", cause="app-not-found")


def smoke_of_the_app(
    project: Project, repository: Path, mistake: str = "", *, command: str = "", timeout: float = 8
) -> Done:
    """Build this repository's app with a mistake at its end, or with another CMD, and return what smoke says."""
    project.write(settings=f"base_images: [{project.base}]\n      memory: 96m", timeout=timeout)
    for path in (repository / "app").iterdir():
        copy = shutil.copytree if path.is_dir() else shutil.copy2
        copy(path, project.folder / path.name)
    app, dockerfile = project.folder / "app.py", project.folder / "Dockerfile"
    app.write_text(f"{app.read_text()}\n{mistake}\n")
    dockerfile.write_text(dockerfile.read_text() + (f"CMD {command}\n" if command else ""))
    return project.invoke("build", "--version", "1", "smoke", "--json")
