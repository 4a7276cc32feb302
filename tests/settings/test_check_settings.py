"""Checks in the settings file: every key is used, and an error names file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.errors import UsageError
from seatrial.model.app import Check, checks_digest
from seatrial.settings.settings import Settings
from tests.settings.loading import load

HEAD = "seatrial:\n  apps:\n    web:\n      checks:\n"


def checks(root: Path, text: str) -> tuple[Check, ...]:
    """Return the checks that these lines describe."""
    return load(root, HEAD + text).app("web").checks


def test_every_key(tmp_path: Path) -> None:
    """Every key sets its field of the check."""
    text = """\
        - method: POST
          path: /orders?dry=1
          headers: {Authorization: Bearer x, X-Version: "{version}"}
          body: {item: rope, "on": [1, 2.5, null, true]}
          status: 201
          text: [thanks, "{version}"]
          not_text: Traceback
          matches: '^\\d+ items$'
          json: {order: {id: 1}}
          response_headers: {Content-Type: json}
          within: 0.5
        - {path: /old, redirect: /new}
        - {redirect: "https://shop.example/", status: 308}
        - {method: HEAD, response_headers: {Cache-Control: no-store}}
"""
    assert checks(tmp_path, text) == (
        Check(
            method="POST",
            path="/orders?dry=1",
            headers={"Authorization": "Bearer x", "X-Version": "{version}"},
            body={"item": "rope", "on": [1, 2.5, None, True]},
            status=201,
            text=("thanks", "{version}"),
            not_text="Traceback",
            matches=r"^\d+ items$",
            json={"order": {"id": 1}},
            response_headers={"Content-Type": "json"},
            within=0.5,
        ),
        Check(path="/old", redirect="/new"),
        Check(redirect="https://shop.example/", status=308),
        Check(method="HEAD", response_headers={"Cache-Control": "no-store"}),
    )


@pytest.mark.parametrize(
    ("text", "line", "key", "wrong"),
    [
        ("        - {}\n        - {matches: '(a'}\n", 6, "1.matches", "missing )"),
        ("        - path: /\n          matches: '*'\n", 6, "0.matches", "nothing to repeat"),
        ("        - {matches: ''}\n", 5, "0.matches", ">= 1"),
        ("        - {text: ''}\n", 5, "0.text", ">= 1"),
        ("        - {text: 5}\n", 5, "0.text", "`str"),
        ("        - {not_text: ['']}\n", 5, "0.not_text", ">= 1"),
        ("        - {method: GTE}\n", 5, "0.method", "'GTE'"),
        ("        - {path: nope}\n", 5, "0.path", "'nope'"),
        ('        - {path: "/\\n"}\n', 5, "0.path", r"'/\n'"),
        ("        - {status: 600}\n", 5, "0.status", "<= 599"),
        ("        - {headers: {X Y: a}}\n", 5, "0.headers", "'X Y'"),
        ('        - {headers: {X: "a\\r\\nY: b"}}\n', 5, "0.headers", "'X'"),
        ("        - {headers: {X: 1}}\n", 5, "0.headers", "`str`"),
        ("        - {response_headers: {X: 1}}\n", 5, "0.response_headers", "`str`"),
        ("        - {redirect: nowhere}\n", 5, "0.redirect", "'nowhere'"),
        ("        - path: /\n          redirect: /x\n          status: 200\n", 7, "0.status", "200"),
        ("        - {within: 0}\n", 5, "0.within", "> 0"),
        ("        - {json: {a: 2026-02-03}}\n", 5, "0.json", "JSON"),
        ("        - {json: .nan}\n", 5, "0.json", "JSON"),
        ("        - {body: {a: 2026-02-03}}\n", 5, "0.body", "JSON"),
        ("        - {method: HEAD, text: x}\n", 5, "0.text", "HEAD"),
        ("        - {method: HEAD, not_text: x}\n", 5, "0.not_text", "HEAD"),
        ("        - {methd: HEAD}\n", 5, "0.methd", "'methd'"),
        ("        - {answer_header: {}}\n", 5, "0.answer_header", "'answer_header'"),
    ],
)
def test_wrong(tmp_path: Path, text: str, line: int, key: str, wrong: str) -> None:
    """An error names file, line, key and the wrong value or its limit."""
    with pytest.raises(UsageError) as caught:
        checks(tmp_path, text)
    assert caught.value.reason.startswith(f"{tmp_path / 'invoke.yaml'}:{line}: ")
    assert wrong in caught.value.reason
    assert f"seatrial.apps.web.checks.{key}" in caught.value.message


def test_a_text_that_is_a_number(tmp_path: Path) -> None:
    """A text that YAML reads as a number must be written in quotes."""
    with pytest.raises(UsageError) as caught:
        checks(tmp_path, "        - {text: 1.10}\n")
    assert caught.value.hint == "write it in quotes"


def test_keys_are_text(tmp_path: Path) -> None:
    """The keys of expected JSON are text, as in JSON itself, even if YAML reads numbers."""
    raw = {"apps": {"web": {"checks": [{"json": {1: "a"}}]}}}
    assert Settings.load(raw, tmp_path).app().checks[0].json == {"1": "a"}


def test_different_checks_have_different_digests() -> None:
    """Every field changes the digest, so that a verdict on other checks does not count."""
    others = [
        Check(),
        Check(method="HEAD"),
        Check(headers={"A": "b"}),
        Check(body="x"),
        Check(status=201),
        Check(text=("a", "b")),
        Check(not_text="a"),
        Check(matches="a"),
        Check(json={"a": 1}),
        Check(response_headers={"A": "b"}),
        Check(redirect="/"),
        Check(within=1),
    ]
    assert len({checks_digest((check,)) for check in others}) == len(others)


@pytest.mark.parametrize(
    ("check", "asks"),
    [
        (Check(text="hello"), False),
        (Check(text=("hello", "v{version}")), True),
        (Check(json={"a": [{"b": "{version}"}]}), True),
        (Check(response_headers={"X": "{version}"}), True),
    ],
)
def test_uses_version(check: Check, *, asks: bool) -> None:
    """A check uses the version if any of its fields contains `{version}`."""
    assert check.uses_version is asks
