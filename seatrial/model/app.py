"""An app, its build options, and the labels of its image and containers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from msgspec import Meta, field
from msgspec.structs import force_setattr

from seatrial.model.check import Check, checks_digest
from seatrial.model.deployment import Deployment
from seatrial.model.facts_policy import FactsPolicy
from seatrial.model.platforms import parse_platforms
from seatrial.model.reference import ImageReference, parse_repository
from seatrial.model.setting_types import Parsed, Port, Processors, Seconds, Text, Validated, about
from seatrial.model.sizes import parse_bytes, parse_memory
from seatrial.model.version import DEFAULT_TAGS, parse_tag_patterns

__all__ = [
    "BUILDER_LABEL",
    "ENVIRONMENT_LABEL",
    "INPUTS_LABEL",
    "PATH_LABEL",
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
ENVIRONMENT_LABEL = "seatrial.environment"
"""Label of images and containers: the environment whose settings made them, such as staging."""
INPUTS_LABEL = "seatrial.inputs"
"""Image label: the digest of all build inputs."""
PATH_LABEL = "seatrial.path"
"""Label of containers: the folder of the project that created them."""
REVISION_LABEL = "org.opencontainers.image.revision"
"""Image label: the commit the image was built from."""
SMOKE_LABEL = "seatrial.smoke"
"""Label of temporary containers created to test an image."""
UNCOMMITTED_LABEL = "seatrial.uncommitted"
"""Image label: the image was built with uncommitted changes."""
VERSION_LABEL = "seatrial.version"
"""Image label: the version."""


_WritablePath = Annotated[str, Meta(pattern=r"^(/(?!\.\.?(/|$))[^/:,\s]+)+/?$")]
_VolumeName = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$")]
_Texts = Mapping[str, str]
_Caches = tuple[Text, ...]
_Secrets = Mapping[str, Annotated[str, Meta(pattern="^(src|env)=[^,]+$")]]


class BuildOptions(Validated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an app's image is built; a field's `name` is its key in the settings."""

    arguments: Annotated[_Texts, about("build arguments; VERSION is always set")] = field(
        name="build_args", default_factory=dict
    )
    target: Annotated[str | None, about("a stage of the Dockerfile; default: the last")] = None
    platforms: Annotated[
        tuple[str, ...],
        Parsed(parse_platforms, whole=True),
        about("such as linux/arm64; default: the engine's own; several need docker buildx"),
    ] = ()
    contexts: Annotated[_Texts, about("names in the Dockerfile and their folders, images or URLs; needs buildx")] = (
        field(name="build_contexts", default_factory=dict)
    )
    secrets: Annotated[_Secrets, about("ids of secrets and their src=FILE or env=NAME")] = field(
        name="build_secrets", default_factory=dict
    )
    provenance: Annotated[bool, about("add a provenance attestation; needs docker buildx")] = False
    sbom: Annotated[bool, about("add a list of the image's packages; needs docker buildx")] = False
    cache: Annotated[bool, about("false ignores the build cache")] = True
    cache_from: Annotated[_Caches, about("images or caches that speed up the build; needs docker buildx")] = ()
    cache_to: Annotated[_Caches, about("where the build's cache is stored for later builds; needs docker buildx")] = ()
    pull: Annotated[bool, about("true looks for newer base images before each build")] = False
    timeout: Annotated[Seconds, about("seconds until the build is cancelled in the engine")] = field(
        name="build_timeout", default=1800.0
    )
    context_limit: Annotated[int, Parsed(parse_bytes), about("a larger build context is refused")] = 1024**3
    allowed: Annotated[tuple[str, ...], about("paths that are sent although they look like secrets")] = field(
        name="allow_in_context", default=()
    )

    @property
    def needs_buildx(self) -> str:
        """The options that need docker buildx, as text; empty when the engine's API is enough."""
        options = {
            "several platforms": len(self.platforms) > 1,
            "extra contexts": self.contexts,
            "attestations": self.provenance or self.sbom,
            "cache_from or cache_to": self.cache_from or self.cache_to,
        }
        return ", ".join(name for name, wanted in options.items() if wanted)


