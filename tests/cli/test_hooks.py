"""Tasks of the user's own that the setting `hooks` runs around steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli_project import Project, failed, make_project
from tests.faults.test_input import refusal

TASKS = """\
from seatrial import tasks as seatrial_tasks
from invoke import Collection, task

@task
def migrate(c):
    print("migrating", c.config.seatrial.project)
    c.run("echo $PPID >> ../migrated")

@task
def wreck(c):
    c.run("echo wrecked; exit 3")

@task
def needs(c, what):
    pass

ns = Collection.from_module(seatrial_tasks)
ns.add_collection(Collection("db", migrate, wreck, needs))
"""


def hook(folder: Path, hooks: str) -> None:
    """Write the tasks, and add hooks to the settings."""
    (folder / "tasks.py").write_text(TASKS)
    settings = folder / "invoke.yaml"
    text = settings.read_text().partition("  hooks: ")[0]
    settings.write_text(f"{text}  hooks: {hooks}\n")


@pytest.mark.engine
def test_around_a_build(project: Project) -> None:
    """A hook runs with Invoke's context where its step works; what it prints is not in the JSON document."""
    hook(project.folder, "{before_build: [db.migrate], after_smoke: [db.wreck]}")
    done = project.invoke("build", "--version", "1", "--json")
    assert [(step["step"], step["status"]) for step in done.document["steps"]] == [
        ("hook", "changed"),
        ("build", "changed"),
    ]
    assert f"migrating {project.name}" in done.err
    again = project.invoke("build", "--version", "1", "--json")
    assert again.statuses == {"hook": "skipped", "build": "ok"}
    assert len((project.folder.parent / "migrated").read_text().splitlines()) == 1

    broken = project.invoke("smoke", "--json")
    failed(broken, "db.wreck", "exit code 3", code=1)
    assert broken.statuses == {"smoke": "changed", "hook": "failed"}


@pytest.mark.parametrize(
    ("hooks", "hint"),
    [
        ("{before_push: [db.migrat]}", "write 'db.migrate'"),
        ("{before_psh: [db.migrate]}", "write 'before_push'"),
        ("{before_push: [db.migrate, build]}", "write a task of your own"),
        ("{after_run: [db.needs]}", "give what a default"),
    ],
)
def test_hooks_that_cannot_run(tmp_path: Path, hooks: str, hint: str) -> None:
    """A point or task that does not exist, a task of ours and one with arguments are wrong use, with file and line."""
    make_project(tmp_path, name="demo", base="python", port=5000)
    hook(tmp_path, hooks)
    refused = refusal(tmp_path, "build", "--version", "1")
    assert refused.hint == hint
    assert f"{tmp_path}/invoke.yaml:" in refused.reason
