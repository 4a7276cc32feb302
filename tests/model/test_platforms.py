"""Platforms and their aliases."""

from __future__ import annotations

import pytest

from seatrial.errors import UsageError
from seatrial.model.platforms import normal_platform, parse_platform, platform_arguments


@pytest.mark.parametrize(
    ("text", "usual"),
    [
        *(("linux/x86_64", "linux/amd64"), ("linux/amd64/v1", "linux/amd64"), ("linux/amd64/v3", "linux/amd64/v3")),
        *(("linux/aarch64", "linux/arm64"), ("linux/arm64/v8", "linux/arm64"), ("linux/arm", "linux/arm/v7")),
        *(("linux/arm/v6", "linux/arm/v6"), ("windows/amd64", "windows/amd64")),
    ],
)
def test_usual_names(text: str, usual: str) -> None:
    """All aliases of a platform become its usual name, and the usual name stays the same."""
    assert parse_platform(text) == usual == normal_platform(usual)


@pytest.mark.parametrize("text", ["", "linux", "linux/", "amd64\n", "linux/amd64/x", "Linux/amd64", "a/b/v1/c"])
def test_bad_platforms(text: str) -> None:
    """A platform that Docker would not understand is refused with an example that can be typed."""
    with pytest.raises(UsageError) as caught:
        parse_platform(text)
    assert caught.value.hint == "--platform linux/amd64"


def test_arguments() -> None:
    """The arguments cover the target platform and the build platform."""
    assert platform_arguments("linux/arm/v7", "linux/amd64") == {
        "TARGETPLATFORM": "linux/arm/v7",
        "TARGETOS": "linux",
        "TARGETARCH": "arm",
        "TARGETVARIANT": "v7",
        "BUILDPLATFORM": "linux/amd64",
        "BUILDOS": "linux",
        "BUILDARCH": "amd64",
        "BUILDVARIANT": "",
    }
