"""An answer is held against its check: what is wrong is told with what came and what was expected."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.response import Expected, Response, problem_with
from seatrial.model.app import Check

SITE = BaseUrl(port=8080)
IMAGE = "sha256:" + "0123456789abcdef" * 4


def problem(
    check: Check,
    body: str = "",
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    location: str | None = None,
    image: str | None = None,
    base_url: BaseUrl = SITE,
) -> str | None:
    """Say what is wrong with an answer in the eyes of a check of version 1.4."""
    answer = Response(status=status, body=body.encode(), headers=headers or {}, location=location)
    return problem_with(check, answer, Expected(version="1.4", image=image), base_url)


@pytest.mark.parametrize(
    ("check", "body"),
    [
        (Check(), ""),
        (Check(), "anything"),
        (Check(text="{version}"), "this is 1.4."),
        (Check(text="{version}"), "<h1>v1.4</h1>"),
        (Check(text=("a {version}", "b{version}", "{version}-c")), "a 1.4, b1.4 and 1.4-c"),
        (Check(text="hello {version}"), "hello 1.4.0? No: hello 1.4"),
        (Check(matches="hello {version}"), "hello 1.4."),
        (Check(text=("this", "1.4")), "this is 1.4."),
        (Check(not_text="Traceback"), "this is 1.4."),
        (Check(not_text=("Traceback", "v{version}")), "this is 1.4."),
        (Check(matches=r"^is \d+\.\d+$"), "is 14.0"),
        (Check(matches=r"(?m)^v{version}$"), "one\nv1.4\ntwo"),
        (Check(json={}), '{"a": 1}'),
        (Check(json={"a": 1}), '{"a": 1, "b": 2}'),
        (Check(json={"a": 1}), '{"a": 1.0}'),
        (Check(json={"a": {"b": [{"c": 1}, 2]}}), '{"a": {"b": [{"c": 1, "d": 3}, 2], "e": 0}, "f": null}'),
        (Check(json={"a": None}), '{"a": null}'),
        (Check(json={"v": ["{version}", {"{version}": None}, 1]}), '{"v": ["1.4", {"1.4": null}, 1]}'),
        (Check(json="{version}"), '"1.4"'),
        (Check(json=[]), "[]"),
        (Check(json=False), "false"),
        (Check(json=0), "0"),
    ],
)
def test_right(check: Check, body: str) -> None:
    """A right answer has no problem: text is contained, JSON a subset, `{version}` the version under test."""
    assert problem(check, body) is None


@pytest.mark.parametrize(
    ("check", "body", "words"),
    [
        (Check(text="hello"), "good bye", "the body does not contain 'hello'; it begins 'good bye'"),
        (Check(text=("good", "hello")), "good bye", "does not contain 'hello'"),
        (Check(not_text="good"), "good bye", "the body contains 'good'; it begins 'good bye'"),
        (Check(not_text=("x", "bye")), "good bye", "the body contains 'bye'"),
        (Check(matches="^bye"), "good bye", "the body does not match '^bye'; it begins 'good bye'"),
        (Check(matches="v{version}"), "v1x4", r"does not match 'v1\\.4'"),
        (Check(json={"a": 1}), '{"a": 2}', "the JSON holds 2 at $.a, expected 1"),
        (Check(json={"a": 1}), '{"b": 2}', 'the JSON has no $.a, expected 1; it is {"b": 2}'),
        (Check(json={"a": 1}), '{"a": true}', "the JSON holds true at $.a, expected 1"),
        (Check(json={"a": True}), '{"a": 1}', "the JSON holds 1 at $.a, expected true"),
        (Check(json={"a": False}), '{"a": 0}', "the JSON holds 0 at $.a, expected false"),
        (Check(json={"a": "1"}), '{"a": 1}', 'the JSON holds 1 at $.a, expected "1"'),
        (Check(json={"a": None}), "{}", "the JSON has no $.a, expected null"),
        (Check(json={"a": {"b": 1}}), '{"a": [1]}', 'the JSON holds [1] at $.a, expected {"b": 1}'),
        (Check(json=[1, 2]), "[1, 2, 3]", "the JSON holds [1, 2, 3] at $, expected [1, 2]"),
        (Check(json=[{"a": 1}, {"a": 2}]), '[{"a": 1}, {"a": 3}]', "the JSON holds 3 at $[1].a, expected 2"),
        (Check(json=[]), "{}", "the JSON holds {} at $, expected []"),
        (Check(json=[]), "<html>", "the body is no JSON; it begins '<html>'"),
        (Check(json=[]), "", "the body is no JSON"),
        (Check(json=[]), "[" * 100_000, "the body is no JSON"),
        (Check(status=404), "", "status 200, expected 404"),
        (Check(redirect="/login"), "hello", "status 200, expected a redirect to /login; the body begins 'hello'"),
    ],
)
def test_wrong(check: Check, body: str, words: str) -> None:
    """A wrong answer is told with the first place where it is, what came, and what was expected."""
    assert words in (problem(check, body) or "")


@pytest.mark.parametrize(
    ("check", "body", "words"),
    [
        (Check(json={"version": "{version}"}), '{"version": "1.3"}', "expected version 1.4 of image %s, got 1.3"),
        (Check(json={"version": "v{version}-x"}), '{"version": "v1.3-x"}', "expected version 1.4 of image %s, got 1.3"),
        (Check(json={"version": "{version}"}), '{"version": 1.3}', "expected version 1.4 of image %s, got 1.3"),
        (Check(json={"version": "{version}"}), '{"version": null}', "expected version 1.4 of image %s, got null"),
        (Check(text="hello {version}"), "<p>hello 1.3.0</p>", "expected version 1.4 of image %s, got 1.3.0"),
        (Check(text="hello {version}"), "hello 1.4.1.", "expected version 1.4 of image %s, got 1.4.1"),
        (Check(text="v{version}"), "v1.4-rc.1", "expected version 1.4 of image %s, got 1.4-rc.1"),
        (Check(text="hello {version}"), "hello 1.4+dirty", "expected version 1.4 of image %s, got 1.4+dirty"),
        (Check(text="hello {version}"), "hello 1.40", "expected version 1.4 of image %s, got 1.40"),
        (Check(text="{version} goodbye"), "2.1.4 goodbye", "expected version 1.4 of image %s, got 2.1.4"),
        (Check(text="{version}"), "11.4", "expected version 1.4 of image %s, got '11.4'"),
        (Check(matches="hello {version}"), "hello 1.4.1", r"the body does not match 'hello 1\\.4'"),
        (Check(text="{version}"), "1.3", "expected version 1.4 of image %s, got '1.3'"),
        (
            Check(text="hello {version}"),
            "goodbye 1.3",
            "the body does not contain 'hello 1.4'; it begins 'goodbye 1.3'",
        ),
        (
            Check(response_headers={"X-Version": "{version}"}),
            "",
            "there is no header X-Version, expected one with '1.4'",
        ),
    ],
)
def test_another_version(check: Check, body: str, words: str) -> None:
    """An answer of another version is told as such: version and image expected, version that came."""
    shown = words.replace("%s", "sha256:0123456789ab")
    assert (problem(check, body, image=IMAGE) or "").startswith(shown)
    without = words.replace(" of image %s", "")
    assert (problem(check, body) or "").startswith(without)


def test_another_version_in_a_header() -> None:
    """The version may stand in a header as well."""
    check = Check(response_headers={"X-Version": "v{version}"})
    assert problem(check, headers={"x-version": "v1.4"}) is None
    assert problem(check, headers={"x-version": "v1.3"}) == "expected version 1.4, got 1.3"
    assert problem(check, headers={"x-version": "v1.4.2"}) == "expected version 1.4, got 1.4.2"


def test_headers() -> None:
    """A header's name does not mind capitals, its value contains what is asked for."""
    check = Check(response_headers={"content-TYPE": "text/html", "X-Frame-Options": ""})
    sent = {"content-type": "text/html; charset=utf-8", "x-frame-options": "DENY"}
    assert problem(check, headers=sent) is None
    plain = {**sent, "content-type": "text/plain"}
    words = "the header content-TYPE is 'text/plain', expected one with 'text/html'"
    assert problem(check, headers=plain) == words
    missing = {"content-type": "text/html"}
    assert problem(check, headers=missing) == "there is no header X-Frame-Options, expected one with ''"


