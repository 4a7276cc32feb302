"""build in a repository: labels, commits, and what is not committed; on the twin and the real engine."""

from __future__ import annotations

from dataclasses import replace

from seatrial.model.app import BUILDER_LABEL
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.step import Status
from seatrial.steps.build.build import Build
from tests.git import git
from tests.steps.stage import ONLY_DOCKER, Stage

_OCI = "org.opencontainers.image."
REVISION_LABEL = f"{_OCI}revision"


def _repository(stage: Stage) -> None:
    """Let the app's folder be one of a repository's."""
    (stage.app.context.parent / ".gitignore").write_text("notes/\ndocker/\nmade/\n")
    git(stage.app.context.parent, "init", "-q")
    git(stage.app.context.parent, "remote", "add", "origin", "https://joe:S3ntinel@example.org/shop.git")
    git(stage.app.context.parent, "add", "-A")
    git(stage.app.context.parent, "commit", "-qm", "one")


def test_standard_labels(stage: Stage) -> None:
    """Outside of git the image says what it is and stands on; in a repository also which commit it comes from."""
    stage.prepare(stage.build())
    labels = stage.ground.labels(stage.local())
    names = {name.removeprefix(_OCI) for name in labels if name.startswith(_OCI)}
    # The containerd image store knows a digest of every image, the other only of those a registry has seen.
    assert names - {"base.digest"} == {"title", "version", "base.name"}
    assert (labels[f"{_OCI}title"], labels[f"{_OCI}version"]) == ("web", "1")
    assert labels[f"{_OCI}base.name"] == str(ImageReference.parse(stage.ground.base))
    assert labels[BUILDER_LABEL] in {"BuildKit", "memory"}

    _repository(stage)
    stage.say("hello from git")
    git(stage.app.context.parent, "commit", "-qam", "two")
    stage.prepare(stage.build())

    labels = stage.ground.labels(stage.local())
    assert labels[REVISION_LABEL] == git(stage.app.context.parent, "rev-parse", "HEAD")
    assert labels[f"{_OCI}source"] == "https://example.org/shop.git"
    assert labels[f"{_OCI}created"].endswith("Z")


def test_labels_of_the_dockerfile_stay(stage: Stage) -> None:
    """A standard label that the Dockerfile sets itself is left to it."""
    with stage.app.dockerfile.open("a") as file:
        file.write(f'LABEL {_OCI}title="The Shop"\n')
    stage.prepare(stage.build())
    assert stage.ground.labels(stage.local()).get(f"{_OCI}title") in {"The Shop", None}  # the twin reads no Dockerfile


def test_uncommitted_changes(stage: Stage) -> None:
    """Uncommitted changes stand in the revision and move no moving tag; committing them is a reason to build."""
    _repository(stage)
    stage.prepare(stage.build())
    first = git(stage.app.context.parent, "rev-parse", "HEAD")
    stage.say("hello, not committed")

    done = stage.four_runs(stage.build())

    assert done.reason == "changed: app.py; added: uncommitted changes"
    assert stage.ground.labels(stage.local())[REVISION_LABEL] == f"{first}-dirty"
    stage.prepare(stage.smoke(), stage.tag(), stage.push())
    assert set(stage.ground.published(stage.home)) == {"1"}

    git(stage.app.context.parent, "commit", "-qam", "two")
    done = stage.four_runs(stage.build())

    assert done.reason == "removed: uncommitted changes"
    assert (
        stage.ground.labels(stage.local())[REVISION_LABEL]
        == git(stage.app.context.parent, "rev-parse", "HEAD")
        != first
    )


def test_what_is_not_sent_is_not_uncommitted(stage: Stage) -> None:
    """Commits elsewhere, files that stay at home and files that git ignores leave the image as it is."""
    (stage.app.context / ".dockerignore").write_text("*.md\n")
    _repository(stage)
    (stage.app.context / "made").mkdir()
    (stage.app.context / "made" / "bundle.js").write_text("made from what is committed")
    stage.prepare(stage.build())
    assert not stage.ground.labels(stage.local())[REVISION_LABEL].endswith("-dirty")

    (stage.app.context / "README.md").write_text("hello")
    (stage.app.context.parent / "elsewhere").write_text("x")
    assert stage.check(stage.build()).status is Status.OK
    git(stage.app.context.parent, "add", "-A")
    git(stage.app.context.parent, "commit", "-qm", "two")
    assert stage.check(stage.build()).status is Status.OK


def test_new_files_are_uncommitted(stage: Stage) -> None:
    """A file that git does not know, and one that is gone, are no part of the commit."""
    _repository(stage)
    (stage.app.context / "page.html").write_text("new")
    assert stage.check(stage.build()).status is Status.CHANGED
    stage.prepare(stage.build())
    assert stage.ground.labels(stage.local())[REVISION_LABEL].endswith("-dirty")
    git(stage.app.context.parent, "add", "-A")
    git(stage.app.context.parent, "commit", "-qm", "two")
    (stage.app.context / "page.html").unlink()
    assert stage.check(stage.build()).reason == "removed: page.html"


@ONLY_DOCKER
def test_the_same_commit_gives_the_same_layers(stage: Stage) -> None:
    """Built twice without cache, what COPY takes from the context is the same layer, in another clone as well."""
    stage.app.dockerfile.write_text("FROM scratch\nCOPY . /\n")
    _repository(stage)
    layers = set()
    for _ in range(2):
        stage.prepare(stage.build(no_cache=True))
        layers.add(tuple(stage.ground.engine.inspect_image(stage.local())["RootFS"]["Layers"]))
        (stage.app.context / "app.py").touch()
    assert len(layers) == 1


def test_a_dockerfile_elsewhere(stage: Stage) -> None:
    """A Dockerfile outside of the context is a part of the commit, too: changed, it moves no moving tag."""
    elsewhere = stage.app.context.parent / "Dockerfile"
    elsewhere.write_text(stage.app.dockerfile.read_text())
    _repository(stage)
    target = replace(stage.app, dockerfile=elsewhere)
    step = Build(target=target, version=Version("1"))
    stage.prepare(step)
    assert not stage.ground.labels(stage.local())[REVISION_LABEL].endswith("-dirty")
    elsewhere.write_text(f"{elsewhere.read_text()}ENV A=1\n")

    assert stage.four_runs(step).reason == "changed: Dockerfile; added: uncommitted changes"

    assert stage.ground.labels(stage.local())[REVISION_LABEL].endswith("-dirty")


def test_an_ignore_file_is_part_of_the_commit(stage: Stage) -> None:
    """A changed .dockerignore that keeps itself at home decides what is sent: it is an uncommitted change."""
    (stage.app.context / ".dockerignore").write_text(".dockerignore\n")
    (stage.app.context / "page").write_text("x")
    _repository(stage)
    stage.prepare(stage.build())
    (stage.app.context / ".dockerignore").write_text(".dockerignore\npage\n")
    assert stage.check(stage.build()).reason == "added: uncommitted changes; removed: page"
