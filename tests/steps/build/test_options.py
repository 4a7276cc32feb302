"""build with options: secrets, limits, no cache, newer base images; in memory and on the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.errors import BuildFailed, UsageError, sanitize
from seatrial.model.app import INPUTS_LABEL
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.converge import converge
from seatrial.pipeline.outcome import Status
from seatrial.steps.build.build import Build
from seatrial.steps.build.plan import BuildPlan
from tests.steps.run_steps import refused
from tests.steps.scenario import ALSO_DOCKER, ONLY_DOCKER, StepScenario


def test_a_secret_file(scenario: StepScenario) -> None:
    """A secret file in the context fails the build before anything is sent; its content is shown nowhere."""
    (scenario.app.context / ".env").write_text("TOKEN=S3ntinel")
    error = refused(scenario, scenario.build())
    assert isinstance(error, UsageError)
    assert ".env" in error.reason
    assert "S3ntinel" not in repr(vars(error))
    assert scenario.real(scenario.build(allowed=(".env",))).status is Status.CHANGED


def test_a_context_too_large(scenario: StepScenario) -> None:
    """A context larger than its limit fails the build before anything is packed, and the largest file is named."""
    with (scenario.app.context / "movie.mp4").open("wb") as file:
        file.truncate(5_000_000_000)
    error = refused(scenario, scenario.build())
    assert isinstance(error, UsageError)
    assert error.details[0].endswith("movie.mp4")


@ALSO_DOCKER
def test_without_cache(scenario: StepScenario) -> None:
    """Without cache the same inputs are built again in every run, but only once in each run."""
    scenario.prepare(scenario.build())
    step, world = scenario.build(cache=False), scenario.world

    first, _ = converge(step, world, check=False, emit=lambda _: None)
    again, _ = converge(step, world, check=False, emit=lambda _: None)
    later = scenario.real(step)

    assert first.message.startswith("rebuilt")
    assert later.message.startswith("rebuilt")
    assert (again.status, again.before, again.after) == (Status.OK, first.after, first.after)
    assert scenario.check(scenario.build()).status is Status.OK


@ALSO_DOCKER
def test_a_newer_base(scenario: StepScenario) -> None:
    """With pull, a newer base image in the registry is pulled and causes a build; check mode notices it, too."""
    scenario.prepare(scenario.build(), scenario.smoke(), scenario.tag(), scenario.push())
    base = scenario.remote()
    scenario.app.dockerfile.write_text(f"FROM {base}\nCOPY app.py /other.py\n")
    step = scenario.build(pull=True)
    scenario.prepare(step)
    assert scenario.check(step).status is Status.OK
    old = scenario.image_id(base)

    # Somebody else pushes another base image under the same tag; in the engine the tag still points to the old one.
    scenario.app.dockerfile.write_text(f"FROM {scenario.backend.base}\nLABEL newer=yes\nCOPY app.py /app.py\n")
    other = scenario.app.but(name="other", repository=ImageReference.parse(f"{scenario.app.project}/other"))
    scenario.prepare(Build(target=other, version=Version("1")))
    newer = scenario.image_id(f"{scenario.app.project}/other:1")
    assert newer
    reference = ImageReference.parse(base)
    scenario.backend.engine.tag(newer, reference)
    scenario.backend.engine.push(reference, None, lambda _: None)
    assert old
    scenario.backend.engine.tag(old, reference)
    scenario.app.dockerfile.write_text(f"FROM {base}\nCOPY app.py /other.py\n")

    assert scenario.check(scenario.build(pull=False)).status is Status.OK
    done = scenario.four_runs(step)

    assert base in done.reason
    assert scenario.image_id(base) == newer


@ALSO_DOCKER
def test_another_platform(scenario: StepScenario) -> None:
    """Another platform is another image."""
    scenario.app.dockerfile.write_text("FROM scratch\nCOPY app.py /\n")
    scenario.prepare(scenario.build())
    done = scenario.four_runs(scenario.build(platforms=("linux/arm64",)))
    assert "platforms" in done.reason
    image = scenario.backend.engine.image(scenario.local())
    assert image
    assert image.platform in {"linux/arm64", "linux/arm64/v8", ""}


@pytest.mark.parametrize(
    ("text", "line", "written"),
    [
        ("FROM {base} AS one\nRUN true\n\nFROM {base}\nENV A=1\nCOPY --from=one /etc /x\nRUN \\\n  exit 7\n", 7, "RUN"),
        ("FROM {base}\nCOPY nothing.txt /\n", 2, "COPY nothing.txt"),
    ],
)
@ONLY_DOCKER
def test_the_line_that_failed(scenario: StepScenario, text: str, line: int, written: str) -> None:
    """A failed build names the line of the Dockerfile, whatever the stages, and the instruction."""
    scenario.app.dockerfile.write_text(text.format(base=scenario.backend.base))

    error = scenario.real(scenario.build()).error

    assert isinstance(error, BuildFailed)
    assert f"Dockerfile:{line}" in error.message
    assert written in "\n".join((error.message, *error.details))
    assert f"line {line} of {scenario.app.dockerfile}" in error.hint


def test_an_argument_s_value_is_saved_nowhere(scenario: StepScenario) -> None:
    """The value of a build argument is in neither the state folder nor the labels."""
    scenario.prepare(scenario.build(arguments={"TOKEN": "S3ntinel"}))
    assert "S3ntinel" not in str(scenario.seen().state)
    assert "S3ntinel" not in str(scenario.backend.labels(scenario.local()))
    assert INPUTS_LABEL in scenario.backend.labels(scenario.local())


def test_a_base_image_by_platform(scenario: StepScenario) -> None:
    """A base image whose name depends on the platform is resolved for the engine's platform."""
    name = scenario.local("amd64")
    scenario.backend.put_image(name)
    variable = name.replace("amd64", "$TARGETARCH")
    scenario.app.dockerfile.write_text(f"FROM {variable}\nCOPY app.py /app.py\n")
    assert scenario.real(scenario.build()).status is Status.CHANGED


