"""Inspect the project's files: credentials, Dockerfile, build context, git."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from seatrial.doctor.dockerfile_lint import NO_HEALTHCHECK, HadolintError, LintWarning, hadolint_warnings, own_warnings
from seatrial.doctor.findings import Finding, Inspection, Severity, Subject, failure, fine, warning
from seatrial.errors import CredentialsError, SeatrialError, UsageError, sanitize
from seatrial.host.docker_config import DockerConfig
from seatrial.model.app import App
from seatrial.model.platforms import platform_arguments
from seatrial.model.reference import DOCKER_HUB
from seatrial.model.version import UNVERSIONED, Version
from seatrial.sources.dockerfile import DockerfileError, base_images
from seatrial.sources.dockerignore import find_ignore_file
from seatrial.sources.git import described_version, first_uncommitted
from seatrial.steps.build.bases import base_argument
from seatrial.steps.build.files import read_context, read_dockerfile
from seatrial.wording import human_size, pluralize

__all__ = ["PROJECT_INSPECTIONS"]

_USUAL_PLATFORM = "linux/amd64"
_THIS_MACHINE = ("localhost", "127.0.0.1")


def _config(subject: Subject) -> Iterator[Finding]:
    """Inspect whether Docker's configuration can be read."""
    try:
        config = DockerConfig.read(subject.environment.docker_config / "config.json")
    except CredentialsError as error:
        yield failure("config", error)
        return
    found = f"{config.path} can be read" if config.exists else f"there is no {config.path}: nobody is logged in"
    yield fine("config", found)


def _login(subject: Subject) -> Iterator[Finding]:
    """Inspect as which user Docker is logged in at the registry, and whether that user owns the image's name."""
    registry, user = subject.settings.registry, subject.settings.user
    flag = "" if registry == DOCKER_HUB else f" --registry {registry}"
    login = f"invoke login --user {user or 'NAME'}{flag}"
    try:
        credential = subject.world.registry(registry).credential()
    except CredentialsError as error:
        yield failure("login", error)
        return
    if credential is None:
        if registry.partition(":")[0] in _THIS_MACHINE:
            reason = f"not logged in at {registry}, which is on this machine"
            yield fine("login", reason)
        else:
            reason = f"not logged in at {registry}: a push will be refused"
            yield warning("login", reason, login)
        return
    who = "an identity token" if credential.token else credential.user
    if registry == DOCKER_HUB and user and not credential.token and user != credential.user:
        reason = f"logged in at {registry} as {who}, but images go to {user}/, where only members of {user} may push"
        yield warning("login", reason, f"{login} (or the setting user: {who})")
    else:
        target = f"; images go to {user}/" if user else ""
        yield fine("login", f"logged in at {registry} as {who}{target}")


def _dockerfile(subject: Subject) -> Iterator[Finding]:
    """Inspect whether each Dockerfile can be read, and lint it."""
    for app in subject.apps:
        file = app.dockerfile
        try:
            text = read_dockerfile(app, subject.world).decode("utf-8")
        except UsageError as error:
            yield failure("Dockerfile", error)
            continue
        arguments = _build_arguments(subject, app)
        try:
            base_images(text, arguments, app.build.target)
        except DockerfileError as error:
            reason = f"{_shown(subject, app)}:{error.line}: {error.reason}"
            yield Finding(
                check="Dockerfile", severity=Severity.FAILED, reason=reason, hint=f"fix line {error.line} of {file}"
            )
            continue
        own = own_warnings(text, arguments, app.build.target)
        own = tuple(one for one in own if app.serves or one.rule != NO_HEALTHCHECK)
        yield from _lint(file, _shown(subject, app), text, own)


def _shown(subject: Subject, app: App) -> str:
    """Return the name of an app's Dockerfile; of several apps with its folder in the project."""
    return app.dockerfile.name if len(subject.apps) == 1 else os.path.relpath(app.dockerfile, app.root)


