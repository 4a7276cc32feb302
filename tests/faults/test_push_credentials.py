"""Credentials that cannot be read: told by file and entry before anything is built, never by their value."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli_project import Done, failed
from tests.faults.publish_scenario import NEW, NOT_BEGUN, PublishScenario, attempts

pytestmark = pytest.mark.engine


def _pair(scenario: PublishScenario, separator: str = ":") -> str:
    return base64.b64encode(f"{scenario.user}{separator}{scenario.registry.password}".encode()).decode()


def _entry(value: Callable[[PublishScenario], Any]) -> Callable[[PublishScenario], str]:
    """Return what writes a configuration with that entry for the registry."""
    return lambda scenario: json.dumps({"auths": {scenario.registry.host: value(scenario)}})


def _config(content: str) -> Path:
    config = Path(os.environ["DOCKER_CONFIG"]) / "config.json"
    config.write_text(content)
    return config


def _helper(scenario: PublishScenario, script: str) -> dict[str, str]:
    """Install a credential helper that is asked for everything; give the environment that knows it."""
    folder = scenario.project.folder.parent / "bin"
    folder.mkdir(exist_ok=True)
    program = folder / "docker-credential-test"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    _config(json.dumps({"credsStore": "test"}))
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def _holds_out(scenario: PublishScenario, done: Done, *words: str) -> None:
    """Hold that a release fails before it begins, and that the registry has nothing of it."""
    failed(done, *words, code=2)
    assert done.statuses == NOT_BEGUN
    assert attempts(done, "preflight") == 1
    assert scenario.held() == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(lambda one: json.dumps({"auths": {"r": {"auth": _pair(one)}}})[:-3], "line 1", id="cut"),
        pytest.param(lambda one: "\ufeff" + json.dumps({"auths": {"r": {"auth": _pair(one)}}}), "BOM", id="BOM"),
        pytest.param(lambda one: json.dumps([_pair(one)]), "a JSON object", id="list"),
        pytest.param(lambda one: json.dumps({"auths": [_pair(one)]}), '"auths" is not an object', id="auths"),
    ],
)
def test_a_damaged_file(scenario: PublishScenario, content: Callable[[PublishScenario], str], words: str) -> None:
    """A damaged configuration is named with what is wrong and how to get rid of it; then the release goes."""
    config = _config(content(scenario))

    _holds_out(scenario, scenario.go(scenario.registry.host), f"{config} is damaged", words, f"mv {config}")

    config.unlink()
    scenario.log_in(scenario.registry.host)
    assert scenario.go(scenario.registry.host).statuses == NEW
    scenario.whole("1", "latest")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(_entry(lambda one: {"auth": one.registry.password}), id="no base64"),
        pytest.param(_entry(lambda one: {"auth": _pair(one, " ")}), id="no colon"),
        pytest.param(_entry(lambda one: {"auth": [one.registry.password]}), id="a list"),
        pytest.param(_entry(lambda one: {"auth": f"é{one.registry.password}"}), id="not ASCII"),
        pytest.param(_entry(lambda one: one.registry.password), id="a string"),
        pytest.param(_entry(lambda _: None), id="null"),
    ],
)
def test_a_damaged_entry(scenario: PublishScenario, content: Callable[[PublishScenario], str]) -> None:
    """An entry that cannot be understood is named by its registry, by a release as by a push."""
    config = _config(content(scenario))

    _holds_out(scenario, scenario.go(scenario.registry.host), str(config), f'the entry "{scenario.registry.host}"')


@pytest.mark.parametrize("content", ['{"auths": []}', '{"auths', ""])
def test_a_build_needs_none(scenario: PublishScenario, content: str) -> None:
    """A file that is cut or holds credentials of another shape stops no build, which needs none."""
    _config(content)

    done = scenario.project.invoke("build", "--version", "1")

    assert done.code == 0, done.all


def test_a_missing_helper(scenario: PublishScenario) -> None:
    """A helper that is not installed is named, with both ways out."""
    _config(json.dumps({"credHelpers": {scenario.registry.host: "nobody-has"}}))

    done = scenario.go(scenario.registry.host)

    _holds_out(scenario, done, "docker-credential-nobody-has", "is not installed", "install", "config.json")


def test_a_helper_that_tells_the_secret(scenario: PublishScenario) -> None:
    """A helper that fails and prints the password gets no echo, with --debug neither; one that works is used."""
    shouting = f"echo 'cannot unlock {scenario.registry.password}' | tee /dev/stderr; exit 3"
    environment = _helper(scenario, shouting)

    done = scenario.go(scenario.registry.host, **environment)

    _holds_out(scenario, done, "docker-credential-test", "exit code 3")
    words = scenario.words(scenario.registry.host)
    assert scenario.heard(scenario.project.invoke("--debug", *words, **environment)).code == 2
    (scenario.project.folder.parent / "bin/docker-credential-test").unlink()
    answer = json.dumps({"Username": scenario.user, "Secret": scenario.registry.password})
    (Path(os.environ["DOCKER_CONFIG"]) / "answer").write_text(answer)
    environment = _helper(scenario, f"cat {os.environ['DOCKER_CONFIG']}/answer")
    assert scenario.go(scenario.registry.host, **environment).statuses == NEW
    scenario.whole("1", "latest")


def test_no_debugging_shows_it(scenario: PublishScenario) -> None:
    """The password is in no line that --debug adds, whether a push goes well or not."""
    scenario.log_in(scenario.registry.host)
    for environment in ({}, {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}):
        words = scenario.words(scenario.registry.host)
        scenario.heard(scenario.project.invoke("--debug", *words, **environment))
    scenario.whole("1", "latest")
