"""A base URL is parsed, and an invalid one is refused before any request."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from seatrial.checks.http.base_url import BaseUrl, parse_base_url
from seatrial.errors import UsageError


@pytest.mark.parametrize(
    ("text", "base_url", "shown"),
    [
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
    """A URL is parsed into scheme, host, port and path prefix."""
    assert parse_base_url(text) == replace(base_url, deployed=True)
    assert str(base_url).startswith(shown)


@pytest.mark.parametrize(
    "text",
    [
        "shop.example",
        "ftp://shop.example",
        "https:///x",
        "https://shop example/",
        "https://shop.example:port/",
        "https://shop.example:99999/",
        "https://[::1",
        "https://a..b/",
        "https://shop.example/?a=b",
        "https://shop.example/#top",
    ],
)
def test_an_invalid_url(text: str) -> None:
    """An invalid URL ends the command with exit code 2 and the form of a valid one."""
    with pytest.raises(UsageError) as caught:
        parse_base_url(text)
    assert caught.value.exit_code == 2
    assert caught.value.hint == "--url https://HOST[:PORT][/PATH]"


def test_a_password_is_not_shown() -> None:
    """A URL with a password is refused, and the password is not shown."""
    with pytest.raises(UsageError) as caught:
        parse_base_url("https://alice:S3ntinel@shop.example/")
    assert "S3ntinel" not in f"{caught.value} {caught.value.hint}"


def test_addresses() -> None:
    """A path is put below the prefix; a full URL stays unchanged."""
    base_url = parse_base_url("https://shop.example/app")
    assert base_url.url("/x?y=z") == "https://shop.example/app/x?y=z"
    assert base_url.url("https://other.example/") == "https://other.example/"
    assert base_url.request_target("https://shop.example/app/x?y=z#top") == "/app/x?y=z"
    assert base_url.request_target("https://shop.example:443") == "/"
    assert base_url.request_target("http://shop.example/app/x") is None
    assert base_url.resolve("https://shop.example/app/a/b", "../c") == "https://shop.example/app/c"
