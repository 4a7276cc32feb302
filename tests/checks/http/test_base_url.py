"""A URL names where an app answers, or it is refused before anybody is asked."""

from __future__ import annotations

import pytest

from seatrial.checks.http.base_url import BaseUrl, parse_base_url
from seatrial.errors import UsageError


@pytest.mark.parametrize(
    ("text", "base_url", "shown"),
    [
        ("https://shop.example", BaseUrl(scheme="https", host="shop.example", port=443), "https://shop.example"),
        ("https://Shop.Example/", BaseUrl(scheme="https", host="shop.example", port=443), "https://shop.example"),
        ("http://localhost:8080/", BaseUrl(host="localhost", port=8080), "http://localhost:8080"),
        ("http://h:80/a/b//", BaseUrl(host="h", port=80, prefix="/a/b"), "http://h/a/b"),
        ("http://[::1]:5000", BaseUrl(host="::1", port=5000), "http://[::1]:5000"),
        (
            "https://bücher.example",
            BaseUrl(scheme="https", host="xn--bcher-kva.example", port=443),
            "https://xn--bcher-kva.ex",
        ),
    ],
)
def test_a_url(text: str, base_url: BaseUrl, shown: str) -> None:
    """Scheme, host, port and the path before the checks' own."""
    assert parse_base_url(text) == base_url
    assert str(base_url).startswith(shown)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "begins with https://"),
        ("shop.example", "begins with https://"),
        ("ftp://shop.example", "begins with https://"),
        ("https://", "begins with https://"),
        ("https:///x", "begins with https://"),
        ("https://shop example/", "begins with https://"),
        ("https://shop.example/\n", "begins with https://"),
        ("https://shop.example:port/", "cannot be read"),
        ("https://shop.example:99999/", "cannot be read"),
        ("https://shop.example:0/", "begins with https://"),
        ("https://[::1", "cannot be read"),
        ("https://a..b/", "cannot be read"),
        ("https://shop.example/?a=b", "no ?"),
        ("https://shop.example/#top", "no #"),
    ],
)
def test_no_url(text: str, words: str) -> None:
    """What is no URL is told with exit code 2 and a model."""
    with pytest.raises(UsageError) as caught:
        parse_base_url(text)
    assert caught.value.exit_code == 2
    assert words in caught.value.reason
    assert caught.value.hint == "--url https://HOST[:PORT][/PATH]"


def test_a_password_is_not_shown() -> None:
    """A password in a URL is refused, and not repeated."""
    with pytest.raises(UsageError) as caught:
        parse_base_url("https://alice:S3ntinel@shop.example/")
    assert "S3ntinel" not in f"{caught.value} {caught.value.hint}"


def test_addresses() -> None:
    """A path of the app's is one below its prefix; a whole address stays what it is."""
    base_url = parse_base_url("https://shop.example/app")
    assert base_url.url("/x?y=z") == "https://shop.example/app/x?y=z"
    assert base_url.url("https://other.example/") == "https://other.example/"
    assert base_url.place("https://shop.example/app/x?y=z#top") == "/app/x?y=z"
    assert base_url.place("https://shop.example:443") == "/"
    assert base_url.place("http://shop.example/app/x") is None
    assert base_url.resolve("https://shop.example/app/a/b", "../c") == "https://shop.example/app/c"
