"""A version is what can be a tag, and only a plain release number moves `latest`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import UsageError
from lading.reference import ImageReference
from lading.version import UNVERSIONED, Version


@pytest.mark.parametrize("text", ["1", "1.4.2", "v1", "latest", "_", "0", "a-b_c.d", "1.0-b", "x" * 128, UNVERSIONED])
def test_good_versions(text: str) -> None:
    """Whatever can be an image's tag can be a version, and stays as it was typed."""
    assert str(Version.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "nearest", "why"),
    [
        ("", "1", "empty"),
        (" 1", "1", "begins with"),
        ("1\n", "1", "begins with"),
        ("-1", "1", "begins with"),
        (".1", "1", "begins with"),
        ("1.0+b", "1.0-b", "letters, digits"),
        ("x" * 129, "x" * 128, "128 characters, this has 129"),
        ("\uff11.\uff10", "1", "letters, digits"),
        ("1\0", "1", "letters, digits"),
        ("a/b", "a-b", "letters, digits"),
        ("1:2", "1-2", "letters, digits"),
        ("+", "1", "letters, digits"),
    ],
)
def test_bad_versions(text: str, nearest: str, why: str) -> None:
    """What cannot be a tag ends with exit code 2: the rule, and the nearest version that can be."""
    with pytest.raises(UsageError) as caught:
        Version.parse(text)
    assert caught.value.exit_code == 2
    assert caught.value.mend == f"--version {nearest}"
    assert why in caught.value.why


@given(st.text(max_size=200))
def test_nearest_is_good(text: str) -> None:
    """Any text is a version, or the one that is proposed in its place is."""
    try:
        version = Version.parse(text)
    except UsageError as error:
        version = Version.parse(error.mend.removeprefix("--version "))
    assert Version.parse(str(version)) == version
    assert ImageReference.parse(f"app:{version}").tag == str(version)


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("1", ("1", "latest")),
        ("1.4.2", ("1.4.2", "latest")),
        ("v2", ("v2", "latest")),
        ("1.0-rc1", ("1.0-rc1",)),
        ("1.4.2-3-gabc1234-dirty", ("1.4.2-3-gabc1234-dirty",)),
        ("abc1234", ("abc1234",)),
        (UNVERSIONED, (UNVERSIONED,)),
        ("latest", ("latest",)),
    ],
)
def test_tags(text: str, tags: tuple[str, ...]) -> None:
    """The version's own tag comes first; `latest` follows only behind a plain release number."""
    version = Version.parse(text)
    assert version.tags == tags
    assert version.is_release == (len(tags) > 1)
