"""The sentences that users read when a setting is not valid."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.errors import UsageError
from tests.settings.loading import load

_APP = "seatrial: {apps: {web: {%s}}}"
_CHECK = "seatrial: {apps: {web: {checks: [{%s}]}}}"


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("- seatrial\n", 1, "it is not a mapping; settings belong under the key 'seatrial:'"),
        ("seatrial: [1]\n", 1, "'seatrial:' is not a mapping"),
        ("seatrial:\n  user: {a: b}\n", 2, "'user:' is a mapping; it must be a single value"),
        ("seatrial:\n  1: x\n", 2, "the key '1' is not text; write it in quotes"),
        (
            "seatrial:\n  user: a\n  USER: b\n",
            3,
            "'USER' is already on line 2 (case makes no difference)",
        ),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, text: str, line: int, reason: str) -> None:
    """The message names the line; the hint points to an example."""
    with pytest.raises(UsageError) as caught:
        load(tmp_path, text)
    place = f"{tmp_path / 'invoke.yaml'}:{line}"
    assert caught.value.message == "the settings cannot be read"
    assert caught.value.reason == f"{place}: {reason}"
    assert caught.value.hint == f"fix {place} (see the example in README.md)"


@pytest.mark.parametrize(
    ("text", "key", "reason", "hint"),
    [
        ("seatrial: {usr: x}", "usr", "there is no setting 'usr'", "write 'user'"),
        (
            "seatrial: {zzz: x}",
            "zzz",
            "there is no setting 'zzz'",
            "use one of: project, registry, user, local_registry_port, browser, apps",
        ),
        (_APP % "image_budget: 5", "apps.web.image_budget", "expected `str`, got `int`", "write it in quotes"),
        (
            _APP % "image_facts_allowed: [read-only]",
            "apps.web.image_facts_allowed",
            (
                "`image_facts_allowed` cannot contain read-only: every container runs on a read-only root; "
                "list the folders where the app writes under tmpfs"
            ),
            "fix {place}",
        ),
        *(
            (_CHECK % text, f"apps.web.checks.0.{key}", f"`{key}` {reason}", "fix {place}")
            for text, key, reason in [
                ("path: nope", "path", "'nope' is not a valid path: it begins with / and has no spaces and no #"),
                ("headers: {X Y: a}", "headers", "'X Y' is not a valid header name or has an invalid value"),
                (
                    "redirect: x",
                    "redirect",
                    "'x' is not a valid target: it begins with / or http and has no spaces",
                ),
                ("redirect: /x, status: 200", "status", "200 contradicts redirect, which needs a 3xx status"),
                (
                    "matches: '*'",
                    "matches",
                    "is not a valid regular expression: nothing to repeat at position 0",
                ),
                ("method: HEAD, text: x", "text", "needs a response body, and a response to HEAD has none"),
                (
                    "json: .nan",
                    "json",
                    (
                        "contains a value that JSON cannot hold (Out of range float values are not JSON compliant): "
                        "write it in quotes"
                    ),
                ),
            ]
        ),
    ],
)
def test_a_setting_that_is_not_valid(tmp_path: Path, text: str, key: str, reason: str, hint: str) -> None:
    """The message names the setting, the reason its line and what is wrong there."""
    with pytest.raises(UsageError) as caught:
        load(tmp_path, text)
    place = f"{tmp_path / 'invoke.yaml'}:1"
    assert caught.value.message == f"the setting seatrial.{key} is not valid"
    assert caught.value.reason.replace("compliant: nan", "compliant") == f"{place}: {reason}"
    assert caught.value.hint == hint.format(place=place)


@pytest.mark.parametrize(
    ("name", "message", "reason", "hint"),
    [
        (None, "no app selected", "this project has web, worker", "--app web"),
        ("wroker", "there is no app 'wroker'", "the apps in invoke.yaml are web, worker", "--app worker"),
    ],
)
def test_an_app_that_is_not_there(tmp_path: Path, name: str | None, message: str, reason: str, hint: str) -> None:
    """The message lists the apps; the hint is the nearest one's flag."""
    settings = load(tmp_path, "seatrial: {apps: {web: {}, worker: {}}}")
    with pytest.raises(UsageError) as caught:
        settings.app(name)
    assert (caught.value.message, caught.value.reason, caught.value.hint) == (message, reason, hint)


@pytest.mark.parametrize(
    ("text", "key", "name", "hint"),
    [
        ("seatrial: {project: My Shop}", "project", "My Shop", "project: my-shop"),
        ("seatrial: {apps: {Web: {}}}", "apps.Web", "Web", "Web: web"),
    ],
)
def test_a_name_that_is_not_valid(tmp_path: Path, text: str, key: str, name: str, hint: str) -> None:
    """The hint is the nearest valid name."""
    with pytest.raises(UsageError) as caught:
        load(tmp_path, text)
    assert caught.value.message == f"the setting seatrial.{key} is not valid"
    assert caught.value.reason == (
        f"{tmp_path}/invoke.yaml:1: {name!r} is not a valid name: a name consists of lowercase letters, digits, _ . - "
        "and has at most 63 characters"
    )
    assert caught.value.hint == hint
