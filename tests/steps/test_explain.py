"""Explaining a step: which commands, without secrets, and without doing or needing anything."""

from __future__ import annotations

import dataclasses
import pkgutil
import shutil
import subprocess
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from msgspec.structs import replace

import seatrial.steps
from seatrial.engine.connection import Connection
from seatrial.engine.docker.engine import DockerEngine
from seatrial.model.app import Check
from seatrial.output.shell import script, words_as_text
from seatrial.pipeline.explanation import ExplainedStep, explain
from seatrial.pipeline.step import AppStep, Step
from seatrial.settings.variables import environment
from tests.steps.scenario import StepScenario

SECRET = "S3ntinel"


def _steps(kind: type) -> Iterator[type]:
    one: type
    for one in kind.__subclasses__():
        yield one
        yield from _steps(one)


def _commands(explained: tuple[ExplainedStep, ...]) -> list[str]:
    return [" ".join(words_as_text(command.argv)) for one in explained for command in one.commands]


def _released(scenario: StepScenario) -> tuple[Step, ...]:
    app = scenario.app.but(
        environment={"DATABASE_URL": SECRET, "TOKEN": f"another {SECRET}"},
        checks=(
            Check(text="it's", headers={"Authorization": SECRET}),
            Check(path="/$(a)", method="POST", body={"a": 1}, headers={"Authorization": f"another {SECRET}"}),
        ),
        build=scenario.app.build.but(arguments={"TOKEN": SECRET}, target="web"),
    )
    steps = (*scenario.release(), scenario.serve(), scenario.stop(), scenario.rollback("1"))
    changed = [dataclasses.replace(one, target=app) for one in steps if isinstance(one, AppStep)]
    assert len(changed) == len(steps)
    return tuple(changed)


def test_every_step_can_be_explained() -> None:
    """Each step of the package has commands of its own."""
    for one in pkgutil.walk_packages(seatrial.steps.__path__, "seatrial.steps."):
        import_module(one.name)
    ours = [one for one in _steps(Step) if one.__module__.startswith("seatrial.steps.")]
    assert len(ours) >= 13
    assert not [one for one in ours if "explain" not in vars(one)]


def test_a_release_in_commands(scenario: StepScenario) -> None:
    """The image is built, tried in a container and pushed under each tag, and its digest compared; nothing is done."""
    (scenario.app.context / "Dockerfile").write_text("FROM x AS web\n")
    before = scenario.seen()

    explained = explain(_released(scenario), scenario.world)

    assert scenario.seen() == before
    lines = _commands(explained)
    tags = [scenario.remote("1"), scenario.remote("latest")]
    assert [line for line in lines if line.startswith("docker push")][:2] == [f"docker push {one}" for one in tags]
    assert [line for line in lines if line.startswith("docker pull")][:2] == [f"docker pull {one}" for one in tags]
    (build,) = [line for line in lines if line.startswith("docker build")]
    assert "--build-arg VERSION=1 --build-arg TOKEN " in build
    assert "--target web" in build
    create, run = (next(line for line in lines if line.startswith(f"docker {verb} ")) for verb in ("create", "run"))
    assert f"--publish 127.0.0.1:{scenario.app.host_port}:{scenario.app.port}" in run
    assert "--publish 127.0.0.1::" in create
    assert all("--env DATABASE_URL" in line and line.endswith("$image") for line in (create, run))


def test_no_secret_is_written(scenario: StepScenario) -> None:
    """Values of build arguments, environment and headers are needed from the environment; a linter finds no fault."""
    (scenario.app.context / "Dockerfile").write_text("FROM x AS web\n")
    explained = explain(_released(scenario), scenario.world)
    text = script(explained, call="invoke release", root=scenario.app.context)

    assert SECRET not in text
    needs = {name for one in explained for command in one.commands for name, _ in command.needs}
    assert needs == {
        "TOKEN",
        "DATABASE_URL",
        "VALUE_OF_TOKEN",
        "HEADER_AUTHORIZATION",
        "HEADER_AUTHORIZATION_2",
    }
    subprocess.run(["sh", "-n"], input=text, text=True, check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", "-"], input=text, text=True, check=True)


def test_without_an_engine(scenario: StepScenario, tmp_path: Path) -> None:
    """Where no engine answers, the commands are the same as for an empty engine."""
    nowhere = Connection(environment()._replace(docker_host=f"unix://{tmp_path}/nowhere.sock"))
    steps = scenario.release()
    with_engine = _commands(explain(steps, scenario.world))
    assert _commands(explain(steps, replace(scenario.world, engine=DockerEngine(nowhere)))) == with_engine
