"""What `--version` said, and the tags it fans out to."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lading.errors import UsageError, cleaned

__all__ = ["UNVERSIONED", "Version"]

UNVERSIONED = "dev"
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_LONGEST = 128
_RELEASE = re.compile(r"v?[0-9]+(?:\.[0-9]+)*")


@dataclass(frozen=True)
class Version:
    """A version that can be an image's tag."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Version:
        """Give the version; `UsageError` with the nearest legal form when `text` cannot be a tag."""
        if not _TAG.fullmatch(text):
            raise UsageError(
                f"version {cleaned(repr(text), limit=60)} cannot be an image's tag",
                why=_reason(text),
                mend=f"--version {_nearest(text)}",
            )
        return cls(text)

    def __str__(self) -> str:
        return self.text

    @property
    def is_release(self) -> bool:
        """Whether this is a plain release number, the only kind that moves `latest`."""
        return bool(_RELEASE.fullmatch(self.text))

    @property
    def moving_tags(self) -> tuple[str, ...]:
        """The tags that move on to this version when it is published; none for what is no release."""
        return ("latest",) if self.is_release else ()

    @property
    def tags(self) -> tuple[str, ...]:
        """All tags of this version: its own first, then the moving ones."""
        return (self.text, *self.moving_tags)


def _reason(text: str) -> str:
    if not text:
        return "it is empty"
    if len(text) > _LONGEST:
        return f"a tag has at most {_LONGEST} characters, this has {len(text)}"
    return "a tag is letters, digits, _ . - and begins with a letter, a digit or _"


def _nearest(text: str) -> str:
    found = re.sub(r"[^A-Za-z0-9_.-]+", "-", text.strip()).strip("-.")[:_LONGEST]
    return found or "1"
