"""A response is compared with its check, and the problem names what came and what was expected."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.response import Expected, Response, problem_with
from seatrial.diagnosis.answers import deployed_cause
from seatrial.model.app import Check

BASE_URL = BaseUrl(port=8080)
IMAGE = "sha256:" + "0123456789abcdef" * 4


def problem(
    check: Check,
    body: str = "",
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    location: str | None = None,
    image: str | None = None,
    base_url: BaseUrl = BASE_URL,
) -> str | None:
    """Return what is wrong with a response to a check of version 1.4."""
    response = Response(status=status, body=body.encode(), headers=headers or {}, location=location)
    return problem_with(check, response, Expected(version="1.4", image=image), base_url)


@pytest.mark.parametrize(
    ("check", "body"),
    [
        (Check(), ""),
        (Check(text="{version}"), "this is 1.4."),
        (Check(text=("a {version}", "b{version}", "{version}-c")), "a 1.4, b1.4 and 1.4-c"),
        (Check(text="hello {version}"), "hello 1.4.0? No: hello 1.4"),
        (Check(not_text=("Traceback", "v{version}")), "this is 1.4."),
        (Check(matches=r"^is \d+\.\d+$"), "is 14.0"),
        (Check(matches=r"(?m)^v{version}$"), "one\nv1.4\ntwo"),
        (Check(json={"a": 1}), '{"a": 1.0}'),
        (Check(json={"a": {"b": [{"c": 1}, 2]}}), '{"a": {"b": [{"c": 1, "d": 3}, 2], "e": 0}, "f": null}'),
        (Check(json={"a": None}), '{"a": null}'),
        (Check(json={"v": ["{version}", {"{version}": None}, 1]}), '{"v": ["1.4", {"1.4": null}, 1]}'),
        (Check(json="{version}"), '"1.4"'),
        (Check(json=False), "false"),
    ],
)
def test_right(check: Check, body: str) -> None:
    """A right answer has no problem: it contains the text and the JSON, with the version for `{version}`."""
    assert problem(check, body) is None


@pytest.mark.parametrize(
    ("check", "body", "parts"),
    [
        (Check(text=("good", "hello")), "good bye", ("'hello'",)),
        (Check(matches="v{version}"), "v1x4", (r"'v1\\.4'",)),
        (Check(json={"a": 1}), '{"a": true}', (" true ", "$.a", " 1")),
        (Check(json={"a": False}), '{"a": 0}', (" 0 ", "$.a", " false")),
        (Check(json={"a": "1"}), '{"a": 1}', (" 1 ", "$.a", ' "1"')),
        (Check(json={"a": {"b": 1}}), '{"a": [1]}', ("[1]", "$.a", '{"b": 1}')),
        (Check(json=[1, 2]), "[1, 2, 3]", ("[1, 2, 3]", "[1, 2]")),
        (Check(json=[{"a": 1}, {"a": 2}]), '[{"a": 1}, {"a": 3}]', (" 3 ", "$[1].a", " 2")),
        (Check(json=[]), "[" * 100_000, ("JSON",)),
    ],
)
def test_wrong(check: Check, body: str, parts: tuple[str, ...]) -> None:
    """The problem names the first place that is wrong, what came, and what was expected."""
    found = problem(check, body) or ""
    assert [part for part in parts if part not in found] == []


@pytest.mark.parametrize(
    ("check", "body", "got"),
    [
        (Check(json={"version": "{version}"}), '{"version": "1.3"}', "1.3"),
        (Check(json={"version": "{version}"}), '{"version": 1.3}', "1.3"),
        (Check(json={"version": "{version}"}), '{"version": null}', "null"),
        (Check(text="hello {version}"), "<p>hello 1.3.0</p>", "1.3.0"),
        (Check(text="hello {version}"), "hello 1.4.1.", "1.4.1"),
        (Check(text="v{version}"), "v1.4-rc.1", "1.4-rc.1"),
        (Check(text="hello {version}"), "hello 1.40", "1.40"),
        (Check(text="{version} goodbye"), "2.1.4 goodbye", "2.1.4"),
        (Check(text="{version}"), "11.4", "'11.4'"),
        (Check(text="{version}"), "1.3", "'1.3'"),
    ],
)
def test_another_version(check: Check, body: str, got: str) -> None:
    """An answer of another version is that cause; the problem names the version and image expected, and what came."""
    for image in (IMAGE, None):
        found = problem(check, body, image=image) or ""
        assert deployed_cause(found) == "wrong-version"
        assert found.endswith(f" {got}")
        assert " 1.4" in found
        assert ("sha256:0123456789ab" in found) is (image is not None)


@pytest.mark.parametrize(
    ("check", "body"),
    [
        (Check(matches="hello {version}"), "hello 1.4.1"),
        (Check(text="hello {version}"), "goodbye 1.3"),
        (Check(response_headers={"X-Version": "{version}"}), ""),
    ],
)
def test_no_other_version(check: Check, body: str) -> None:
    """An answer without anything like a version in its place is wrong for another reason."""
    found = problem(check, body, image=IMAGE)
    assert found is not None
    assert deployed_cause(found) == "wrong-answer"


def test_headers() -> None:
    """A header's name is compared without regard to case, and its value must contain what is expected."""
    check = Check(response_headers={"content-TYPE": "text/html", "X-Frame-Options": ""})
    sent = {"content-type": "text/html; charset=utf-8", "x-frame-options": "DENY"}
    assert problem(check, headers=sent) is None
    wrong = problem(check, headers={**sent, "content-type": "text/plain"}) or ""
    assert [part in wrong for part in ("content-TYPE", "'text/plain'", "'text/html'")] == [True] * 3
    assert "X-Frame-Options" in (problem(check, headers={"content-type": "text/html"}) or "")


@pytest.mark.parametrize(
    ("wanted", "location"),
    [
        ("/login", "http://127.0.0.1:8080/login"),
        ("/login?next=/{version}", "http://127.0.0.1:8080/login?next=/1.4"),
        ("https://shop.example/", "https://shop.example/"),
    ],
)
def test_redirect(wanted: str, location: str) -> None:
    """A redirect must lead to the expected path or full URL, with any status that redirects."""
    assert problem(Check(redirect=wanted), status=302, location=location) is None
    assert problem(Check(redirect=wanted, status=308), status=308, location=location) is None
    assert "301" in (problem(Check(redirect=wanted, status=301), status=302, location=location) or "")
    assert "https://shop.example/x" in (
        problem(Check(redirect=wanted), status=302, location="https://shop.example/x") or ""
    )


def test_redirect_below_a_prefix() -> None:
    """An expected path is relative to the base URL's prefix."""
    base_url = BaseUrl(scheme="https", host="shop.example", port=443, prefix="/app")
    location = "https://shop.example/app/login"
    assert problem(Check(redirect="/login"), status=302, location=location, base_url=base_url) is None


def test_the_beginning_of_the_body() -> None:
    """The beginning of the body is shown, without control characters."""
    found = problem(Check(), "\x1b[31mboom\x00" + "x" * 5000, status=500)
    assert found is not None
    assert deployed_cause(found) == "server-error"
    assert "'boomxxx" in found
    assert len(found) < 560


def test_another_version_in_a_header() -> None:
    """A header can contain the version, too."""
    check = Check(response_headers={"X-Version": "v{version}"})
    assert problem(check, headers={"x-version": "v1.4"}) is None
    found = problem(check, headers={"x-version": "v1.4.2"}) or ""
    assert (deployed_cause(found), found.rpartition(" ")[2]) == ("wrong-version", "1.4.2")
