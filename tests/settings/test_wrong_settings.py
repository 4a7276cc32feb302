"""A wrong setting is refused with file, line, what is wrong, and the nearest right word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.settings.loading import refused

TOP = "seatrial: {%s}"
APP = "seatrial: {apps: {web: {%s}}}"
PORT = "seatrial: {apps: {web: {deploy: {ports: [{target: 1, published: 1, %s}]}}}}"
CHECK = "seatrial: {apps: {web: {checks: [{%s}]}}}"


@pytest.mark.parametrize(
    ("lines", "line", "key"),
    [
        ("  project: [a]", 2, "project"),
        ("  local_registry_port: 0", 2, "local_registry_port"),
        ("  apps:\n    web: hello", 3, "apps.web"),
        ("  apps:\n    web:\n      port: 70000", 4, "apps.web.port"),
        ("  apps:\n    web:\n      checks: [{}]\n      tags: []", 5, "apps.web.tags"),
        ("  apps:\n    web:\n      checks: []", 4, "apps.web.checks"),
        ("  apps:\n    web:\n      smoke_timeout: 0", 4, "apps.web.smoke_timeout"),
        ("  apps:\n    web:\n      build_timeout: .inf", 4, "apps.web.build_timeout"),
        ("  apps:\n    web:\n      base_images:\n        - python\n        - Python", 6, "apps.web.base_images.1"),
        ("  apps:\n    web:\n      checks: [{path: /},\n        {status: 99}]", 5, "apps.web.checks.1.status"),
        ("  apps:\n    web:\n      env_file: [a, 1]", 4, "apps.web.env_file.1"),
        ("  apps:\n    web:\n      deploy:\n        labels: {seatrial.app: x}", 5, "apps.web.deploy.labels"),
        ("  apps:\n    web:\n      deploy:\n        reserved_memory: 1k", 5, "apps.web.deploy.reserved_memory"),
        ("  apps:\n    web: {cpus: 1,\n      deploy: {reserved_cpus: 2}}", 4, "apps.web.deploy.reserved_cpus"),
    ],
)
def test_place(tmp_path: Path, lines: str, line: int, key: str) -> None:
    """A value of the wrong type or out of range is named with its line."""
    error = refused(tmp_path, f"seatrial:\n{lines}\n")
    assert error.message == f"the setting seatrial.{key} is not valid"
    assert error.reason.startswith(f"{tmp_path}/invoke.yaml:{line}: ")


@pytest.mark.parametrize(
    ("text", "key", "reason", "hint"),
    [
        (TOP % "regsitry: x", "regsitry", "there is no setting 'regsitry'", "write 'registry'"),
        (
            TOP % "zzz: x",
            "zzz",
            "there is no setting 'zzz'",
            "use one of: project, registry, user, local_registry_port, browser, hooks, apps",
        ),
        (
            TOP % "environment: {A: b}",
            "environment",
            "'environment' is a setting of an app (apps: NAME:)",
            "move 'environment' there",
        ),
        (APP % "user: x", "apps.web.user", "'user' is a setting of the project", "move 'user' there"),
        (APP % "status: 1", "apps.web.status", "'status' is a setting of a check (checks:)", "move 'status' there"),
        (APP % "name: x", "apps.web.name", "there is no setting 'name'", "use one of: context, dockerfile, "),
        (CHECK % "stauts: 1", "apps.web.checks.0.stauts", "there is no setting 'stauts'", "write 'status'"),
        (APP % "deploy: {delya: 1}", "apps.web.deploy.delya", "there is no setting 'delya'", "write 'delay'"),
        (PORT % "modde: host", "apps.web.deploy.ports.0.modde", "there is no setting 'modde'", "write 'mode'"),
    ],
)
def test_unknown_key(tmp_path: Path, text: str, key: str, reason: str, hint: str) -> None:
    """A key that is not known there is refused with the nearest one, or with the place where it belongs."""
    error = refused(tmp_path, text)
    assert error.message == f"the setting seatrial.{key} is not valid"
    assert error.reason == f"{tmp_path}/invoke.yaml:1: {reason}"
    assert error.hint.startswith(hint)


@pytest.mark.parametrize("value", ["0755", "3.10", "true"])
@pytest.mark.parametrize(
    "text", [TOP % "user: %s", APP % "build_args: {A: %s}", APP % "memory: %s", CHECK % "text: %s"]
)
def test_text_that_is_a_number(tmp_path: Path, text: str, value: str) -> None:
    """A text that YAML reads as a number or truth value is refused: 0755 would become 493."""
    error = refused(tmp_path, text % value)
    assert re.search("expected `str.*got `(int|float|bool)`", error.reason)
    assert error.hint == "write it in quotes"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (TOP % "project: Shop", "project: shop"),
        (TOP % "registry: https://ghcr.io", "registry: ghcr.io"),
        ("seatrial: {apps: {Web: {}}}", "Web: web"),
        (APP % "memory: 1k", "memory: 512m"),
        (APP % "image_budget: large", "image_budget: 512m"),
        (APP % "repository: 'u/web:1'", "write a name such as "),
        (APP % "platforms: [linux]", "platforms: linux/amd64"),
        (APP % "tags: [latest]", 'tags: ["{version}", latest]'),
        (APP % "tmpfs: [data]", "fix "),
        (APP % "tmpfs: [/data/../etc]", "fix "),
        (APP % "image_facts: loud", "fix "),
        (APP % "context: 5", "write it in quotes"),
        (APP % "environment: [A=1]", "write a mapping: environment: {NAME: VALUE}"),
        (APP % "tmpfs: /run", "write a list: tmpfs: [FIRST, SECOND]"),
        (APP % "checks: [/]", "write a mapping, such as {path: /}"),
        (APP % "image_facts_allowed: [read-only]", "fix "),
    ],
)
def test_wrong_words(tmp_path: Path, text: str, hint: str) -> None:
    """A name, size or reference that is not valid is named with its line and a hint that can be written."""
    error = refused(tmp_path, text)
    assert error.reason.startswith(f"{tmp_path}/invoke.yaml:1: ")
    assert error.hint.startswith(hint)


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("matches: '(a'", "matches", "`matches` is not a valid regular expression: missing ), unterminated"),
        ("text: ''", "text", "expected `str` of length >= 1"),
        ("method: GTE", "method", "invalid enum value 'GTE'"),
        ("path: nope", "path", "`path` 'nope' is not a valid path: it begins with / and has no spaces and no #"),
        ("status: 600", "status", "expected `int` <= 599"),
        ("headers: {X Y: a}", "headers", "`headers` 'X Y' is not a valid header name or has an invalid value"),
        ('headers: {X: "a\\r\\nY: b"}', "headers", "`headers` 'X' is not a valid header name or has an invalid value"),
        ("response_headers: {X: 1}", "response_headers", "expected `str`, got `int`"),
        (
            "redirect: x",
            "redirect",
            "`redirect` 'x' is not a valid target: it begins with / or http and has no spaces",
        ),
        ("redirect: /x, status: 200", "status", "`status` 200 contradicts redirect, which needs a 3xx status"),
        ("within: 0", "within", "expected `float` > 0"),
        ("json: {a: 2026-02-03}", "json", "`json` contains a value that JSON cannot hold (Object of type date"),
        ("body: .nan", "body", "`body` contains a value that JSON cannot hold (Out of range"),
        ("method: HEAD, text: x", "text", "`text` needs a response body, and a response to HEAD has none"),
    ],
)
def test_wrong_checks(tmp_path: Path, text: str, key: str, reason: str) -> None:
    """A check that makes no sense is refused with the key and what is wrong."""
    error = refused(tmp_path, CHECK % text)
    assert error.message == f"the setting seatrial.apps.web.checks.0.{key} is not valid"
    assert error.reason.startswith(f"{tmp_path}/invoke.yaml:1: {reason}")


def test_not_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value from an environment variable, which wins over the file, is named with that."""
    monkeypatch.setenv("INVOKE_SEATRIAL_USER", "Captain")
    assert refused(tmp_path, TOP % "user: Captain").reason.startswith("INVOKE_SEATRIAL_USER: 'Captain'")
