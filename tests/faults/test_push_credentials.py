"""Credentials that cannot be read fail with file and entry before anything is built, and their value is not shown."""

from __future__ import annotations

import base64
import json
import os
import re
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
    """Return a function that makes a configuration with that entry for the registry."""
    return lambda scenario: json.dumps({"auths": {scenario.registry.host: value(scenario)}})


def _config(content: str) -> Path:
    config = Path(os.environ["DOCKER_CONFIG"]) / "config.json"
    config.write_text(content)
    return config


def _helper(scenario: PublishScenario, script: str) -> dict[str, str]:
    """Install a credential helper for every registry; return the environment with it on PATH."""
    folder = scenario.project.folder.parent / "bin"
    folder.mkdir(exist_ok=True)
    program = folder / "docker-credential-test"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    _config(json.dumps({"credsStore": "test"}))
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def _not_begun(scenario: PublishScenario, done: Done, *names: str) -> None:
    """Check that a release failed at its first step, with these names in its error, and pushed nothing."""
    failed(done, *names, code=2)
    assert done.statuses == NOT_BEGUN
    assert attempts(done, "preflight") == 1
    assert scenario.held() == {}


@pytest.mark.parametrize(
    ("content", "name"),
    [
        pytest.param(lambda one: json.dumps({"auths": {"r": {"auth": _pair(one)}}})[:-3], "line 1", id="cut"),
        pytest.param(lambda one: "\ufeff" + json.dumps({"auths": {"r": {"auth": _pair(one)}}}), "BOM", id="BOM"),
        pytest.param(lambda one: json.dumps([_pair(one)]), "", id="list"),
        pytest.param(lambda one: json.dumps({"auths": [_pair(one)]}), '"auths"', id="auths"),
    ],
)
def test_a_damaged_file(scenario: PublishScenario, content: Callable[[PublishScenario], str], name: str) -> None:
    """A damaged configuration is named with the command that moves it away; after a new login the release works."""
    config = _config(content(scenario))

    _not_begun(scenario, scenario.go(scenario.registry.host), name, f"mv {config}")

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
    """A damaged entry is named with its file and registry."""
    config = _config(content(scenario))

    _not_begun(scenario, scenario.go(scenario.registry.host), str(config), f'"{scenario.registry.host}"')


@pytest.mark.parametrize("content", ['{"auths": []}', '{"auths', ""])
def test_a_build_needs_none(scenario: PublishScenario, content: str) -> None:
    """A damaged configuration does not stop a build, which needs no credentials."""
    _config(content)

    done = scenario.project.invoke("build", "--version", "1")

    assert done.code == 0, done.all


def test_a_missing_helper(scenario: PublishScenario) -> None:
    """A helper that is not installed is named with the configuration that asks for it."""
    _config(json.dumps({"credHelpers": {scenario.registry.host: "nobody-has"}}))

    done = scenario.go(scenario.registry.host)

    _not_begun(scenario, done, "docker-credential-nobody-has", "config.json")


def test_a_helper_that_prints_the_secret(scenario: PublishScenario) -> None:
    """The output of a helper that fails is not shown, not even with --debug; a helper that works is used."""
    script = f"echo 'cannot unlock {scenario.registry.password}' | tee /dev/stderr; exit 3"
    environment = _helper(scenario, script)

    done = scenario.go(scenario.registry.host, **environment)

    _not_begun(scenario, done, "docker-credential-test")
    assert re.search(r"\b3\b", done.error["reason"])
    words = scenario.words(scenario.registry.host)
    assert scenario.heard(scenario.project.invoke("--debug", *words, **environment)).code == 2
    (scenario.project.folder.parent / "bin/docker-credential-test").unlink()
    answer = json.dumps({"Username": scenario.user, "Secret": scenario.registry.password})
    (Path(os.environ["DOCKER_CONFIG"]) / "answer").write_text(answer)
    environment = _helper(scenario, f"cat {os.environ['DOCKER_CONFIG']}/answer")
    assert scenario.go(scenario.registry.host, **environment).statuses == NEW
    scenario.whole("1", "latest")


def test_debug_does_not_show_it(scenario: PublishScenario) -> None:
    """--debug does not show the password, whether a push works or not."""
    scenario.log_in(scenario.registry.host)
    for environment in ({}, {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}):
        words = scenario.words(scenario.registry.host)
        scenario.heard(scenario.project.invoke("--debug", *words, **environment))
    scenario.whole("1", "latest")
