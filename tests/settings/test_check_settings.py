"""Checks as they stand in the settings: every key arrives, and what is wrong is told with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from seatrial.errors import UsageError
from seatrial.model.app import Check, checks_digest
from seatrial.settings.settings import Settings
from seatrial.settings.settings_file import SETTINGS_FILE

HEAD = "seatrial:\n  apps:\n    web:\n      checks:\n"


def checks(root: Path, text: str) -> tuple[Check, ...]:
    """Return the checks that these lines ask for."""
    (root / SETTINGS_FILE).write_text(HEAD + text)
    return Settings.load(yaml.safe_load(HEAD + text)["seatrial"], root).app("web").checks


def test_every_key(tmp_path: Path) -> None:
    """Every key arrives where it is used."""
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
    ("text", "line", "words"),
    [
        ("        - {}\n        - {matches: '(a'}\n", 6, "`matches` is no regular expression: missing )"),
        ("        - path: /\n          matches: '*'\n", 6, "`matches` is no regular expression: nothing to repeat"),
        ("        - {matches: ''}\n", 5, "length >= 1"),
        ("        - {text: ''}\n", 5, "length >= 1"),
        ("        - {text: 5}\n", 5, "xpected `str"),
        ("        - {not_text: ['']}\n", 5, "length >= 1"),
        ("        - {method: GTE}\n", 5, "invalid enum value 'GTE'"),
        ("        - {path: nope}\n", 5, "`path` 'nope' does not begin with /"),
        ('        - {path: "/\\n"}\n', 5, "`path` "),
        ("        - {status: 600}\n", 5, "<= 599"),
        ("        - {headers: {X Y: a}}\n", 5, "`headers` 'X Y' has a name or value that no header"),
        ('        - {headers: {X: "a\\r\\nY: b"}}\n', 5, "`headers` 'X' has a name or value"),
        ("        - {headers: {X: 1}}\n", 5, "xpected `str`"),
        ("        - {response_headers: {X: 1}}\n", 5, "xpected `str`"),
        ("        - {redirect: nowhere}\n", 5, "`redirect` 'nowhere' does not begin"),
        ("        - path: /\n          redirect: /x\n          status: 200\n", 7, "`status` 200 is no redirect"),
        ("        - {within: 0}\n", 5, "> 0"),
        ("        - {json: {a: 2026-02-03}}\n", 5, "`json` holds what JSON does not know"),
        ("        - {json: .nan}\n", 5, "`json` holds what JSON does not know"),
        ("        - {body: {a: 2026-02-03}}\n", 5, "`body` holds what JSON does not know"),
        ("        - {method: HEAD, text: x}\n", 5, "`text` asks for a body, and the answer to HEAD has none"),
        ("        - {method: HEAD, not_text: x}\n", 5, "`not_text` asks for a body, and the answer to HEAD has none"),
        ("        - {methd: HEAD}\n", 5, "there is no setting 'methd'"),
        ("        - {answer_header: {}}\n", 5, "there is no setting 'answer_header'"),
    ],
)
def test_wrong(tmp_path: Path, text: str, line: int, words: str) -> None:
    """A wrong check is told with file and line."""
    with pytest.raises(UsageError) as caught:
        checks(tmp_path, text)
    assert f"{tmp_path / SETTINGS_FILE}:{line}: " in caught.value.reason
    assert words in caught.value.reason
    assert "seatrial.apps.web.checks." in caught.value.message


def test_a_text_that_is_a_number(tmp_path: Path) -> None:
    """What YAML takes for a number is to be written in quotes."""
    with pytest.raises(UsageError) as caught:
        checks(tmp_path, "        - {text: 1.10}\n")
    assert caught.value.hint == "write it in quotes"


def test_keys_are_text(tmp_path: Path) -> None:
    """Keys of wanted JSON are text, as in JSON itself, whatever YAML takes them for."""
    raw = {"apps": {"web": {"checks": [{"json": {1: "a"}}]}}}
    assert Settings.load(raw, tmp_path).app().checks[0].json == {"1": "a"}


def test_other_questions_have_another_digest() -> None:
    """Whatever is asked otherwise makes another digest, so that an older verdict does not count."""
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
def test_who_asks_for_the_version(check: Check, *, asks: bool) -> None:
    """It is known of a check whether it asks for the version."""
    assert check.uses_version is asks