class App(Validated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A web app in a folder.

    In the settings file the fields of `build` and `facts` stand beside the others, and paths are relative to the file.
    `environment` contains the variables of `env_file`, too. `root` is the project's folder, and `settings_environment`
    the environment, such as staging, whose settings these are. `unset` are those of `port` and `host_port` that the
    settings leave to the image. `needed` are the repositories of the apps in `needs`, by their names.
    """

    project: str
    name: str
    root: Path = field(default_factory=Path)
    settings_environment: str = ""
    context: Annotated[Path, about("the build context, the folder that is sent to the engine; default: .")]
    dockerfile: Annotated[Path, about("default: CONTEXT/Dockerfile")]
    repository: Annotated[ImageReference, Parsed(parse_repository), about("the image's name; default: the app's name")]
    needs: Annotated[
        tuple[str, ...],
        about("apps that this one's image is built from; the first one's image becomes the build argument BASE_IMAGE"),
    ] = ()
    published_repository: Annotated[
        ImageReference | None,
        Parsed(parse_repository),
        about("the whole name to publish under, such as ghcr.io/org/team/app; default: REGISTRY/USER/NAME"),
    ] = None
    port: Annotated[
        Port, about("where the app listens in its container, which gets it as PORT; default: EXPOSE, else 5000")
    ] = 5000
    host_port: Annotated[Port, about("where run serves the app on 127.0.0.1; default: the same as port")] = 0
    checks: Annotated[tuple[Check, ...], Meta(min_length=1), about("what smoke asks; default: GET / answers 200")] = (
        Check(),
    )
    base_images: Annotated[
        tuple[ImageReference, ...],
        Parsed(ImageReference.parse),
        about("the first that exists becomes the build argument BASE_IMAGE"),
    ] = ()
    environment: Annotated[_Texts, about("the container's environment")] = field(default_factory=dict)
    env_file: Annotated[str | tuple[str, ...], about("files with more of it, NAME=VALUE; the last one wins")] = ()
    memory: Annotated[int, Parsed(parse_memory), about("the container's memory limit, such as 512m")] = 512 * 1024**2
    pids: Annotated[int, Meta(ge=1, le=4194304), about("the largest number of processes and threads")] = 256
    cpus: Annotated[Processors | None, about("the largest number of processors; default: all")] = None
    stop_grace: Annotated[float, Meta(ge=0, le=600), about("seconds to finish requests when it is stopped")] = 10.0
    tmpfs: Annotated[tuple[_WritablePath, ...], about("where the app may write, in memory, besides /tmp")] = ()
    volumes: Annotated[
        Mapping[_VolumeName, _WritablePath],
        about("where the app keeps data, by name; run keeps it, down --volumes deletes it"),
    ] = field(default_factory=dict)
    smoke_timeout: Annotated[Seconds, about("seconds from the container's start to the last response")] = 30.0
    push_timeout: Annotated[Seconds, about("seconds without progress until a push is cancelled")] = 120.0
    tags: Annotated[
        tuple[str, ...],
        Parsed(parse_tag_patterns, whole=True),
        about("patterns of the tags that a version is published under"),
    ] = DEFAULT_TAGS
    keep: Annotated[int, Meta(ge=0, le=1000), about("how many versions and releases prune keeps in the engine")] = 5
    deploy: Annotated[Deployment, about("how deploy runs it as a service of Docker Swarm")] = Deployment()
    unset: frozenset[str] = frozenset()
    needed: Mapping[str, ImageReference] = field(default_factory=dict)
    build: BuildOptions = BuildOptions()
    facts: FactsPolicy = FactsPolicy()

    def __post_init__(self) -> None:
        """Fill in what follows from other settings; raise `ValueError` for those that do not go together."""
        if len({bool(check.command) for check in self.checks}) > 1:
            raise ValueError("`checks` are all requests, or all commands in an image that serves nothing")
        for name in ("memory", "cpus"):
            limit, reserved = getattr(self, name), getattr(self.deploy, f"reserved_{name}")
            if limit and reserved and reserved > limit:
                raise ValueError(f"`deploy.reserved_{name}` is more than the limit in {name}")
        force_setattr(self, "host_port", self.host_port or self.port)
        force_setattr(self, "tmpfs", tuple(path.rstrip("/") for path in self.tmpfs))

    def in_image(self, exposed: Sequence[str]) -> App:
        """Return the app with the one TCP port that its image exposes, unless the settings name another.

        `exposed` are ports as in `5000/tcp`.
        """
        ports = [int(port) for port, _, protocol in (one.partition("/") for one in exposed) if protocol == "tcp"]
        if "port" not in self.unset or len(ports) != 1:
            return self
        return self.but(port=ports[0], host_port=ports[0] if "host_port" in self.unset else self.host_port)

    @property
    def serves(self) -> bool:
        """Whether the app answers requests; an image that others are built from may only have commands to check."""
        return not self.checks[0].command

    @property
    def labels(self) -> dict[str, str]:
        """The labels of everything in the engine that belongs to this app."""
        return {"seatrial.project": self.project, "seatrial.app": self.name}

    @property
    def container_labels(self) -> dict[str, str]:
        """The labels of the app's containers: they also say which project of that name, and which environment."""
        return {**self.labels, PATH_LABEL: str(self.root), **self.environment_label}

    @property
    def environment_label(self) -> dict[str, str]:
        """The label that says in which environment something was made; empty without one."""
        return {ENVIRONMENT_LABEL: self.settings_environment} if self.settings_environment else {}

    @property
    def volume_names(self) -> dict[str, str]:
        """The engine's names of the app's volumes, by the paths where they are mounted."""
        return {path.rstrip("/"): f"{self.container_name}-{name}" for name, path in self.volumes.items()}

    def owns(self, labels: Mapping[str, str]) -> bool:
        """Return whether a container or service with these labels belongs to this app in this environment."""
        return self.is_in_project(labels) and self.is_in_environment(labels)

    def is_in_project(self, labels: Mapping[str, str]) -> bool:
        """Return whether a container belongs to this app of this very project; older ones do not have the path."""
        return self.labels.items() <= labels.items() and labels.get(PATH_LABEL, str(self.root)) == str(self.root)

    def is_in_environment(self, labels: Mapping[str, str]) -> bool:
        """Return whether an image or container was made in this environment."""
        return labels.get(ENVIRONMENT_LABEL, "") == self.settings_environment

    @property
    def container_name(self) -> str:
        """The name of the container that serves the app."""
        return "-".join(filter(None, (self.project, self.name, self.settings_environment)))
