"""The settings, validated once, and the environment: no other module reads environment variables."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from seatrial.errors import UsageError, sanitize
from seatrial.model.app import App, BuildOptions
from seatrial.model.facts_policy import FactName, FactsMode, FactsPolicy, facts_mode
from seatrial.model.platforms import parse_platforms
from seatrial.model.reference import DOCKER_HUB, ImageReference, parse_registry, parse_repository, parse_user
from seatrial.model.sizes import LEAST_MEMORY, parse_bytes
from seatrial.model.version import DEFAULT_TAGS, parse_tag_patterns
from seatrial.settings.check_settings import CheckSettings, check_of
from seatrial.settings.settings_file import SETTINGS_FILE, line_of
from seatrial.wording import nearest

__all__ = ["AppSettings", "Environment", "Settings", "build_context", "environment"]

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
WritablePath = Annotated[str, msgspec.Meta(pattern=r"^(/(?!\.\.?(/|$))[^/:,\s]+)+/?$")]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86400)]
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_S = TypeVar("_S")


class AppSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One app as written in the settings file; paths are relative to the file."""

    context: str = "."
    dockerfile: str | None = None
    repository: str | None = None
    port: Port = 5000
    host_port: Port | None = None
    checks: Annotated[tuple[CheckSettings, ...], msgspec.Meta(min_length=1)] = (CheckSettings(),)
    base_images: tuple[str, ...] = ()
    build_args: dict[str, str] = {}
    build_contexts: dict[str, str] = {}
    build_secrets: dict[str, Annotated[str, msgspec.Meta(pattern="^(src|env)=[^,]+$")]] = {}
    target: str | None = None
    platforms: tuple[str, ...] = ()
    provenance: bool = False
    sbom: bool = False
    cache: bool = True
    pull: bool = False
    context_limit: str = "1g"
    allow_in_context: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    memory: str = "512m"
    pids: Annotated[int, msgspec.Meta(ge=1, le=4194304)] = 256
    cpus: Annotated[float, msgspec.Meta(ge=0.01, le=1024)] | None = None
    stop_grace: Annotated[float, msgspec.Meta(ge=0, le=600)] = 10.0
    tmpfs: tuple[WritablePath, ...] = ()
    smoke_timeout: Seconds = 30.0
    build_timeout: Seconds = 1800.0
    push_timeout: Seconds = 120.0
    tags: tuple[str, ...] = DEFAULT_TAGS
    image_facts: FactsMode | bool = "warn"  # YAML reads off as false
    image_facts_allowed: tuple[FactName, ...] = ()
    image_budget: str | None = None

    def __post_init__(self) -> None:
        """Raise `ValueError` for what the types cannot check; the message begins with the key in backquotes."""
        if "read-only" in self.image_facts_allowed:
            raise ValueError(
                "`image_facts_allowed` cannot contain read-only: every container runs on a read-only root; "
                "list the folders where the app writes under tmpfs"
            )


