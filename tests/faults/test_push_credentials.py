"""A credential helper that fails is named before anything is built, and what it printed is not shown."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli_project import failed
from tests.faults.publish_scenario import NEW, NOT_BEGUN, PublishScenario

pytestmark = pytest.mark.engine


def test_a_helper_that_prints_the_secret(scenario: PublishScenario) -> None:
    """The output of a helper that fails is not shown, not even with --debug; a helper that works is used."""
    folder = scenario.project.folder.parent / "bin"
    folder.mkdir()
    program, environment = folder / "docker-credential-test", {"PATH": f"{folder}:{os.environ['PATH']}"}
    config = Path(os.environ["DOCKER_CONFIG"])
    (config / "config.json").write_text(json.dumps({"credsStore": "test"}))
    answer = config / "answer"
    answer.write_text(json.dumps({"Username": scenario.user, "Secret": scenario.registry.password}))
    program.write_text(f"#!/bin/sh\ntee /dev/stderr < {answer}; exit 3\n")
    program.chmod(0o755)

    words = ("--debug", *scenario.words(scenario.registry.host))
    done = scenario.heard(scenario.project.invoke(*words, **environment))

    failed(done, "docker-credential-test", "exit code 3", code=2)
    assert done.statuses == NOT_BEGUN
    program.write_text(f"#!/bin/sh\nexec cat {answer}\n")
    assert scenario.go(scenario.registry.host, **environment).statuses == NEW
    scenario.whole("1", "latest")
