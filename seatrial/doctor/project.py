"""What the doctor finds in files: credentials, Dockerfile, build context, git."""

from __future__ import annotations

import json
from collections.abc import Iterator

from seatrial.doctor.dockerfile_lint import lint
from seatrial.doctor.engine import apps_of
from seatrial.doctor.findings import Finding, Grade, Look, Patient
from seatrial.errors import CredentialsError, SeatrialError
from seatrial.model.app import App
from seatrial.model.platforms import platform_arguments
from seatrial.model.reference import DOCKER_HUB
from seatrial.model.version import UNVERSIONED
from seatrial.sources.context import Context
from seatrial.sources.dockerfile import DockerfileError, base_images
from seatrial.sources.dockerignore import find_ignore_file
from seatrial.sources.git import described_version, has_uncommitted, last_revision
from seatrial.wording import human_size

__all__ = ["FILE_LOOKS"]

_USUAL_PLATFORM = "linux/amd64"
_OWN = ("localhost", "127.0.0.1")


def _config(patient: Patient) -> Iterator[Finding]:
    """Whether Docker's configuration can be read."""
    path = patient.environment.docker_config / "config.json"
    try:
        config = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        yield Finding(what="config", grade=Grade.OK, why=f"there is no {path}: nobody is logged in")
        return
    except (OSError, ValueError) as error:
        trouble = str(error)
    else:
        trouble = "" if isinstance(config, dict) else "it holds no JSON object"
    if trouble:
        mend = f"mend it, or move it away and log in again: mv {path} {path}.broken"
        yield Finding(what="config", grade=Grade.FAILED, why=f"{path} is damaged: {trouble}", mend=mend)
    else:
        yield Finding(what="config", grade=Grade.OK, why=f"{path} can be read")


def _login(patient: Patient) -> Iterator[Finding]:
    """Who Docker's credentials say we are at the registry, and whose name the image gets."""
    registry, user = patient.settings.registry, patient.settings.user
    flag = "" if registry == DOCKER_HUB else f" --registry {registry}"
    login = f"invoke login --user {user or 'NAME'}{flag}"
    try:
        credential = patient.world.registry(registry).credential()
    except CredentialsError as error:
        yield Finding(what="login", grade=Grade.FAILED, why=str(error), mend=error.mend)
        return
    if credential is None:
        if registry.partition(":")[0] in _OWN:
            yield Finding(what="login", grade=Grade.OK, why=f"none for {registry}, which is on this machine")
        else:
            why = f"Docker keeps no credentials for {registry}: a push will be refused"
            yield Finding(what="login", grade=Grade.WARNING, why=why, mend=login)
        return
    who = "an identity token" if credential.token else credential.user
    if registry == DOCKER_HUB and user and not credential.token and user != credential.user:
        why = f"logged in at {registry} as {who}, and images go to {user}/: only members of {user} may push there"
        yield Finding(what="login", grade=Grade.WARNING, why=why, mend=f"{login} (or the setting user: {who})")
    else:
        goes = f", images go to {user}/" if user else ""
        yield Finding(what="login", grade=Grade.OK, why=f"at {registry} as {who}{goes}")


def _dockerfile(patient: Patient) -> Iterator[Finding]:
    """Whether the Dockerfile can be built, and what deserves a second look in it."""
    for app in apps_of(patient):
        file = app.dockerfile
        try:
            text = file.read_text("utf-8")
        except (OSError, ValueError) as error:
            why = f"{file} cannot be read: {getattr(error, 'strerror', None) or error}"
            mend = "write one, or mend the setting dockerfile"
            yield Finding(what="Dockerfile", grade=Grade.FAILED, why=why, mend=mend)
            continue
        given = _arguments(patient, app)
        try:
            base_images(text, given, app.build.target)
        except DockerfileError as error:
            why = f"{file.name}:{error.line}: {error.reason}"
            yield Finding(what="Dockerfile", grade=Grade.FAILED, why=why, mend=f"mend line {error.line} of {file}")
            continue
        remarks = lint(text, given, app.build.target)
        for one in remarks:
            why = f"{file.name}:{one.line}: {one.why}"
            yield Finding(what="Dockerfile", grade=Grade.WARNING, why=why, mend=one.mend)
        if not remarks:
            yield Finding(what="Dockerfile", grade=Grade.OK, why=f"nothing to remark on {file}")


def _arguments(patient: Patient, app: App) -> dict[str, str]:
    """Give the arguments that a build would have, with those that the builder sets by itself."""
    given = {"VERSION": UNVERSIONED, **app.build.arguments}
    if app.base_images:
        given.setdefault("BASE_IMAGE", app.base_images[0].familiar)
    if len(app.build.platforms) > 1:
        return given
    try:
        engine = patient.world.engine.platform()
    except SeatrialError:
        engine = _USUAL_PLATFORM
    return {**platform_arguments(next(iter(app.build.platforms), engine), engine), **given}


def _context(patient: Patient) -> Iterator[Finding]:
    """Which files would be sent to the engine, and whether they should be."""
    for app in apps_of(patient):
        try:
            context = Context.read(app.context, app.dockerfile, notes=patient.world.notes.folder)
            context.refuse_beyond(app.build.context_limit)
            context.refuse_secrets(app.build.allowed)
        except SeatrialError as error:
            yield Finding(what="context", grade=Grade.FAILED, why=str(error), mend=error.mend)
            continue
        size = f"{len(context.sizes)} files, {human_size(context.size)} of {app.context}"
        if find_ignore_file(app.context, app.dockerfile) is None:
            why = f"{size}: there is no .dockerignore, so everything is sent"
            mend = f"name what the image does not need in {app.context / '.dockerignore'}"
            yield Finding(what="context", grade=Grade.WARNING, why=why, mend=mend)
        else:
            yield Finding(what="context", grade=Grade.OK, why=f"{size}, no secret among them")


def _git(patient: Patient) -> Iterator[Finding]:
    """Which version a build would be, and whether it could move tags."""
    for app in apps_of(patient):
        try:
            version = described_version(app.context)
            paths = Context.read(app.context, app.dockerfile, notes=patient.world.notes.folder).entries
        except SeatrialError:
            continue  # the context is told already
        if last_revision(app.context) is None:
            why = f"no commit touches {app.context}: the version is {version}, and the image names no commit"
            yield Finding(what="git", grade=Grade.WARNING, why=why, mend="git init and commit, or give --version")
        elif has_uncommitted(app.context, [*paths, str(app.dockerfile)]):
            why = f"uncommitted changes in {app.context}: no moving tag follows them (version {version})"
            yield Finding(what="git", grade=Grade.WARNING, why=why, mend="git commit -a")
        else:
            yield Finding(what="git", grade=Grade.OK, why=f"version {version}; all in {app.context} is committed")


FILE_LOOKS: tuple[Look, ...] = (_config, _login, _dockerfile, _context, _git)
