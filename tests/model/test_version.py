"""A version is what can be a tag, and only a plain release moves other tags."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.errors import UsageError
from seatrial.model.reference import ImageReference
from seatrial.model.version import DEFAULT_TAGS, UNVERSIONED, Tags, Version, parse_tag_patterns

VERSIONS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True).map(Version.parse)
RELEASES = st.lists(st.integers(0, 10**6), min_size=1, max_size=4).map(lambda some: Version(".".join(map(str, some))))
NO_RELEASES = [
    *("1.4.2rc1", "1.4.2-rc.1", "1.4.2.dev3", "1.4.2b2", "1.4.2a1", "1.4-alpha", "1.4.2.post1", "1.4.2-1", "1.0-b"),
    *("1.4.2-3-gabc1234", "1.4.2-3-gabc1234-dirty", "1.4.2-dirty", "abc1234", "g1234567", "g1234567-dirty"),
    *("1.", "1..2", "1.4_2", "1e3", "vv1", "V1", "latest", "_", UNVERSIONED),
]


@pytest.mark.parametrize("text", ["1", "1.4.2", "0", "a-b_c.d", "v", "vintage", "x" * 128, *NO_RELEASES])
def test_good_versions(text: str) -> None:
    """Whatever can be an image's tag can be a version, and stays as it was typed."""
    assert str(Version.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "plain"), [("v1.4.2", "1.4.2"), ("v1", "1"), ("v0.1-rc1", "0.1-rc1"), ("v1v2", "1v2")]
)
def test_leading_v(text: str, plain: str) -> None:
    """A v before a number belongs to the tag in git, not to the version."""
    assert Version.parse(text) == Version.parse(plain)
    assert str(Version.parse(text)) == plain


