"""The commands from build to release with a real engine and a real registry."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli_project import Project
from tests.conftest import EngineContents
from tests.git import git
from tests.servers.registries import TestRegistry

pytestmark = pytest.mark.engine
NEW = {"preflight": "ok", **dict.fromkeys(("build", "smoke", "tag", "push"), "changed")}
"""The statuses of a first release."""


def _release(registry: TestRegistry, version: str = "1") -> list[str]:
    return ["release", "--user", "demo", "--version", version, "--registry", registry.host]


@pytest.mark.parametrize(("flag", "released"), [("--check", False), ("--dry", True)])
def test_check_mode_changes_nothing(
    project: Project,
    open_registry: TestRegistry,
    engine_contents: Callable[[], EngineContents],
    flag: str,
    *,
    released: bool,
) -> None:
    """Check mode predicts every step, prints one document, and changes nothing in engine, registry and folder."""
    version = f"{'1' if released else '2'}-{flag.strip('-')}"
    if released:
        assert project.invoke(*_release(open_registry, version)).code == 0

    def state() -> object:
        files = sorted(str(path) for path in project.folder.rglob("*") if "__pycache__" not in str(path))
        return engine_contents(), open_registry.tags(project.published), files

    before = state()
    core, own = ([flag], []) if flag == "--dry" else ([], [flag])
    done = project.invoke(*core, *_release(open_registry, version), *own, "--json")

    assert done.code == 0, done.all
    assert state() == before
    assert done.document["check"] is True
    assert done.statuses == (dict.fromkeys(NEW, "ok") if released else NEW)


def test_each_step_alone(project: Project, open_registry: TestRegistry) -> None:
    """build, smoke, tag and push, each run alone and without a version, do the same as a release."""
    where = ["--user", "demo", "--registry", open_registry.host]
    assert project.invoke("build", "--version", "5").code == 0
    assert project.invoke("smoke").code == 0
    assert project.invoke("tag", *where).code == 0
    assert project.invoke("push", *where).code == 0

    assert "5" in open_registry.tags(project.published)


def test_a_chain_keeps_its_version(project: Project) -> None:
    """`invoke build --version 2 smoke` tests version 2, even if version 3 was built before; the document names it."""
    for version in ("2", "3"):
        assert project.invoke("build", "--version", version).code == 0

    done = project.invoke("build", "--version", "2", "smoke", "--json")

    assert done.code == 0, done.all
    assert done.statuses == {"build": "changed", "smoke": "changed"}
    image = done.document["image"]
    assert (image["name"], image["version"]) == (f"{project.repository}:2", "2")


def test_git_gives_the_version(project: Project) -> None:
    """Without --version the version comes from git: the tag, and `-dirty` with uncommitted changes."""
    (project.folder / ".dockerignore").write_text("*\n!app.py\n")
    for words in (["init", "-q"], ["add", "app.py", "Dockerfile"], ["commit", "-qm", "one"], ["tag", "v1.4.2"]):
        git(project.folder, *words)
    with (project.folder / "app.py").open("a") as app:
        app.write("# another line\n")

    assert f"{project.repository}:1.4.2-dirty" in project.invoke("build", "--check").out


def test_inside_another_collection(project: Project) -> None:
    """In another project's collection the tasks have the prefix `seatrial` and the same settings."""
    (project.folder / "tasks.py").write_text(
        "from seatrial.tasks import ns as seatrial\nfrom invoke import Collection; ns = Collection(seatrial)\n"
    )

    done = project.invoke("seatrial.build", "--version", "1", "--check")

    assert done.code == 0, done.all
    assert f"{project.repository}:1" in done.out