def _lint(file: Path, shown: str, text: str, own: tuple[LintWarning, ...]) -> Iterator[Finding]:
    """Yield the warnings of hadolint and our own ones, each once; only our own ones if hadolint does not work."""
    warnings: tuple[LintWarning, ...] = ()
    try:
        warnings = hadolint_warnings(text)
        summary = fine("Dockerfile", f"{file}: no problems found")
    except HadolintError:
        reason = f"hadolint does not work on {file}: only Seatrial's own three rules were checked"
        summary = warning("Dockerfile", reason, f"hadolint {file}")
    rules = {one.rule for one in warnings}
    warnings += tuple(one for one in own if one.rule not in rules)
    for one in sorted(warnings, key=lambda one: one.line):
        reason = f"{shown}:{one.line}: {one.reason}"
        yield warning("Dockerfile", reason, one.hint)
    if not warnings or summary.severity is not Severity.OK:
        yield summary


def _build_arguments(subject: Subject, app: App) -> dict[str, str]:
    """Return the arguments of a build, including those that the builder sets itself."""
    arguments = {"VERSION": UNVERSIONED, **app.build.arguments}
    if base := base_argument(app, Version(UNVERSIONED), lambda _: None):
        arguments.setdefault("BASE_IMAGE", base)
    if len(app.build.platforms) > 1:
        return arguments
    try:
        engine = subject.world.engine.platform()
    except SeatrialError:
        engine = _USUAL_PLATFORM
    return {**platform_arguments(next(iter(app.build.platforms), engine), engine), **arguments}


def _context(subject: Subject) -> Iterator[Finding]:
    """Inspect the build context: its size, secrets in it, and whether there is a .dockerignore."""
    for app in subject.apps:
        try:
            context = read_context(app, subject.world)
            context.check_size(app.build.context_limit)
            context.check_secrets(app.build.allowed)
        except SeatrialError as error:
            yield failure("context", error)
            continue
        size = f"{pluralize(len(context.sizes), 'file')}, {human_size(context.size)} in {app.context}"
        if find_ignore_file(app.context, app.dockerfile) is None:
            reason = f"{size}: there is no .dockerignore, so all files are sent to the engine"
            hint = f"list what the image does not need in {app.context / '.dockerignore'}"
            yield warning("context", reason, hint)
        else:
            yield fine("context", f"{size}; no secrets found")


def _git(subject: Subject) -> Iterator[Finding]:
    """Inspect which version a build would get from git, and whether uncommitted changes keep tags from moving."""
    for app in subject.apps:
        try:
            version = described_version(app.context)
        except UsageError as error:
            yield failure("git", error)
            continue
        try:
            paths = read_context(app, subject.world).entries
        except SeatrialError:
            continue  # reported by _context already
        if subject.world.revision(app) is None:
            reason = f"{app.context} is not in any commit: the version is {version}, and the image has no commit label"
            yield warning("git", reason, "git init && git add -A && git commit, or give --version")
        elif changed := first_uncommitted(app.context, [*paths, str(app.dockerfile)]):
            where = f"{app.context} ({sanitize(changed, limit=60)})"
            reason = f"uncommitted changes in {where}: moving tags will not move (version {version})"
            yield warning("git", reason, "git commit -a")
        else:
            yield fine("git", f"version {version}; {app.context} has no uncommitted changes")


def _compose(subject: Subject) -> Iterator[Finding]:
    """Inspect whether deploy understands the compose file of each app that has one, and name the service."""
    for app in subject.apps:
        if (file := app.deploy.compose) is None:
            continue
        try:
            service = subject.settings.deployed(app.name).deploy.compose_service
        except UsageError as error:
            yield failure("compose", error)
        else:
            reason = f"{app.name} is deployed as the service {service} of {file}, where the settings say nothing else"
            yield fine("compose", reason)


PROJECT_INSPECTIONS: tuple[Inspection, ...] = (_config, _login, _dockerfile, _context, _git, _compose)
