"""What is shipped, and what it must answer to be shipped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lading.reference import ImageReference

__all__ = ["VERSION_LABEL", "App", "Check", "checks_digest"]

VERSION_LABEL = "lading.version"
"""The label in which an image carries its version."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One question to the app over HTTP and the answer it must give.

    `text` is contained in the body, `json` equals the body as JSON; `{version}` in either stands for the version
    under test. Nothing is asked of what is None.
    """

    path: str = "/"
    status: int = 200
    text: str | None = None
    json: Any = None

    def __str__(self) -> str:
        return f"GET {self.path}"


@dataclass(frozen=True, kw_only=True)
class App:
    """A web app in a folder.

    `context` and `dockerfile` are absolute; `repository` has no tag; `base_images` are tried in this order for the
    Dockerfile's argument BASE_IMAGE; `host_port` is where `run` serves it on 127.0.0.1; `smoke_timeout` is seconds
    from the container's start to the last answer; `memory` is bytes.
    """

    project: str
    name: str
    context: Path
    dockerfile: Path
    repository: ImageReference
    port: int
    host_port: int
    checks: tuple[Check, ...]
    base_images: tuple[ImageReference, ...]
    build_args: Mapping[str, str]
    target: str | None
    environment: Mapping[str, str]
    memory: int
    smoke_timeout: float
    build_timeout: float

    @property
    def labels(self) -> dict[str, str]:
        """The labels that say a thing in the engine is this app's."""
        return {"lading.project": self.project, "lading.app": self.name}

    @property
    def container_name(self) -> str:
        """The name of the container that serves the app."""
        return f"{self.project}-{self.name}"


def checks_digest(checks: tuple[Check, ...]) -> str:
    """Give one digest for a list of checks, so that a verdict can name what was asked."""
    words = json.dumps([asdict(check) for check in checks], sort_keys=True)
    return f"sha256:{hashlib.sha256(words.encode()).hexdigest()}"
