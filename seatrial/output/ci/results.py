"""The results that a CI job hands on to the next one."""

from __future__ import annotations

import re

from seatrial.output.documents import CommandDocument

__all__ = ["as_dotenv", "results"]


def results(document: CommandDocument) -> dict[str, str]:
    """Return version, image, digest and references (one a line), without those that there are not.

    `digest` is the one that the registry confirmed, `references` are the names that have one. Of several apps there are
    those of each, as in `web_version`.
    """
    if document.apps:
        names = {re.sub("[^a-z0-9]", "_", one.app or ""): results(one) for one in document.apps}
        return {f"{app}_{name}": value for app, found in names.items() for name, value in found.items()}
    published = [one for one in document.image.references if one.digest]
    found = {
        "version": document.version or "",
        "image": document.image.name or "",
        "digest": next((one.digest for one in published if one.digest), ""),
        "references": "\n".join(one.reference for one in published),
    }
    return {name: value for name, value in found.items() if value}


def as_dotenv(document: CommandDocument) -> bytes:
    """Return the results as NAME=VALUE lines, as GitLab takes them; several references stand on one line."""
    lines = (f"SEATRIAL_{name.upper()}={' '.join(value.split())}\n" for name, value in results(document).items())
    return "".join(lines).encode()
