"""A version and the tags it is published under."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property

from msgspec import Struct

from seatrial.errors import UsageError, sanitize
from seatrial.model.tag import TAG, check_version, reason_against

__all__ = ["DEFAULT_TAGS", "UNVERSIONED", "Tags", "Version", "parse_tag_patterns"]

UNVERSIONED = "dev"
DEFAULT_TAGS = ("{version}", "{major}.{minor}", "{major}", "latest")
"""The tags of a release: its own tag and the moving tags."""
_RELEASE = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_PREFIXED = re.compile(r"v(?=[0-9])")
_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_OWN = "{version}"
_PARTS = ("major", "minor", "patch")


class Tags(Struct, frozen=True, kw_only=True):
    """The tags of one version.

    `own` tags belong to the version alone and never move. `moving` tags move from version to version.
    """

    own: tuple[str, ...]
    moving: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """All tags, the version's own first."""
        return (*self.own, *self.moving)


class Version(Struct, frozen=True, dict=True):
    """A version; its text is a valid image tag."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Version:
        """Parse a version; a `v` before a number is dropped, as in docker/metadata-action.

        Raise `UsageError` with the nearest valid version if `text` cannot be a tag.
        """
        check_version(text)
        return cls(_PREFIXED.sub("", text, count=1) if _PREFIXED.match(text) else text)

    def __str__(self) -> str:
        return self.text

    @cached_property
    def release(self) -> tuple[int, ...] | None:
        """The numbers of a release (`1.4.2`); None for any other version. Only a release moves tags."""
        return tuple(map(int, self.text.split("."))) if _RELEASE.fullmatch(self.text) else None

    def tags(self, patterns: Sequence[str] = DEFAULT_TAGS, *, moves: bool = True) -> Tags:
        """Return the tags that these patterns make for this version; with `moves` False only its own tags.

        Only a release has moving tags. Major 0 promises no compatibility, so 0.4.2 moves `0.4` but not `0`. A pattern
        makes no tag if the version lacks one of its parts, as 1.4 lacks `{patch}`.
        """
        own = tuple(dict.fromkeys(pattern.replace(_OWN, self.text) for pattern in patterns if _OWN in pattern))
        moving: dict[str, None] = {}
        if self.release is not None and moves:
            parts = dict(zip(_PARTS, self.text.split("."), strict=False))  # as text: 24.04 is not 24.4
            for pattern in patterns:
                named = _PLACEHOLDER.findall(pattern)
                unstable = "major" in named and "minor" not in named and self.release[0] == 0
                if _OWN not in pattern and not unstable and parts.keys() >= set(named):
                    moving[pattern.format(**parts)] = None
        tags = Tags(own=own, moving=tuple(tag for tag in moving if tag not in own))
        for tag in tags.all:
            if tag != self.text:
                Version.parse(tag)  # raises if the pattern made the tag too long
        return tags

    @classmethod
    def published(cls, tags: Iterable[str], patterns: Sequence[str] = DEFAULT_TAGS) -> list[Version]:
        """Return the versions whose own tags are among `tags`; `patterns` say what an own tag looks like."""
        own = [re.escape(pattern).replace(re.escape(_OWN), "(.+)") for pattern in patterns if _OWN in pattern]
        found = (re.fullmatch(pattern, tag) for tag in tags for pattern in own)
        return [cls.parse(match[1]) for match in found if match and TAG.fullmatch(match[1])]

    @property
    def ordered(self) -> tuple[int, ...]:
        """The numbers of a release without zeros at the end, for comparing: 1.5 equals 1.5.0."""
        numbers = list(self.release or ())
        while numbers and numbers[-1] == 0:
            numbers.pop()
        return tuple(numbers)

    def newer_than(self, other: Version) -> bool:
        """Return whether both are releases and this one is newer."""
        return self.release is not None and other.release is not None and self.ordered > other.ordered


def parse_tag_patterns(patterns: Sequence[str]) -> tuple[str, ...]:
    """Return tag patterns such as `{major}.{minor}`; raise `UsageError` if one is not valid."""
    for pattern in patterns:
        names = _PLACEHOLDER.findall(pattern)
        known = ("version",) if "version" in names else _PARTS  # the version and its parts do not mix
        unknown = [name for name in names if name not in known]
        sample = _PLACEHOLDER.sub("1", pattern)
        if unknown or not TAG.fullmatch(sample):
            raise UsageError(
                f"{sanitize(repr(pattern), limit=60)} is not a valid tag pattern",
                reason=f"{{{unknown[0]}}} {'cannot be used with ' + _OWN if _OWN in pattern else 'is not known'}"
                if unknown
                else reason_against(sample),
                hint="write a pattern such as v{major}: it can contain {version}, {major}, {minor}, {patch}, "
                "letters, digits, _ . and -",
            )
    if not any(_OWN in pattern for pattern in patterns):
        raise UsageError(
            "there is no tag of the version's own",
            reason="no pattern contains {version}, and each version needs a tag of its own",
            hint='tags: ["{version}", latest]',
        )
    return tuple(patterns)
