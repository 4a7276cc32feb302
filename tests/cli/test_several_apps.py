"""Several apps in one project, with the real commands."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import to_builtins

from seatrial.cli.build_flags import BuildFlags
from seatrial.cli.flags import ImageFlags
from seatrial.cli.playbook import Playbook
from seatrial.cli.report_files import find_runs
from seatrial.errors import UsageError
from seatrial.output.documents import CommandDocument, ImageDocument
from seatrial.pipeline.outcome import Status
from seatrial.pipeline.state import StateFolder
from seatrial.pipeline.world import World
from seatrial.settings.settings import Settings
from seatrial.steps.build.build import Build
from tests.cli_project import make_project
from tests.engine.memory.engine import MemoryEngine
from tests.faults.test_input import invoke
from tests.git import git

SETTINGS = """\
seatrial:
  project: {name}
  apps:
    web: {{context: web, repository: {name}/web, needs: [base]}}
    bad: {{context: bad, repository: {name}/bad}}
    base: {{context: base, repository: {name}/base, checks: [{{command: ["true"]}}]}}
"""


@pytest.mark.engine
def test_apps_that_are_built_from_each_other(tmp_path: Path, project_name: str, python_image: str) -> None:
    """Check mode and the build agree; a broken app leaves the others alone; a changed base rebuilds what needs it."""
    project = make_project(tmp_path, name=project_name, base=python_image, port=5000)
    (tmp_path / "invoke.yaml").write_text(SETTINGS.format(name=project_name))
    for app, lines in {
        "base": f"FROM {python_image}\nCOPY file /base\n",
        "web": "ARG BASE_IMAGE\nFROM $BASE_IMAGE\nCOPY file /web\n",
        "bad": f"FROM {python_image}\nRUN false\n",
    }.items():
        (tmp_path / app).mkdir()
        (tmp_path / app / "Dockerfile").write_text(lines)
        (tmp_path / app / "file").write_text(app)

    alone = project.invoke("build", "--version", "1", "--app", "web", "--json")
    assert (alone.code, alone.error["hint"]) == (1, "invoke build --app base --version 1")

    planned = project.invoke("build", "--version", "1", "--check", "--json")
    built = project.invoke("build", "--version", "1", "--json")
    assert [step["status"] for step in planned.document["steps"]] == ["changed"] * 3
    of_app = {one["app"]: one for one in built.document["apps"]}
    assert {name: one["status"] for name, one in of_app.items()} == {
        "bad": "failed",
        "base": "changed",
        "web": "changed",
    }
    assert (built.code, of_app["bad"]["exit_code"], of_app["bad"]["steps"][0]["error"]["cause"]) == (
        1,
        1,
        "build-failed",
    )

    (tmp_path / "base" / "file").write_text("changed")
    words = ("build", "--version", "1", "--app", "web", "--app", "base")
    planned, built = (project.invoke(*words, *more, "--json") for more in (("--check",), ()))
    again = project.invoke(*words, "--json")
    for done in (planned, built):
        assert [(step["app"], step["status"]) for step in done.document["steps"]] == [
            ("base", "changed"),
            ("web", "changed"),
        ]
        assert done.document["steps"][1]["reason"] == f"base image {project_name}/base:1 changed"
    assert [step["status"] for step in again.document["steps"]] == ["ok", "ok"]


def test_the_apps_of_a_repository_have_one_version(tmp_path: Path) -> None:
    """Git is asked once for all apps: what is tagged during a command does not divide them."""
    playbook = Playbook(
        settings=Settings.load({"apps": {"web": {"context": "web"}, "api": {"context": "api"}}}, tmp_path)
    )
    git(tmp_path, "init", "-q")
    versions: list[str | None] = []
    for app in ("web", "api"):
        (tmp_path / app).mkdir()
        (tmp_path / app / "file").write_text(app)
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "-qm", app)
        git(tmp_path, "tag", f"{len(versions) + 1}")
        (step,) = playbook.build(ImageFlags(app=[app]), BuildFlags())
        versions.append(str(step.version) if isinstance(step, Build) else None)
    assert versions == ["1", "1"]


def test_a_report_of_all_apps(tmp_path: Path) -> None:
    """The page of several apps has the last run of each that published."""
    settings = Settings.load({"apps": {"web": {}, "api": {}, "new": {}}}, tmp_path)
    engine = MemoryEngine()
    state = StateFolder(tmp_path / "state")
    world = World(engine=engine, registry=engine.registry, state=state)
    with pytest.raises(UsageError, match="no report of new"):
        find_runs(world, settings.chosen(), None)
    image = ImageDocument(id=None, name=None, size=None, builder=None, references=())
    for app, status in (("web", Status.CHANGED), ("api", Status.FAILED)):
        code = int(status is Status.FAILED)
        one = CommandDocument(
            command="push", status=status, exit_code=code, check=False, engine=None, steps=(), image=image, app=app
        )
        state.save_run(app, to_builtins(one))

    found = find_runs(world, settings.chosen(), None)

    assert [one.app for one in found.apps or ()] == ["web", "api"]
    assert (found.command, found.status, found.exit_code) == ("push", Status.FAILED, 1)


def test_flags_that_one_app_can_have(tmp_path: Path) -> None:
    """A flag about one app is refused for several, before anything is done; so is a wrong number of jobs."""
    make_project(tmp_path, name="demo", base="python", port=5000)
    (tmp_path / "invoke.yaml").write_text(SETTINGS.format(name="demo"))
    for words, hint in (
        (("run", "--port", "8080"), "invoke run --app bad --port 8080"),
        (("deploy", "--user", "me", "--replicas", "2"), "invoke deploy --app bad --replicas 2"),
        (("logs",), "invoke logs --app bad"),
        (("stop", "--jobs", "0"), "invoke stop --jobs 4"),
        (("run", "--app", "base"), "invoke smoke --app base"),
    ):
        done = invoke(tmp_path, *words)
        assert done.returncode == 2, done.stderr
        assert hint in done.stderr