@ALSO_DOCKER
def test_odd_names(scenario: StepScenario) -> None:
    """Files with unusual names are sent, are part of the inputs, and are named."""
    names = ("x" * 150, "caf\udce9.txt", "two\nlines", ".seatrial.Dockerfile", "a\x1b[2Jb")
    (scenario.app.context / ".dockerignore").write_text("Dockerfile\n")
    for name in names:
        (scenario.app.context / name).write_text("x")
    scenario.prepare(scenario.build())
    for name in names:
        assert scenario.check(scenario.build()).status is Status.OK
        (scenario.app.context / name).write_text("y")
        assert sanitize(name).replace("\n", " ") in scenario.check(scenario.build()).reason
        (scenario.app.context / name).write_text("x")


def test_another_name_for_the_dockerfile(scenario: StepScenario) -> None:
    """COPY may include the Dockerfile, so another name for it causes a build."""
    scenario.prepare(scenario.build())
    other = scenario.app.dockerfile.rename(scenario.app.context / "Web.Dockerfile")
    step = Build(target=scenario.app.but(dockerfile=other), version=Version("1"))
    assert "Dockerfile" in scenario.check(step).reason


def test_modes_of_an_extra_context(scenario: StepScenario, tmp_path: Path) -> None:
    """File modes of an extra context count, and a Dockerfile.dockerignore in it excludes nothing."""
    extra = tmp_path / "extra"
    extra.mkdir()
    (extra / "f").write_text("x")
    step = scenario.build(contexts={"assets": str(extra)})

    def digest() -> str:
        return BuildPlan.of(step.target, step.version, scenario.world).content.digest

    seen = {digest()}
    (extra / "f").chmod(0o600)
    seen.add(digest())
    (extra / "Dockerfile.dockerignore").write_text("f\n")
    seen.add(digest())
    (extra / "f").write_text("y")
    seen.add(digest())
    assert len(seen) == 4
