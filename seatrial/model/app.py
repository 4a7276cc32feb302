"""An app, its smoke checks and its build options."""

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
"""Image label: the builder that built the image."""
INPUTS_LABEL = "seatrial.inputs"
"""Image label: the digest of all build inputs."""
REVISION_LABEL = "org.opencontainers.image.revision"
"""Image label: the commit the image was built from."""
SMOKE_LABEL = "seatrial.smoke"
"""Label of temporary containers created to test an image."""
UNCOMMITTED_LABEL = "seatrial.uncommitted"
"""Image label: the image was built with uncommitted changes."""
VERSION_LABEL = "seatrial.version"
"""Image label: the version."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One HTTP request to the app and the response it must get; a field that is None or empty checks nothing.

    Request: `method`, `path`, `headers`, `body` (a str is sent as it is, anything else as JSON).
    Response: `status` is the code (default 200; with `redirect` any 3xx). The body contains `text`, does not contain
    `not_text`, matches the regular expression `matches` and includes `json` (see `checks.http.response`).
    `response_headers` maps names to what their values contain. `redirect` is the target of the redirect; redirects on
    the same origin are followed unless `redirect` or a 3xx `status` is set. `within` is the longest response time in
    seconds, once the app is ready. `{version}` stands for the version under test.
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
    def follows_redirects(self) -> bool:
        """Whether redirects are followed."""
        return self.redirect is None and (self.status or 200) // 100 != 3  # noqa: PLR2004  3xx

    @property
    def uses_version(self) -> bool:
        """Whether any field contains `{version}`."""
        return "{version}" in json.dumps(asdict(self), ensure_ascii=False)


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """How an app's image is built.

    `arguments` are build arguments, `target` is a stage (default: the last), `platforms` are like `linux/arm64`
    (default: the engine's own). `contexts` maps names in the Dockerfile to folders (absolute paths), images or URLs;
    `secrets` maps ids to `src=FILE` or `env=NAME`. `provenance` and `sbom` add attestations. `no_cache` ignores the
    build cache, `pull` looks for newer base images first. `timeout` is in seconds, `context_limit` in bytes. Files
    that look like secrets are sent only if their path is in `allowed`.
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
        """The options that need docker buildx, as text; empty when the engine's API is enough."""
        options = {
            "several platforms": len(self.platforms) > 1,
            "build secrets": self.secrets,
            "extra contexts": self.contexts,
            "attestations": self.provenance or self.sbom,
        }
        return ", ".join(name for name, wanted in options.items() if wanted)


@dataclass(frozen=True, kw_only=True)
class App:
    """A web app in a folder.

    `context` and `dockerfile` are absolute; `repository` has no tag. `base_images` are tried in this order for the
    build argument BASE_IMAGE. `run` serves the app at `host_port` on 127.0.0.1. `smoke_timeout` is in seconds, from
    the container's start to the last response. `memory` is a limit in bytes, `pids` and `cpus` are limits, too
    (`cpus` None: no limit). `stop_grace` is how many seconds the app has to finish when it is stopped. `tmpfs` are
    paths in memory where the app may write, besides /tmp. `tags` are patterns of the tags it is published under.
    `push_timeout` is how many seconds a push may go without progress. `facts` is the policy of the image checks.
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
        """The labels of everything in the engine that belongs to this app."""
        return {"seatrial.project": self.project, "seatrial.app": self.name}

    @property
    def container_name(self) -> str:
        """The name of the container that serves the app."""
        return f"{self.project}-{self.name}"


def checks_digest(checks: tuple[Check, ...]) -> str:
    """Return one digest of all checks; a verdict stores it to record which checks the image passed."""
    text = json.dumps([asdict(check) for check in checks], sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
