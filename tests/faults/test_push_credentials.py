"""Credentials that cannot be read fail with file and entry before anything is built, and their value is not shown."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli_project import failed
from tests.faults.publish_scenario import NEW, NOT_BEGUN, PublishScenario, attempts

pytestmark = pytest.mark.engine


def _config(content: str) -> Path:
    config = Path(os.environ["DOCKER_CONFIG"]) / "config.json"
    config.write_text(content)
    return config


def test_a_damaged_file(scenario: PublishScenario) -> None:
    """A damaged configuration ends a release at its first step, but no build; after a new login the release works."""
    config = _config('{"auths": {')

    assert scenario.project.invoke("build", "--version", "1").code == 0
    done = scenario.go(scenario.registry.host)

    failed(done, "line 1", f"mv {config}", code=2)
    assert done.statuses == NOT_BEGUN
    assert attempts(done, "preflight") == 1
    assert scenario.held() == {}
    config.unlink()
    scenario.log_in(scenario.registry.host)
    assert scenario.go(scenario.registry.host).code == 0
    scenario.whole("1", "latest")


def test_a_helper_that_prints_the_secret(scenario: PublishScenario) -> None:
    """The output of a helper that fails is not shown, not even with --debug; a helper that works is used."""
    folder = scenario.project.folder.parent / "bin"
    folder.mkdir()
    program, environment = folder / "docker-credential-test", {"PATH": f"{folder}:{os.environ['PATH']}"}
    _config(json.dumps({"credsStore": "test"}))
    answer = Path(os.environ["DOCKER_CONFIG"]) / "answer"
    answer.write_text(json.dumps({"Username": scenario.user, "Secret": scenario.registry.password}))
    program.write_text(f"#!/bin/sh\ntee /dev/stderr < {answer}; exit 3\n")
    program.chmod(0o755)

    done = scenario.go(scenario.registry.host, **environment)

    failed(done, "docker-credential-test", "exit code 3", code=2)
    words = ("--debug", *scenario.words(scenario.registry.host))
    assert scenario.heard(scenario.project.invoke(*words, **environment)).code == 2
    program.write_text(f"#!/bin/sh\nexec cat {answer}\n")
    assert scenario.go(scenario.registry.host, **environment).statuses == NEW
    assert scenario.heard(scenario.project.invoke(*words, **environment)).code == 0
    scenario.whole("1", "latest")
