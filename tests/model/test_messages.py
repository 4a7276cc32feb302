"""The sentences that users read when a name, version, platform or size is not valid."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from seatrial.errors import UsageError
from seatrial.model.platforms import parse_platform
from seatrial.model.reference import ImageReference, parse_registry, parse_repository, parse_user
from seatrial.model.sizes import parse_bytes, parse_memory
from seatrial.model.version import Version, parse_tag_patterns

_NAME_HINT = "write a name such as sposigor/app-flask-teste or localhost:5050/demo/app"
_PATTERN_HINT = (
    "write a pattern such as v{major}: it can contain {version}, {major}, {minor}, {patch}, letters, digits, _ . and -"
)
_CHARACTERS = "a tag consists of letters, digits, _ . and -, and begins with a letter, a digit or _"

_NAMES = [
    ("a@sha256:0f", "after @ comes a digest: sha256: and 64 hexadecimal digits (or sha384, sha512)"),
    ("a:-1", "'-1' is not a valid tag"),
    ("r_x.io/a", "'r_x.io' is not a valid registry host"),
    ("App", "a repository is lowercase letters and digits, with . _ - between them, separated by /"),
    ("0f" * 32, "64 hexadecimal digits are an image id, not a name"),
    ("r.io/" + "a" * 256, "a repository has at most 255 characters"),
]
_OTHERS = [
    (
        partial(parse_repository, "u/app:1"),
        "'u/app:1' is not a valid image name",
        "a repository has no tag and no digest here; the version sets the tag",
        _NAME_HINT,
    ),
    (
        partial(parse_user, "Alice"),
        "'Alice' is not a valid user name",
        (
            "a user is one word of lowercase letters and digits, with . - or _ between them "
            "(a Docker ID: 4 to 30 lowercase letters and digits); registries other than Docker Hub also have org/team"
        ),
        "--user alice",
    ),
    (
        partial(parse_registry, "https://ghcr.io"),
        "'https://ghcr.io' is not a valid registry",
        "a registry is HOST or HOST:PORT, without https:// and without a path",
        "--registry ghcr.io",
    ),
    (
        partial(parse_platform, "linux"),
        "'linux' is not a valid platform",
        "a platform is an operating system and an architecture, such as linux/amd64 or linux/arm/v7",
        "--platform linux/amd64",
    ),
    (
        partial(parse_memory, "6143k"),
        "'6143k' is not a valid size",
        "a size is a number followed by b, k, m, g, t or p, at least 6m, as in docker run --memory",
        "--memory 512m",
    ),
    (
        partial(parse_bytes, "much"),
        "'much' is not a valid size",
        "a size is a number followed by b, k, m, g, t or p, as in docker run --memory",
        "--memory 512m",
    ),
    (partial(Version.parse, ""), "'' is not a valid version", "it is empty", "--version 1"),
    (partial(Version.parse, "1+b"), "'1+b' is not a valid version", _CHARACTERS, "--version 1-b"),
    (
        partial(Version.parse, "1" * 129),
        f"'{'1' * 58}… is not a valid version",
        "a tag has at most 128 characters, and this one has 129",
        f"--version {'1' * 128}",
    ),
    (
        partial(parse_tag_patterns, ["{mayor}"]),
        "'{mayor}' is not a valid tag pattern",
        "{mayor} is not known",
        _PATTERN_HINT,
    ),
    (
        partial(parse_tag_patterns, ["{version}-{major}"]),
        "'{version}-{major}' is not a valid tag pattern",
        "{major} cannot be used with {version}",
        _PATTERN_HINT,
    ),
    (
        partial(parse_tag_patterns, ["latest"]),
        "there is no tag of the version's own",
        "no pattern contains {version}, and each version needs a tag of its own",
        'tags: ["{version}", latest]',
    ),
]


@pytest.mark.parametrize(("text", "reason"), _NAMES)
def test_image_names(text: str, reason: str) -> None:
    """Each way in which an image name can be wrong has its reason."""
    with pytest.raises(UsageError) as caught:
        ImageReference.parse(text)
    assert caught.value.message.endswith(" is not a valid image name")
    assert (caught.value.reason, caught.value.hint) == (reason, _NAME_HINT)


@pytest.mark.parametrize(("provoke", "message", "reason", "hint"), _OTHERS, ids=[row[1][:40] for row in _OTHERS])
def test_messages(provoke: Callable[[], object], message: str, reason: str, hint: str) -> None:
    """Each error says what is wrong, why, and what to type."""
    with pytest.raises(UsageError) as caught:
        provoke()
    assert (caught.value.message, caught.value.reason, caught.value.hint) == (message, reason, hint)
