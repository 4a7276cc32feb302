"""Platforms as Docker names them: `linux/amd64`, `linux/arm64`, `linux/arm/v7`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from seatrial.errors import UsageError, sanitize

__all__ = ["normal_platform", "parse_platform", "parse_platforms", "platform_arguments"]

_PLATFORM: Final = re.compile(r"[a-z0-9]+/[a-z0-9_]+(/v[0-9]+)?")
# The aliases that containerd knows.
_ALIASES: Final = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "amd64/v1": "amd64",
    "aarch64": "arm64",
    "arm64/v8": "arm64",
    "aarch64/v8": "arm64",
    "arm": "arm/v7",
    "i386": "386",
}


def parse_platform(text: str) -> str:
    """Return a platform in its usual form; raise `UsageError` if it is not valid."""
    if not _PLATFORM.fullmatch(text):
        raise UsageError(
            f"{sanitize(repr(text), limit=60)} is not a valid platform",
            reason="a platform is an operating system and an architecture, such as linux/amd64 or linux/arm/v7",
            hint="--platform linux/amd64",
        )
    return normal_platform(text)


def parse_platforms(texts: Iterable[str]) -> tuple[str, ...]:
    """Return platforms in their usual form, each once, sorted; raise `UsageError` for one that is not valid."""
    return tuple(sorted({parse_platform(text) for text in texts}))


def normal_platform(text: str) -> str:
    """Return a platform in its usual form: `linux/arm64/v8` becomes `linux/arm64`."""
    system, _, architecture = text.partition("/")
    return f"{system}/{_ALIASES.get(architecture, architecture)}"


def platform_arguments(target: str, build: str) -> dict[str, str]:
    """Return the build arguments that BuildKit sets itself: TARGETPLATFORM, BUILDARCH and so on."""
    arguments: dict[str, str] = {}
    for prefix, platform in (("TARGET", target), ("BUILD", build)):
        system, architecture, *variant = platform.split("/")
        arguments |= {f"{prefix}PLATFORM": platform, f"{prefix}OS": system, f"{prefix}ARCH": architecture}
        arguments[f"{prefix}VARIANT"] = "".join(variant)
    return arguments