class _Top(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    project: str | None = None
    registry: str = DOCKER_HUB
    user: str | None = None
    local_registry_port: Port = 5050
    browser: str | None = None
    apps: dict[str, Any] = {}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The validated settings of one project.

    `root` is the folder of the settings file, `registry` is a host as in an `ImageReference`, `user` is None if none
    is set, `browser` is the program for `smoke --browser` (None: the first Chromium found), `apps` are by name.
    """

    root: Path
    project: str
    registry: str
    user: str | None
    local_registry_port: int
    browser: str | None
    apps: Mapping[str, App]

    @classmethod
    def load(cls, raw: Mapping[str, Any], root: Path) -> Settings:
        """Validate `raw` (the mapping under `seatrial`) for the project in `root`.

        Raise `UsageError` with file and line and, for a misspelt key, the nearest known one.
        """
        file = root / SETTINGS_FILE
        top = _convert(raw, _Top, file, ())
        project = _name(top.project or _slug(root.resolve().name), "project")
        apps = {
            name: _app(project, name, _convert(value or {}, AppSettings, file, ("apps", name)), root)
            for name, value in (top.apps or {_slug(root.resolve().name): {}}).items()
        }
        return cls(
            root=root,
            project=project,
            registry=parse_registry(top.registry),
            user=parse_user(top.user) if top.user is not None else None,
            local_registry_port=top.local_registry_port,
            browser=top.browser,
            apps=apps,
        )

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Return the settings that environment variables can set (INVOKE_SEATRIAL_USER and so on)."""
        return {"project": None, "registry": DOCKER_HUB, "user": None, "local_registry_port": 5050, "browser": None}

    def app(self, name: str | None = None) -> App:
        """Return the app of that name; without a name, the project's only app. Raise `UsageError` otherwise."""
        known = ", ".join(sorted(self.apps))
        if name is None and len(self.apps) == 1:
            return next(iter(self.apps.values()))
        if name is None:
            raise UsageError("no app selected", reason=f"this project has {known}", hint=f"--app {min(self.apps)}")
        if name not in self.apps:
            raise UsageError(
                f"there is no app {sanitize(repr(name), limit=60)}",
                reason=f"the apps in {SETTINGS_FILE} are {known}",
                hint=f"--app {nearest(name, self.apps) or min(self.apps)}",
            )
        return self.apps[name]


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What the environment variables say.

    `docker_config` is Docker's configuration folder, `command` is the program's name as the user typed it. `plain`
    turns off colours and animations: in CI, with NO_COLOR, on a dumb terminal. `terminal` True treats the output as a
    terminal; None detects it. `auth_config` holds the credentials of DOCKER_AUTH_CONFIG. The others say where the
    engine is, as for the docker CLI; `proxies` are by scheme, and `no` are the hosts without one.
    """

    docker_config: Path
    command: str
    plain: bool
    terminal: bool | None
    docker_host: str | None = None
    docker_context: str | None = None
    docker_tls: bool = False
    docker_tls_verify: bool = False
    docker_cert_path: Path | None = None
    proxies: Mapping[str, str] = field(default_factory=dict)
    auth_config: str = ""


def environment() -> Environment:
    """Return the environment of this process."""
    folder = os.environ.get("DOCKER_CONFIG")
    certificates = os.environ.get("DOCKER_CERT_PATH")
    proxies = {scheme: _either(f"{scheme}_proxy") for scheme in ("http", "https", "no")}
    return Environment(
        docker_config=Path(folder) if folder else Path.home() / ".docker",
        command=os.environ.get("SEATRIAL_COMMAND") or Path(sys.argv[0]).name,
        plain=bool(os.environ.get("CI") or os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb",
        terminal=True if os.environ.get("FORCE_COLOR") or os.environ.get("TTY_COMPATIBLE") == "1" else None,
        docker_host=os.environ.get("DOCKER_HOST"),
        docker_context=os.environ.get("DOCKER_CONTEXT"),
        auth_config=os.environ.get("DOCKER_AUTH_CONFIG", ""),
        docker_tls=bool(os.environ.get("DOCKER_TLS")),
        docker_tls_verify=bool(os.environ.get("DOCKER_TLS_VERIFY")),
        docker_cert_path=Path(certificates) if certificates else None,
        proxies={scheme: value for scheme, value in proxies.items() if value},
    )


def _either(name: str) -> str | None:
    """Return a variable that may be written in uppercase or in lowercase."""
    return os.environ.get(name.upper()) or os.environ.get(name)


def _convert(raw: object, kind: type[_S], file: Path, trail: tuple[str, ...]) -> _S:
    """Return `raw` as `kind`; raise `UsageError` with the line of the first wrong value."""
    try:
        return msgspec.convert(raw, kind, strict=False)
    except msgspec.ValidationError as error:
        problem, _, where = str(error).partition(" - at `$")
        inner = [int(b) if b else a for a, b in re.findall(r"\.(\w+)|\[(\d+)\]", where)]
        hint = "write it in quotes" if re.search("Expected `str.*got `(int|float|bool)`", problem) else ""
        if unknown := re.search(r"unknown field `(.*)`", problem):
            key = unknown.group(1)
            owner = CheckSettings if "checks" in inner else kind
            known = [field.name for field in msgspec.structs.fields(owner)]  # type: ignore[arg-type]
            near = nearest(key, known)
            problem = f"there is no setting '{key}'"
            hint = f"write '{near}'" if near else f"use one of: {', '.join(known)}"
            inner.append(key)
        elif named := re.match("`([a-z_]+)` ", problem):
            inner.append(named[1])
        full = (*trail, *inner)
        line = line_of(file, full)
        place = f"{file}:{line}" if line else file.name
        raise UsageError(
            f"the setting seatrial.{'.'.join(map(str, full))} is not valid",
            reason=f"{place}: {problem[:1].lower()}{problem[1:]}",
            hint=hint or f"fix {place}",
        ) from error


def _app(project: str, name: str, given: AppSettings, root: Path) -> App:
    context = Path(os.path.realpath(root / given.context))  # unlike Path.resolve, it takes a loop of links
    dockerfile = root / given.dockerfile if given.dockerfile else context / "Dockerfile"
    return App(
        project=project,
        name=_name(name, "app"),
        context=context,
        dockerfile=Path(os.path.realpath(dockerfile)),
        repository=parse_repository(given.repository or name),
        port=given.port,
        host_port=given.host_port or given.port,
        checks=tuple(check_of(check) for check in given.checks),
        base_images=tuple(ImageReference.parse(text) for text in given.base_images),
        environment=given.environment,
        memory=parse_bytes("memory", given.memory, least=LEAST_MEMORY),
        pids=given.pids,
        cpus=given.cpus,
        stop_grace=given.stop_grace,
        smoke_timeout=given.smoke_timeout,
        build=_build_options(given, root),
        tags=parse_tag_patterns(given.tags),
        push_timeout=given.push_timeout,
        tmpfs=tuple(path.rstrip("/") for path in given.tmpfs),
        facts=FactsPolicy(
            mode=facts_mode(given.image_facts),
            allowed=given.image_facts_allowed,
            budget=parse_bytes("image_budget", given.image_budget) if given.image_budget is not None else None,
        ),
    )


def _build_options(given: AppSettings, root: Path) -> BuildOptions:
    return BuildOptions(
        arguments=given.build_args,
        target=given.target,
        platforms=parse_platforms(given.platforms),
        contexts={name: build_context(place, root) for name, place in given.build_contexts.items()},
        secrets={name: _build_secret(source, root) for name, source in given.build_secrets.items()},
        provenance=given.provenance,
        sbom=given.sbom,
        no_cache=not given.cache,
        pull=given.pull,
        timeout=given.build_timeout,
        context_limit=parse_bytes("context_limit", given.context_limit),
        allowed=given.allow_in_context,
    )


def build_context(place: str, root: Path) -> str:
    """Return an extra context for docker buildx: images (`docker-image://…`) and URLs unchanged, folders absolute."""
    elsewhere = "://" in place or re.match(r"[\w.-]+@[\w.-]+:", place)
    return place if elsewhere else os.path.realpath(root / place)


def _build_secret(source: str, root: Path) -> str:
    kind, _, what = source.partition("=")
    return f"src={os.path.realpath(root / Path(what).expanduser())}" if kind == "src" else source


def _name(text: str, what: str) -> str:
    if not _NAME.fullmatch(text):
        raise UsageError(
            f"{sanitize(repr(text), limit=60)} is not a valid {what} name",
            reason="a name consists of lowercase letters, digits, _ . - and has at most 63 characters",
            hint=f"{what}: {_slug(text)}",
        )
    return text


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9_.-]+", "-", text.lower()).strip("-._")[:63] or "app"
