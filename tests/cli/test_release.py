"""The commands from build to release with a real engine and a real registry."""

from __future__ import annotations

from collections.abc import Callable

import docker
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


def test_the_registry_holds_what_the_recap_says(project: Project, open_registry: TestRegistry) -> None:
    """After a release the registry returns, for each tag, the digest that the recap and the JSON name."""
    done = project.invoke(*_release(open_registry), "--json")

    assert done.code == 0, done.all
    assert done.statuses == NEW
    digests = {one["reference"]: one["digest"] for one in done.document["image"]["references"]}
    for tag in ("1", "latest"):
        held = open_registry.digest(project.published, tag)
        assert held is not None
        assert digests[f"{open_registry.host}/{project.published}:{tag}"] == held
        assert held in done.err


def test_the_second_release_is_ok(project: Project, open_registry: TestRegistry) -> None:
    """A second release changes nothing, and every step is ok."""
    project.invoke(*_release(open_registry))
    before = open_registry.digest(project.published, "1")

    again = project.invoke(*_release(open_registry), "--json")

    assert (again.code, set(again.statuses.values())) == (0, {"ok"})
    assert open_registry.digest(project.published, "1") == before


@pytest.mark.parametrize("released", [False, True])
@pytest.mark.parametrize("flag", ["--check", "--dry"])
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


def test_the_document_has_the_agreed_shape(project: Project, open_registry: TestRegistry) -> None:
    """The JSON document has command, status, exit code, engine, steps and image; each step has its identities."""
    document = project.invoke(*_release(open_registry), "--json").document

    assert (document["command"], document["status"], document["exit_code"]) == ("release", "changed", 0)
    assert set(document["engine"]) == {"endpoint", "version"}
    assert {"id", "builder", "references"} <= set(document["image"])
    for step in document["steps"]:
        assert {"step", "app", "status", "message", "reason", "seconds", "before", "after"} <= set(step)
        assert step["app"] == "web"


def test_each_step_alone(project: Project, open_registry: TestRegistry) -> None:
    """build, smoke, tag and push, each run alone and without a version, do the same as a release."""
    where = ["--user", "demo", "--registry", open_registry.host]
    assert project.invoke("build", "--version", "5").code == 0
    assert project.invoke("smoke").code == 0
    assert project.invoke("tag", *where).code == 0
    assert project.invoke("push", *where).code == 0

    assert "5" in open_registry.tags(project.published)


def test_a_chain_keeps_its_version(project: Project) -> None:
    """`invoke build --version 2 smoke` tests version 2, even if version 3 was built before."""
    for version in ("2", "3"):
        assert project.invoke("build", "--version", version).code == 0

    done = project.invoke("build", "--version", "2", "smoke")

    assert done.code == 0, done.all
    assert f"{project.repository}:2" in done.out.partition("smoke")[2]


def test_git_gives_the_version(project: Project, client: docker.DockerClient) -> None:
    """Without --version the version comes from git: `dev` outside of git, `-dirty` with uncommitted changes."""
    (project.folder / ".dockerignore").write_text("*\n!app.py\n")
    assert project.invoke("build").code == 0
    for words in (
        ["init", "-q"],
        ["add", "app.py", "Dockerfile"],
        ["commit", "-qm", "one"],
        ["tag", "v1.4.2"],
    ):
        git(project.folder, *words)
    assert project.invoke("build").code == 0
    with (project.folder / "app.py").open("a") as app:
        app.write("# another line\n")
    assert project.invoke("build").code == 0

    tags = {tag.rpartition(":")[2] for image in client.images.list(project.repository) for tag in image.tags}
    assert tags == {"dev", "1.4.2", "1.4.2-dirty"}


def test_without_tasks_py(project: Project, open_registry: TestRegistry) -> None:
    """The program `seatrial` releases from a folder that has settings and no tasks.py."""
    (project.folder / "tasks.py").unlink()

    done = project.invoke(*_release(open_registry, "8"), program="seatrial")

    assert done.code == 0, done.all
    assert "8" in open_registry.tags(project.published)


def test_inside_another_collection(project: Project) -> None:
    """In another project's collection the tasks have the prefix `seatrial` and the same settings."""
    (project.folder / "tasks.py").write_text(
        "from seatrial.tasks import ns as seatrial\nfrom invoke import Collection; ns = Collection(seatrial)\n"
    )

    done = project.invoke("seatrial.build", "--version", "1", "seatrial.smoke")

    assert done.code == 0, done.all
    assert f"{project.repository}:1" in done.out
