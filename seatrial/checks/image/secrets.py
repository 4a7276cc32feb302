"""Secrets that an image gives to everybody who has it: found in words, told by name, never by value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from seatrial.engine.model import HistoryEntry, Image

__all__ = ["secret_places"]

_NAME_LENGTH = 60
_NAMED = re.compile(
    r"(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|(^|[_.-]|API|ACCESS|PRIVATE)KEY|(^|_)PASS|SECRET_KEY_BASE)S?$",
    re.IGNORECASE,
)
"""Names of what is a secret."""
_PUBLIC = re.compile(r"(GPG|PGP|PUBLIC|PUB)_?KEYS?$", re.IGNORECASE)
"""Keys that are meant to be seen: every Python and PHP image names the one its sources are signed with."""
_NO_VALUE = re.compile(
    r"""["']?(\$.*|true|false|yes|no|none|null|\*+|<.*>|/[\w./-]*\.\w+|/run/secrets/.*)?["']?""", re.IGNORECASE
)
"""What is a reference, a switch, a place to fill in or a file's path."""
_ASSIGNED = re.compile(r"""(?:^|[\s;&|'"(])(?:--)?([A-Za-z_][\w.-]*)=("[^"]*"|'[^']*'|[^\s;&|]*)""")
_FLAG = re.compile(r"--([\w-]*(?:password|passwd|token|secret|api-key))[ =]+([^\s;&|]+)", re.IGNORECASE)
_SHAPES = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{22})"),
    "a GitLab token": re.compile(r"\bglpat-[\w-]{20}"),
    "a Docker Hub token": re.compile(r"\bdckr_[op]at_[\w-]{20}"),
    "a Slack token": re.compile(r"\bxox[abprs]-[0-9A-Za-z-]{10}"),
    "an Authorization header": re.compile(r"\bAuthorization: *(?:Basic|Bearer|Token) +[\w.~+/-]{8,}=*", re.IGNORECASE),
    "a URL with a password": re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/@:$]*:(?![$])[^\s/@]+@"),
}
"""What is a secret by its looks, whatever its name."""


def secret_places(image: Image, history: Iterable[HistoryEntry]) -> tuple[str, ...]:
    """Return where in an image's environment, labels and history a secret stands, in words that do not hold it.

    A history's lines are counted as they are shown, the newest first; one that stands in several is told of the oldest.
    """
    environment = image.config.environment if image.config else {}
    known: set[tuple[str, str]] = set()
    places = [*_among("ENV", environment, known), *_among("LABEL", image.labels, known)]
    for number, entry in reversed(list(enumerate(history, start=1))):
        words = " ".join(entry.created_by.split())
        where = f"history line {number}"
        for name, value in (*_ASSIGNED.findall(words), *_FLAG.findall(words)):
            if _is_secret(name, value) and (name, "") not in known:
                known.add((name, ""))
                places.append(f"{name[:_NAME_LENGTH]} in {where}")
        looks = _looks_like(words)
        places += [f"{shape} in {where}" for shape, text in looks if (shape, text) not in known]
        known.update(looks)
    return tuple(dict.fromkeys(places))


def _among(place: str, values: Mapping[str, str], known: set[tuple[str, str]]) -> Iterator[str]:
    """Yield what is secret among named values, and remember names and looks: the history tells it once more."""
    for name, value in values.items():
        looks = _looks_like(value)
        if _is_secret(name, value):
            known.add((name, ""))
            yield f"{place} {name[:_NAME_LENGTH]}"
        elif looks:
            yield f"{looks[0][0]} in {place} {name[:_NAME_LENGTH]}"
        known.update(looks)


def _is_secret(name: str, value: str) -> bool:
    # In scripts, key is what a loop calls the names of others' keys.
    named = name != "key" and _NAMED.search(name) and not _PUBLIC.search(name)
    return bool(named) and not _NO_VALUE.fullmatch(value)


def _looks_like(text: str) -> list[tuple[str, str]]:
    """Return what looks like a secret there: the kind, and the secret itself, which is told to nobody."""
    return [(shape, found[0]) for shape, pattern in _SHAPES.items() for found in pattern.finditer(text)]
