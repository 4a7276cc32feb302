"""build with more than a folder: secrets, limits, no cache, newer bases; on the twin and the real engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seatrial.errors import BuildFailed, UsageError
from seatrial.model.app import INPUTS_LABEL
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.step import Status, converge
from seatrial.steps.build.build import Build
from seatrial.steps.build.plan import Recipe
from tests.steps.stage import ONLY_DOCKER, Stage


def test_a_planted_secret(stage: Stage) -> None:
    """A secret in the context ends the build with exit code 2 before anything is sent; its content is told nowhere."""
    (stage.app.context / ".env").write_text("TOKEN=S3ntinel")
    before = stage.seen()
    for outcome in (stage.check(stage.build()), stage.real(stage.build())):
        assert isinstance(outcome.error, UsageError)
        assert ".env" in outcome.error.why
        assert "S3ntinel" not in repr(outcome)
    assert stage.seen() == before
    assert stage.real(stage.build(allowed=(".env",))).status is Status.CHANGED


def test_a_context_too_large(stage: Stage) -> None:
    """A context beyond its limit ends the build with exit code 2 before anything is packed, naming the largest."""
    with (stage.app.context / "movie.mp4").open("wb") as file:
        file.truncate(5_000_000_000)
    before = stage.seen()
    for outcome in (stage.check(stage.build()), stage.real(stage.build())):
        assert isinstance(outcome.error, UsageError)
        assert outcome.error.details[0].endswith("movie.mp4")
        assert outcome.seconds < 1
    assert stage.seen() == before


def test_without_cache(stage: Stage) -> None:
    """Without cache the image is built anew in every run, though its inputs are the same; once in each run."""
    stage.prepare(stage.build())
    step, world = stage.build(no_cache=True), stage.world

    first, _ = converge(step, world, check=False, tell=lambda _: None)
    again, _ = converge(step, world, check=False, tell=lambda _: None)
    later = stage.real(step)

    assert first.reason == later.reason == "the same inputs, built anew without cache"
    assert again.status is Status.OK
    assert again.reason.endswith("is made from these inputs")
    assert stage.check(stage.build()).status is Status.OK


def test_a_newer_base(stage: Stage) -> None:
    """With pull, a base image that is newer in its registry is fetched and built on; check mode knows it, too."""
    stage.prepare(stage.build(), stage.smoke(), stage.tag(), stage.push())
    base = stage.remote()
    stage.app.dockerfile.write_text(f"FROM {base}\nCOPY app.py /other.py\n")
    step = stage.build(pull=True)
    stage.prepare(step)
    assert stage.check(step).status is Status.OK
    old = stage.image_id(base)

    # Somebody else pushes another base under the same name; here the old one still bears it.
    stage.app.dockerfile.write_text(f"FROM {stage.ground.base}\nLABEL newer=yes\nCOPY app.py /app.py\n")
    other = replace(stage.app, name="other", repository=ImageReference.parse(f"{stage.app.project}/other"))
    stage.prepare(Build(target=other, version=Version("1")))
    newer = stage.image_id(f"{stage.app.project}/other:1")
    assert newer
    reference = ImageReference.parse(base)
    stage.ground.engine.tag(newer, reference)
    stage.ground.engine.push(reference, None, lambda _: None)
    assert old
    stage.ground.engine.tag(old, reference)
    stage.app.dockerfile.write_text(f"FROM {base}\nCOPY app.py /other.py\n")

    assert stage.check(stage.build(pull=False)).status is Status.OK
    done = stage.four_runs(step)

    assert done.reason == f"changed: base image {base}"
    assert stage.image_id(base) == newer


def test_another_platform(stage: Stage) -> None:
    """Another platform is another image."""
    stage.app.dockerfile.write_text("FROM scratch\nCOPY app.py /\n")
    stage.prepare(stage.build())
    done = stage.four_runs(stage.build(platforms=("linux/arm64",)))
    assert done.reason == "added: platforms"
    image = stage.ground.engine.image(stage.local())
    assert image
    assert image.platform in {"linux/arm64", "linux/arm64/v8", ""}


@pytest.mark.parametrize(
    ("text", "line", "written"),
    [
        ("FROM {base}\n\nRUN true\nRUN exit 7\n", 4, "RUN exit 7"),
        ("FROM {base} AS one\nRUN true\n\nFROM {base}\nENV A=1\nCOPY --from=one /etc /x\nRUN \\\n  exit 7\n", 7, "RUN"),
        ("FROM {base} AS one\nRUN exit 7\nFROM one AS two\nRUN true\n", 2, "RUN exit 7"),
        ("FROM {base} AS one\nRUN true\nFROM one AS two\nWORKDIR /x\nRUN exit 7\n", 5, "RUN exit 7"),
        ("FROM {base}\nCOPY nothing.txt /\n", 2, "COPY nothing.txt"),
        ("FROM {base}\nFORM x\n", 2, "FORM x"),
    ],
)
@ONLY_DOCKER
def test_the_line_that_failed(stage: Stage, text: str, line: int, written: str) -> None:
    """A failure names the Dockerfile's line, whatever the stages are like, and the step or the line itself."""
    stage.app.dockerfile.write_text(text.format(base=stage.ground.base))

    error = stage.real(stage.build()).error

    assert isinstance(error, BuildFailed)
    assert f"Dockerfile:{line}" in error.what
    assert written in "\n".join((error.what, *error.details))
    assert f"line {line} of {stage.app.dockerfile}" in error.mend