@pytest.mark.parametrize(
    ("text", "nearest", "reason"),
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
def test_bad_versions(text: str, nearest: str, reason: str) -> None:
    """What cannot be a tag ends with exit code 2: the rule, and the nearest version that can be."""
    with pytest.raises(UsageError) as caught:
        Version.parse(text)
    assert caught.value.exit_code == 2
    assert caught.value.hint == f"--version {nearest}"
    assert reason in caught.value.reason


@given(st.text(max_size=200))
def test_nearest_is_good(text: str) -> None:
    """Any text is a version, or the one that is proposed in its place is."""
    try:
        version = Version.parse(text)
    except UsageError as error:
        version = Version.parse(error.hint.removeprefix("--version "))
    assert Version.parse(str(version)) == version
    assert ImageReference.parse(f"app:{version}").tag == str(version)


@pytest.mark.parametrize(
    ("text", "moving"),
    [
        ("1.4.2", ("1.4", "1", "latest")),
        ("1.4.2.1", ("1.4", "1", "latest")),
        ("1.4", ("1", "latest")),
        ("1", ("latest",)),
        ("0.4.2", ("0.4", "latest")),
        ("0.4", ("latest",)),
        ("0", ("latest",)),
        ("24.04.1", ("24.04", "24", "latest")),
        ("24.04", ("24", "latest")),
    ],
)
def test_releases(text: str, moving: tuple[str, ...]) -> None:
    """A release has its own tag and moves those of its minor, its major and `latest`; major 0 has none of its own."""
    assert Version.parse(text).tags() == Tags(own=(text,), moving=moving)


@pytest.mark.parametrize("text", NO_RELEASES)
def test_all_else_moves_nothing(text: str) -> None:
    """Pre-releases, post-releases, what git describes, hashes and mere names have their own tag and no other."""
    version = Version.parse(text)
    assert version.tags() == Tags(own=(text,))
    assert version.release is None


def test_moves_nothing_when_it_may_not() -> None:
    """A release that is to move nothing has its own tag alone."""
    assert Version.parse("1.4.2").tags(moves=False) == Tags(own=("1.4.2",))


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
    """Patterns of one's own make the tags instead, each tag once, and none of a part that the version has not."""
    found = Version.parse(text).tags(parse_tag_patterns(patterns))
    assert found == tags
    assert found.all == (*tags.own, *tags.moving)


@pytest.mark.parametrize("patterns", [("v{version}",), ("{version}", "v{major}")])
def test_pattern_makes_it_too_long(patterns: tuple[str, ...]) -> None:
    """A version that fits only without what a pattern adds is refused."""
    with pytest.raises(UsageError, match="cannot be an image's tag"):
        Version.parse("1" * 128).tags(patterns)


@given(VERSIONS | RELEASES)
def test_tags_are_legal(version: Version) -> None:
    """All tags of any version can stand in an image's name, the version's own first, and none is there twice."""
    tags = version.tags()
    assert tags.all[0] == str(version)
    assert len(set(tags.all)) == len(tags.all)
    for tag in tags.all:
        assert ImageReference.parse(f"app:{tag}").tag == tag


@pytest.mark.parametrize(
    ("patterns", "reason"),
    [
        (("{version}", "{mayor}"), "{mayor} stands for nothing"),
        (("{version}", "{}"), "{} stands for nothing"),
        (("{version}-{major}",), "{major} stands for nothing beside {version}"),
        (("{version}", "a b"), "letters, digits"),
        (("{version}", "-{major}"), "begins with"),
        (("{version}", "{major"), "letters, digits"),
        (("{version}", "{{major}}"), "letters, digits"),
        (("{version}", "{major!r}"), "letters, digits"),
        (("{version}", ""), "empty"),
        (("{version}", "x" * 129), "at most 128"),
        (("latest", "{major}"), "none of its patterns has {version}"),
        ((), "none of its patterns has {version}"),
    ],
)
def test_bad_patterns(patterns: tuple[str, ...], reason: str) -> None:
    """Patterns that make no tag, or none of the version's own, end with exit code 2 and the reason."""
    with pytest.raises(UsageError) as caught:
        parse_tag_patterns(patterns)
    assert caught.value.exit_code == 2
    assert reason in caught.value.reason
    assert "tags" in caught.value.message


def test_default_patterns_are_good() -> None:
    """The default patterns are patterns."""
    assert parse_tag_patterns(list(DEFAULT_TAGS)) == DEFAULT_TAGS


def test_published() -> None:
    """Among a registry's tags the versions are found by the patterns of their own tags; what is none is passed over."""
    tags = ["v1.4.2", "1.3", "v1", "stable", "v", "v+", "web-v2"]
    assert Version.published(tags, ("v{version}", "v{major}", "stable")) == [Version("1.4.2"), Version("1")]
    assert Version.published(["latest", "v2", "1.4.2"]) == [Version("latest"), Version("2"), Version("1.4.2")]
    assert Version.published(["v1.4+x", "v1x4"], ("v1.{version}",)) == []
    assert Version.published([]) == []


@given(VERSIONS | RELEASES, st.sampled_from([DEFAULT_TAGS, ("r.{version}", "latest"), ("{version}", "v{version}")]))
def test_published_gives_it_back(version: Version, patterns: tuple[str, ...]) -> None:
    """Whoever published a version under its own tags finds it there again."""
    try:
        own = version.tags(patterns).own
    except UsageError:
        assert len(str(version)) > 126
        return
    assert version in Version.published(own, patterns)


@pytest.mark.parametrize(
    ("newer", "older"), [("1.10", "1.9"), ("1.4.3", "1.4.2"), ("2", "1.99.99"), ("1.5.0.1", "1.5"), ("1", "0.9")]
)
def test_newer(newer: str, older: str) -> None:
    """Releases are compared number by number, not letter by letter."""
    assert Version(newer).newer_than(Version(older))
    assert not Version(older).newer_than(Version(newer))


@pytest.mark.parametrize(
    ("one", "other"),
    [("1.5", "1.5.0"), ("0", "0.0"), ("1", "1"), ("2.0-rc1", "1.0"), ("2.0", "1.0-rc1"), ("dev", "1"), ("1", "latest")],
)
def test_neither_is_newer(one: str, other: str) -> None:
    """Zeros at the end make no difference, and what is no release is neither newer nor older than anything."""
    assert not Version(one).newer_than(Version(other))
    assert not Version(other).newer_than(Version(one))


@given(RELEASES, RELEASES)
def test_one_is_newer_or_both_are_the_same(one: Version, other: Version) -> None:
    """Of two releases one is newer than the other, unless their numbers are the same."""
    assert one.newer_than(other) + other.newer_than(one) == (one.ordered != other.ordered)
