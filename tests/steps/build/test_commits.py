"""build in a git repository: labels, commits and uncommitted changes; in memory and on the real engine."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from seatrial.host.subprocesses import checked_output
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.converge import converge
from seatrial.pipeline.outcome import Status
from seatrial.sources.context import Context
from seatrial.steps.build.build import Build
from tests.git import git
from tests.steps.scenario import ONLY_DOCKER, StepScenario

_OCI = "org.opencontainers.image."
REVISION_LABEL = f"{_OCI}revision"


def _repository(scenario: StepScenario) -> None:
    """Put the app's folder into a git repository, and commit it."""
    (scenario.app.context.parent / ".gitignore").write_text("notes/\ndocker/\nmade/\n")
    git(scenario.app.context.parent, "init", "-q")
    git(scenario.app.context.parent, "remote", "add", "origin", "https://joe:S3ntinel@example.org/shop.git")
    git(scenario.app.context.parent, "add", "-A")
    git(scenario.app.context.parent, "commit", "-qm", "one")


def test_standard_labels(scenario: StepScenario) -> None:
    """An image has the standard labels that its Dockerfile does not set; in a git repository also the commit's."""
    scenario.prepare(scenario.build())
    labels = scenario.backend.labels(scenario.local())
    names = {name.removeprefix(_OCI) for name in labels if name.startswith(_OCI)}
    assert names == {"title", "version", "base.name"}
    assert (labels[f"{_OCI}title"], labels[f"{_OCI}version"]) == ("web", "1")
    assert labels[f"{_OCI}base.name"] == str(ImageReference.parse(scenario.backend.base))

    _repository(scenario)
    with scenario.app.dockerfile.open("a") as file:
        file.write(f'LABEL {_OCI}title="The Shop"\n')
    git(scenario.app.context.parent, "commit", "-qam", "two")
    scenario.prepare(scenario.build())

    labels = scenario.backend.labels(scenario.local())
    assert f"{_OCI}title" not in labels, "the engine in memory does not read the Dockerfile"
    assert labels[REVISION_LABEL] == git(scenario.app.context.parent, "rev-parse", "HEAD")
    assert labels[f"{_OCI}source"] == "https://example.org/shop.git"
    assert labels[f"{_OCI}created"].endswith("Z")


def test_uncommitted_changes(scenario: StepScenario) -> None:
    """Uncommitted changes mark the revision and move no moving tag; committing them causes a build.

    What git cannot say counts as uncommitted.
    """
    _repository(scenario)
    scenario.prepare(scenario.build())
    first = git(scenario.app.context.parent, "rev-parse", "HEAD")
    scenario.set_reply("hello, not committed")

    done = scenario.four_runs(scenario.build())

    assert "app.py" in done.reason
    assert scenario.backend.labels(scenario.local())[REVISION_LABEL] == f"{first}-dirty"
    scenario.prepare(scenario.smoke(), scenario.tag(), scenario.push())
    assert set(scenario.backend.published(scenario.repository)) == {"1"}

    git(scenario.app.context.parent, "commit", "-qam", "two")
    (scenario.app.context.parent / ".git" / "index").write_bytes(b"git cannot read this")
    assert scenario.check(scenario.build()).status is Status.OK
    git(scenario.app.context.parent, "read-tree", "HEAD")
    done = scenario.four_runs(scenario.build())

    assert "app.py" not in done.reason
    assert (
        scenario.backend.labels(scenario.local())[REVISION_LABEL]
        == git(scenario.app.context.parent, "rev-parse", "HEAD")
        != first
    )


def test_what_is_not_sent_is_not_uncommitted(scenario: StepScenario) -> None:
    """Commits elsewhere, excluded files and files that git ignores do not cause a build."""
    (scenario.app.context / ".dockerignore").write_text("*.md\n")
    _repository(scenario)
    (scenario.app.context / "made").mkdir()
    (scenario.app.context / "made" / "bundle.js").write_text("made from what is committed")
    scenario.prepare(scenario.build())
    assert not scenario.backend.labels(scenario.local())[REVISION_LABEL].endswith("-dirty")

    (scenario.app.context / "README.md").write_text("hello")
    (scenario.app.context.parent / "elsewhere").write_text("x")
    assert scenario.check(scenario.build()).status is Status.OK
    git(scenario.app.context.parent, "add", "-A")
    git(scenario.app.context.parent, "commit", "-qm", "two")
    assert scenario.check(scenario.build()).status is Status.OK


def test_a_release_looks_once(scenario: StepScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole release walks the context once, and asks git each question once."""
    _repository(scenario)
    walk, ask = Mock(wraps=Context.read), Mock(wraps=checked_output)
    monkeypatch.setattr(Context, "read", walk)
    monkeypatch.setattr("seatrial.sources.git.checked_output", ask)
    world = scenario.world
    for step in scenario.release():
        outcome, world = converge(step, world, check=False, emit=lambda _: None)
        assert outcome.status is not Status.FAILED, outcome.error
    assert walk.call_count == 1
    assert ask.call_count == len({str(call) for call in ask.call_args_list}) == 4


def test_a_dockerfile_elsewhere(scenario: StepScenario) -> None:
    """A Dockerfile outside of the context is part of the commit, and so is a .dockerignore that excludes itself."""
    elsewhere, ignore = scenario.app.context.parent / "Dockerfile", scenario.app.context / ".dockerignore"
    elsewhere.write_text(scenario.app.dockerfile.read_text())
    ignore.write_text(".dockerignore\n")
    (scenario.app.context / "page").write_text("x")
    _repository(scenario)
    step = Build(target=scenario.app.but(dockerfile=elsewhere), version=Version("1"))

    def uncommitted() -> bool:
        scenario.prepare(step)
        return scenario.backend.labels(scenario.local())[REVISION_LABEL].endswith("-dirty")

    assert not uncommitted()
    with elsewhere.open("a") as file:
        file.write("ENV A=1\n")
    assert "Dockerfile" in scenario.check(step).reason
    assert uncommitted()
    git(scenario.app.context.parent, "commit", "-qam", "two")
    assert not uncommitted()
    ignore.write_text(".dockerignore\npage\n")
    assert "page" in scenario.check(step).reason
    assert uncommitted()


@ONLY_DOCKER
def test_the_same_commit_gives_the_same_layers(scenario: StepScenario) -> None:
    """Two builds without cache give the same layer for COPY, whatever the files' times."""
    scenario.app.dockerfile.write_text("FROM scratch\nCOPY . /\n")
    _repository(scenario)
    layers = set()
    for _ in range(2):
        scenario.prepare(scenario.build(cache=False))
        layers.add(tuple(scenario.backend.engine.inspect_image(scenario.local())["RootFS"]["Layers"]))
        (scenario.app.context / "app.py").touch()
    assert len(layers) == 1