@pytest.mark.parametrize(
    ("wanted", "location"),
    [
        ("/login", "http://127.0.0.1:8080/login"),
        ("/login?next=/{version}", "http://127.0.0.1:8080/login?next=/1.4"),
        ("https://shop.example/", "https://shop.example/"),
    ],
)
def test_redirect(wanted: str, location: str) -> None:
    """A redirect leads where it should, to a path of the app's or to a whole address, with any code that redirects."""
    assert problem(Check(redirect=wanted), status=302, location=location) is None
    assert problem(Check(redirect=wanted, status=308), status=308, location=location) is None
    assert "expected 301" in (problem(Check(redirect=wanted, status=301), status=302, location=location) or "")
    elsewhere = problem(Check(redirect=wanted), status=302, location="https://shop.example/x")
    assert elsewhere is not None
    assert elsewhere.startswith("it redirects to https://shop.example/x, expected http")


def test_redirect_below_a_prefix() -> None:
    """A path is one of the app's, wherever the app lives."""
    base_url = BaseUrl(scheme="https", host="shop.example", port=443, prefix="/app")
    location = "https://shop.example/app/login"
    assert problem(Check(redirect="/login"), status=302, location=location, base_url=base_url) is None


def test_the_words_of_others() -> None:
    """What came is shown without control characters, and not all of it."""
    found = problem(Check(), "\x1b[31mboom\x00" + "x" * 5000, status=500)
    assert found is not None
    assert found.startswith("status 500, expected 200; the body begins 'boomxxx")
    assert len(found) < 560


def test_a_redirect_that_is_no_answer() -> None:
    """A redirect in an answer's place tells where it leads."""
    found = problem(Check(status=304), status=302, location="http://evil.invalid/")
    assert found == "status 302 (to http://evil.invalid/), expected 304"


def test_too_large() -> None:
    """A body that was cut is wrong, whatever stands in it."""
    answer = Response(status=200, body=b"hello", cut=True)
    found = problem_with(Check(text="hello"), answer, Expected(version="1"), SITE)
    assert found == "the body is larger than 1,048,576 bytes"


@pytest.mark.parametrize("value", [1, "x", None, [1, {"a": []}], {"a": {"b": True}}, 1.5])
def test_whatever_is_equal_fits(value: Any) -> None:
    """JSON fits itself."""
    assert problem(Check(json=[value]), json.dumps([value])) is None
