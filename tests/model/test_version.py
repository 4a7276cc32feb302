"""A version is any text that can be a tag, and only a release moves other tags."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.errors import UsageError
from seatrial.model.reference import ImageReference
from seatrial.model.version import DEFAULT_TAGS, UNVERSIONED, Tags, Version, parse_tag_patterns

VERSIONS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True).map(Version.parse)
RELEASES = st.lists(st.integers(0, 10**6), min_size=1, max_size=4).map(lambda some: Version(".".join(map(str, some))))
NOT_RELEASES = [
    *("1.4.2rc1", "1.4.2-rc.1", "1.4.2.dev3", "1.4.2-1", "1.4.2-3-gabc1234-dirty", "abc1234", "g1234567"),
    *("1.", "1..2", "1.4_2", "1e3", "vv1", "V1", "latest", "_", UNVERSIONED),
]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        *((text, text) for text in ("1", "1.4.2", "0", "a-b_c.d", "v", "vintage", "x" * 128, *NOT_RELEASES)),
        *(("v1.4.2", "1.4.2"), ("v1", "1"), ("v0.1-rc1", "0.1-rc1"), ("v1v2", "1v2")),
    ],
)
def test_good_versions(text: str, plain: str) -> None:
    """Any text that can be an image tag is a version; a v before a number belongs to the git tag."""
    assert str(Version.parse(text)) == plain
    assert Version.parse(text) == Version.parse(plain)


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        *(("", "1"), (" 1", "1"), ("1\n", "1"), ("-1", "1"), (".1", "1"), ("1\0", "1"), ("+", "1")),
        *(("1.0+b", "1.0-b"), ("a/b", "a-b"), ("1:2", "1-2"), ("x" * 129, "x" * 128), ("\uff11.\uff10", "1")),
    ],
)
def test_bad_versions(text: str, nearest: str) -> None:
    """A text that cannot be a tag ends with exit code 2 and the nearest valid version."""
    with pytest.raises(UsageError) as caught:
        Version.parse(text)
    assert caught.value.exit_code == 2
    assert caught.value.hint == f"--version {nearest}"


@settings(max_examples=50)
@given(st.text(max_size=200))
def test_nearest_is_good(text: str) -> None:
    """Any text is a version, or the version in the hint is valid."""
    try:
        version = Version.parse(text)
    except UsageError as error:
        version = Version.parse(error.hint.removeprefix("--version "))
    assert Version.parse(str(version)) == version
    assert ImageReference.parse(f"app:{version}").tag == str(version)


@pytest.mark.parametrize(
    ("text", "moving"),
    [
        *(("1.4.2", ("1.4", "1", "latest")), ("1.4.2.1", ("1.4", "1", "latest")), ("1.4", ("1", "latest"))),
        *(("1", ("latest",)), ("0.4.2", ("0.4", "latest")), ("0.4", ("latest",)), ("0", ("latest",))),
        *(("24.04.1", ("24.04", "24", "latest")), ("24.04", ("24", "latest"))),
        *((text, ()) for text in NOT_RELEASES),
    ],
)
def test_tags(text: str, moving: tuple[str, ...]) -> None:
    """A version has its own tag; a release moves its minor's, its major's (but 0) and `latest`, unless it may not."""
    version = Version.parse(text)
    assert version.tags() == Tags(own=(text,), moving=moving)
    assert version.tags(moves=False) == Tags(own=(text,))
    assert (version.release is None) == (not moving)


@pytest.mark.parametrize(
    ("text", "patterns", "tags"),
    [
        ("1.4.2", ("v{version}",), Tags(own=("v1.4.2",))),
        ("1.4.2", ("v{version}", "v{major}", "stable"), Tags(own=("v1.4.2",), moving=("v1", "stable"))),
        ("1.4.2-rc1", ("v{version}", "v{major}", "stable"), Tags(own=("v1.4.2-rc1",))),
        ("0.4.2", ("{version}", "v{major}-slim", "v{major}.{minor}"), Tags(own=("0.4.2",), moving=("v0.4",))),
        ("1.4", ("{version}", "{major}.{minor}.{patch}", "x"), Tags(own=("1.4",), moving=("x",))),
        ("1", ("{version}", "{version}-slim", "1-slim", "1"), Tags(own=("1", "1-slim"))),
        ("1.4.2", ("latest", "{version}", "latest", "{version}"), Tags(own=("1.4.2",), moving=("latest",))),
    ],
)
def test_own_patterns(text: str, patterns: tuple[str, ...], tags: Tags) -> None:
    """Patterns from the settings replace the default ones; each tag is there once, and a missing part makes none."""
    found = Version.parse(text).tags(parse_tag_patterns(patterns))
    assert found == tags
    assert found.all == (*tags.own, *tags.moving)


@given(VERSIONS | RELEASES)
def test_tags_are_legal(version: Version) -> None:
    """All tags of a version are valid in an image name; its own is the first, and none is there twice."""
    tags = version.tags()
    assert tags.all[0] == str(version)
    assert len(set(tags.all)) == len(tags.all)
    for tag in tags.all:
        assert ImageReference.parse(f"app:{tag}").tag == tag


@pytest.mark.parametrize(
    ("patterns", "wrong"),
    [
        *((("{version}", wrong), wrong) for wrong in ("{mayor}", "{}", "a b", "-{major}", "{major", "{{major}}")),
        *((("{version}", "{major!r}"), "{major!r}"), (("{version}", ""), "''"), (("{version}", "x" * 129), "x" * 50)),
        *((("{version}-{major}",), "{version}-{major}"), (("latest", "{major}"), "version's own"), ((), "own")),
    ],
)
def test_bad_patterns(patterns: tuple[str, ...], wrong: str) -> None:
    """A pattern that makes no valid tag, or no tag of the version's own, ends with exit code 2 and is named."""
    with pytest.raises(UsageError) as caught:
        parse_tag_patterns(patterns)
    assert caught.value.exit_code == 2
    assert wrong in caught.value.message
    assert parse_tag_patterns(list(DEFAULT_TAGS)) == DEFAULT_TAGS
    with pytest.raises(UsageError):
        Version.parse("1" * 128).tags(("{version}-{major}",))


def test_published() -> None:
    """Versions are found among a registry's tags by the patterns of their own tags; other tags are ignored."""
    tags = ["v1.4.2", "1.3", "v1", "stable", "v", "v+", "web-v2"]
    assert Version.published(tags, ("v{version}", "v{major}", "stable")) == [Version("1.4.2"), Version("1")]
    assert Version.published(["latest", "v2", "1.4.2"]) == [Version("latest"), Version("2"), Version("1.4.2")]
    assert Version.published(["v1.4+x", "v1x4"], ("v1.{version}",)) == []
    assert Version.published([]) == []


@pytest.mark.parametrize(
    ("one", "other", "newer"),
    [
        *(("1.10", "1.9", True), ("1.4.3", "1.4.2", True), ("2", "1.99.99", True), ("1.5.0.1", "1.5", True)),
        *(("1.5", "1.5.0", False), ("0", "0.0", False), ("2.0-rc1", "1.0", False), ("2.0", "1.0-rc1", False)),
        *(("dev", "1", False), ("1", "latest", False)),
    ],
)
def test_newer(one: str, other: str, *, newer: bool) -> None:
    """Releases are compared by numbers, without zeros at the end; another version is neither newer nor older."""
    assert Version(one).newer_than(Version(other)) is newer
    assert not Version(other).newer_than(Version(one))