@ONLY_DOCKER
def test_a_value_of_an_argument_is_noted_nowhere(stage: Stage) -> None:
    """What a build argument holds stands neither in the notes nor in the labels."""
    stage.prepare(stage.build(arguments={"TOKEN": "S3ntinel"}))
    assert "S3ntinel" not in str(stage.seen().notes)
    assert "S3ntinel" not in str(stage.ground.labels(stage.local()))
    assert INPUTS_LABEL in stage.ground.labels(stage.local())


def test_another_name_for_the_dockerfile(stage: Stage) -> None:
    """COPY may take the Dockerfile along: under another name it makes another image."""
    stage.prepare(stage.build())
    other = stage.app.dockerfile.rename(stage.app.context / "Web.Dockerfile")
    step = Build(target=replace(stage.app, dockerfile=other), version=Version("1"))
    assert stage.check(step).reason == "changed: Dockerfile"


def test_another_project_of_the_same_repository(stage: Stage) -> None:
    """An image that another project built from the very same inputs is not this one's to go on with."""
    stage.prepare(stage.build())
    step = Build(target=replace(stage.app, name="shop"), version=Version("1"))
    done = stage.four_runs(step)
    assert done.reason == f"{stage.local()} is another project's or app's"


def test_a_base_image_by_platform(stage: Stage) -> None:
    """A base image whose name depends on the platform is told for the engine's own."""
    name = stage.local("amd64")
    stage.ground.put_image(name)
    variable = name.replace("amd64", "$TARGETARCH")
    stage.app.dockerfile.write_text(f"FROM {variable}\nCOPY app.py /app.py\n")
    assert stage.real(stage.build()).status is Status.CHANGED


@pytest.mark.parametrize("name", ["x" * 150, "caf\udce9.txt", "two\nlines", ".seatrial.Dockerfile"])
def test_odd_names(stage: Stage, name: str) -> None:
    """Files with odd names are sent, digested and named."""
    (stage.app.context / ".dockerignore").write_text("Dockerfile\n")
    (stage.app.context / name).write_text("x")
    assert stage.four_runs(stage.build()).status is Status.CHANGED
    (stage.app.context / name).write_text("y")
    assert stage.check(stage.build()).reason == f"changed: {name}"


def test_what_is_missing_for_the_build(stage: Stage) -> None:
    """A secret's file and an extra context that are not there are told by their setting, in check mode as well."""
    missing: dict[str, Any] = {
        "build secret token": {"secrets": {"token": "src=/no/such/file"}},
        "extra context assets": {"contexts": {"assets": "/no/such/folder"}},
    }
    for words, options in missing.items():
        for outcome in (stage.check(stage.build(**options)), stage.real(stage.build(**options))):
            assert isinstance(outcome.error, UsageError)
            assert words in outcome.error.what


def test_modes_of_an_extra_context(stage: Stage, tmp_path: Path) -> None:
    """An extra context is sent as it is: its modes and its own .dockerignore count, no other ignore file does."""
    extra = tmp_path / "extra"
    extra.mkdir()
    (extra / "f").write_text("x")
    step = stage.build(contexts={"assets": str(extra)})

    def digest() -> str:
        return Recipe.of(step.target, step.version, stage.world).content.digest

    seen = {digest()}
    (extra / "f").chmod(0o600)
    seen.add(digest())
    (extra / "Dockerfile.dockerignore").write_text("f\n")
    seen.add(digest())
    (extra / "f").write_text("y")
    seen.add(digest())
    assert len(seen) == 4
