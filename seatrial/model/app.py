"""What is shipped, and what it must answer to be shipped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from seatrial.model.facts_policy import FactsPolicy
from seatrial.model.reference import ImageReference
from seatrial.model.version import DEFAULT_TAGS

__all__ = [
    "BUILDER_LABEL",
    "INPUTS_LABEL",
    "REVISION_LABEL",
    "SMOKE_LABEL",
    "UNCOMMITTED_LABEL",
    "VERSION_LABEL",
    "App",
    "BuildOptions",
    "Check",
    "checks_digest",
]

BUILDER_LABEL = "seatrial.builder"
"""The label in which an image says who built it."""
INPUTS_LABEL = "seatrial.inputs"
"""The label in which an image carries the digest of what it was made from."""
REVISION_LABEL = "org.opencontainers.image.revision"
"""The label in which an image carries the commit it was made from."""
SMOKE_LABEL = "seatrial.smoke"
"""The label of a container that is there for a look at its image, and goes again."""
UNCOMMITTED_LABEL = "seatrial.uncommitted"
"""The label of an image that was made with changes nobody has committed."""
VERSION_LABEL = "seatrial.version"
"""The label in which an image carries its version."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One question to the app over HTTP and the answer it must give; nothing is asked of what is left out.

    `headers` and `body` are sent, a `body` that is no text as JSON. Of the answer, `status` is the code (200, or with
    `redirect` any that redirects), `text` is contained in the body and `not_text` is not, `matches` is a regular
    expression found in it, `json` a subset of it (see `checks.answer`), `response_headers` are names and what their
    values contain. `redirect` is where it sends us; without it, and unless a 3xx is asked for, redirects on the same
    origin are followed. `within` is the seconds it may take once the app is ready. `{version}` stands for the version
    under test.
    """

    method: str = "GET"
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    status: int | None = None
    text: str | tuple[str, ...] | None = None
    not_text: str | tuple[str, ...] | None = None
    matches: str | None = None
    json: Any = None
    response_headers: Mapping[str, str] = field(default_factory=dict)
    redirect: str | None = None
    within: float | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def follows(self) -> bool:
        """Whether a redirect is followed, rather than being the answer."""
        return self.redirect is None and (self.status or 200) // 100 != 3  # noqa: PLR2004  3xx

    @property
    def uses_version(self) -> bool:
        """Whether the version under test stands somewhere in it."""
        return "{version}" in json.dumps(asdict(self), ensure_ascii=False)


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """How an app's image is built.

    `arguments` are the Dockerfile's, `target` its stage (the last by default), `platforms` as in `linux/arm64` (the
    engine's own by default). `contexts` are folders (absolute paths), images or URLs by the name the Dockerfile knows
    them by; `secrets` are `src=FILE` or `env=NAME` by their id. `provenance` and `sbom` ask for attestations.
    `no_cache` builds anew, `pull` looks for newer base images first, `timeout` is seconds, `context_limit` bytes.
    Of what looks like a secret, only the paths in `allowed` are sent.
    """

    arguments: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    platforms: tuple[str, ...] = ()
    contexts: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    provenance: bool = False
    sbom: bool = False
    no_cache: bool = False
    pull: bool = False
    timeout: float = 1800.0
    context_limit: int = 1024**3
    allowed: tuple[str, ...] = ()

    @property
    def needs_buildx(self) -> str:
        """What is asked for that the engine's API cannot do alone, in words; empty when there is nothing."""
        wishes = {
            "several platforms": len(self.platforms) > 1,
            "build secrets": self.secrets,
            "extra contexts": self.contexts,
            "attestations": self.provenance or self.sbom,
        }
        return ", ".join(words for words, wanted in wishes.items() if wanted)


@dataclass(frozen=True, kw_only=True)
class App:
    """A web app in a folder.

    `context` and `dockerfile` are absolute; `repository` has no tag; `base_images` are tried in this order for the
    Dockerfile's argument BASE_IMAGE; `host_port` is where `run` serves it on 127.0.0.1; `smoke_timeout` is seconds
    from the container's start to the last answer; `memory` is bytes, `pids` and `cpus` are limits as well (None:
    all there are), `stop_grace` is how many seconds the app gets to finish when it is stopped; `tmpfs` are paths it
    may write to besides /tmp, kept in memory. `tags` are patterns of the tags it is published under, and
    `push_timeout` is how many seconds a push may stand still. `facts` is what its image must be like.
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
    environment: Mapping[str, str]
    memory: int
    smoke_timeout: float
    build: BuildOptions = field(default_factory=BuildOptions)
    tags: tuple[str, ...] = DEFAULT_TAGS
    push_timeout: float = 120.0
    pids: int = 256
    cpus: float | None = None
    stop_grace: float = 10.0
    tmpfs: tuple[str, ...] = ()
    facts: FactsPolicy = field(default_factory=FactsPolicy)

    @property
    def labels(self) -> dict[str, str]:
        """The labels that say a thing in the engine is this app's."""
        return {"seatrial.project": self.project, "seatrial.app": self.name}

    @property
    def container_name(self) -> str:
        """The name of the container that serves the app."""
        return f"{self.project}-{self.name}"


def checks_digest(checks: tuple[Check, ...]) -> str:
    """Return one digest for a list of checks, so that a verdict can name what was asked."""
    words = json.dumps([asdict(check) for check in checks], sort_keys=True)
    return f"sha256:{hashlib.sha256(words.encode()).hexdigest()}"
