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
from tests.faults.shipment import NEW, NOT_BEGUN, Shipment, attempts

pytestmark = pytest.mark.engine


def _pair(shipment: Shipment, separator: str = ":") -> str:
    return base64.b64encode(f"{shipment.user}{separator}{shipment.registry.password}".encode()).decode()


def _entry(value: Callable[[Shipment], Any]) -> Callable[[Shipment], str]:
    """Give what writes a configuration with that entry for the registry."""
    return lambda shipment: json.dumps({"auths": {shipment.registry.host: value(shipment)}})


def _config(content: str) -> Path:
    config = Path(os.environ["DOCKER_CONFIG"]) / "config.json"
    config.write_text(content)
    return config


def _helper(shipment: Shipment, script: str) -> dict[str, str]:
    """Install a credential helper that is asked for everything; give the environment that knows it."""
    folder = shipment.project.folder.parent / "bin"
    folder.mkdir(exist_ok=True)
    program = folder / "docker-credential-test"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    _config(json.dumps({"credsStore": "test"}))
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def _holds_out(shipment: Shipment, done: Done, *words: str) -> None:
    """Hold that a release fails before it begins, and that the registry has nothing of it."""
    failed(done, *words, code=2)
    assert done.statuses == NOT_BEGUN
    assert attempts(done, "preflight") == 1
    assert shipment.held() == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(lambda one: json.dumps({"auths": {"r": {"auth": _pair(one)}}})[:-3], "line 1", id="cut"),
        pytest.param(lambda one: "\ufeff" + json.dumps({"auths": {"r": {"auth": _pair(one)}}}), "BOM", id="BOM"),
        pytest.param(lambda one: json.dumps([_pair(one)]), "no JSON object", id="list"),
        pytest.param(lambda one: json.dumps({"auths": [_pair(one)]}), '"auths" is not an object', id="auths"),
    ],
)
def test_a_damaged_file(shipment: Shipment, content: Callable[[Shipment], str], words: str) -> None:
    """A damaged configuration is named with what is wrong and how to get rid of it; then the release goes."""
    config = _config(content(shipment))

    _holds_out(shipment, shipment.go(shipment.registry.host), f"{config} is damaged", words, f"mv {config}")

    config.unlink()
    shipment.log_in(shipment.registry.host)
    assert shipment.go(shipment.registry.host).statuses == NEW
    shipment.whole("1", "latest")


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
def test_a_damaged_entry(shipment: Shipment, content: Callable[[Shipment], str]) -> None:
    """An entry that cannot be understood is named by its registry, by a release as by a push."""
    config = _config(content(shipment))

    _holds_out(shipment, shipment.go(shipment.registry.host), str(config), f'the entry "{shipment.registry.host}"')


@pytest.mark.parametrize("content", ['{"auths": []}', '{"auths', ""])
def test_a_build_needs_none(shipment: Shipment, content: str) -> None:
    """A file that is cut or holds credentials of another shape stops no build, which needs none."""
    _config(content)

    done = shipment.project.invoke("build", "--version", "1")

    assert done.code == 0, done.all


def test_a_missing_helper(shipment: Shipment) -> None:
    """A helper that is not installed is named, with both ways out."""
    _config(json.dumps({"credHelpers": {shipment.registry.host: "nobody-has"}}))

    done = shipment.go(shipment.registry.host)

    _holds_out(shipment, done, "docker-credential-nobody-has", "is not installed", "install", "config.json")


def test_a_helper_that_tells_the_secret(shipment: Shipment) -> None:
    """A helper that fails and prints the password gets no echo, with --debug neither; one that works is used."""
    shouting = f"echo 'cannot unlock {shipment.registry.password}' | tee /dev/stderr; exit 3"
    environment = _helper(shipment, shouting)

    done = shipment.go(shipment.registry.host, **environment)

    _holds_out(shipment, done, "docker-credential-test", "exit code 3")
    words = shipment.words(shipment.registry.host)
    assert shipment.heard(shipment.project.invoke("--debug", *words, **environment)).code == 2
    (shipment.project.folder.parent / "bin/docker-credential-test").unlink()
    answer = json.dumps({"Username": shipment.user, "Secret": shipment.registry.password})
    (Path(os.environ["DOCKER_CONFIG"]) / "answer").write_text(answer)
    environment = _helper(shipment, f"cat {os.environ['DOCKER_CONFIG']}/answer")
    assert shipment.go(shipment.registry.host, **environment).statuses == NEW
    shipment.whole("1", "latest")


def test_no_debugging_shows_it(shipment: Shipment) -> None:
    """The password is in no line that --debug adds, whether a push goes well or not."""
    shipment.log_in(shipment.registry.host)
    for environment in ({}, {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}):
        words = shipment.words(shipment.registry.host)
        shipment.heard(shipment.project.invoke("--debug", *words, **environment))
    shipment.whole("1", "latest")
