"""A URL names where an app answers, or it is refused before anybody is asked."""

from __future__ import annotations

import pytest

from seatrial.checks.http.base_url import Site, parse_site
from seatrial.errors import UsageError


@pytest.mark.parametrize(
    ("text", "site", "shown"),
    [
        ("https://shop.example", Site(scheme="https", host="shop.example", port=443), "https://shop.example"),
        ("https://Shop.Example/", Site(scheme="https", host="shop.example", port=443), "https://shop.example"),
        ("http://localhost:8080/", Site(host="localhost", port=8080), "http://localhost:8080"),
        ("http://h:80/a/b//", Site(host="h", port=80, prefix="/a/b"), "http://h/a/b"),
        ("http://[::1]:5000", Site(host="::1", port=5000), "http://[::1]:5000"),
        (
            "https://bücher.example",
            Site(scheme="https", host="xn--bcher-kva.example", port=443),
            "https://xn--bcher-kva.ex",
        ),
    ],
)
def test_a_url(text: str, site: Site, shown: str) -> None:
    """Scheme, host, port and the path before the checks' own."""
    assert parse_site(text) == site
    assert str(site).startswith(shown)


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
        parse_site(text)
    assert caught.value.exit_code == 2
    assert words in caught.value.why
    assert caught.value.mend == "--url https://HOST[:PORT][/PATH]"


def test_a_password_is_not_shown() -> None:
    """A password in a URL is refused, and not repeated."""
    with pytest.raises(UsageError) as caught:
        parse_site("https://captain:S3ntinel@shop.example/")
    assert "S3ntinel" not in f"{caught.value} {caught.value.mend}"


def test_addresses() -> None:
    """A path of the app's is one below its prefix; a whole address stays what it is."""
    site = parse_site("https://shop.example/app")
    assert site.url("/x?y=z") == "https://shop.example/app/x?y=z"
    assert site.url("https://other.example/") == "https://other.example/"
    assert site.place("https://shop.example/app/x?y=z#top") == "/app/x?y=z"
    assert site.place("https://shop.example:443") == "/"
    assert site.place("http://shop.example/app/x") is None
    assert site.led_to("https://shop.example/app/a/b", "../c") == "https://shop.example/app/c"
