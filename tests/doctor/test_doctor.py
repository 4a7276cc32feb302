"""The doctor on an engine in memory: its findings and their severity, with and without an engine."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from seatrial.doctor.doctor import findings, run_inspection
from seatrial.doctor.findings import Finding, Severity, Subject, exit_code
from seatrial.engine.model import EngineDetails, EngineInfo
from seatrial.errors import EngineUnavailable, Unavailable, UsageError
from seatrial.model.app import BuildOptions
from seatrial.model.reference import ImageReference
from seatrial.pipeline.state import StateFolder
from seatrial.pipeline.world import World
from seatrial.registry.client import HttpRegistry
from seatrial.registry.credentials import CredentialStore
from seatrial.settings.settings import Settings
from seatrial.settings.variables import Environment
from seatrial.steps.serve.serving import SERVING_LABELS
from seatrial.steps.smoke.smoke_container import spec_for
from tests.engine.memory.engine import MemoryEngine

_DOCKERFILE = """\
FROM python:3.13-slim
HEALTHCHECK CMD ["true"]
USER 10001
CMD ["python", "app.py"]
"""


class _Gone(MemoryEngine):
    """An engine that does not answer."""

    def info(self, *_: object) -> EngineInfo:
        """Fail like every other method."""
        raise EngineUnavailable("no Docker Engine answers at memory:", reason="it sleeps", hint="invoke up")

    details = platform = container = containers = image = builder = info  # type: ignore[assignment]


def _subject(folder: Path, engine: MemoryEngine, port: int, *, app: str | None = None, **top: object) -> Subject:
    if not (folder / "Dockerfile").exists():
        (folder / "Dockerfile").write_text(_DOCKERFILE)
        (folder / ".dockerignore").write_text("docker\n")
    apps = {"web": {"host_port": port, "base_images": ["python:3.13-slim"]}}
    settings = Settings.load({"project": "shop", "local_registry_port": port, "apps": apps} | top, folder)
    store = CredentialStore(folder / "docker")
    world = World(
        engine=engine,
        registry=lambda host: HttpRegistry(host, store),
        state=StateFolder(folder / ".seatrial"),
    )
    environment = Environment(
        docker_config=folder / "docker",
        command="invoke",
        plain=True,
        terminal=None,
        docker_host=None,
        docker_context="default",
    )
    return Subject(
        world=world, settings=settings, apps=settings.chosen([app] if app else None), environment=environment
    )


def _save_config(folder: Path, text: str) -> None:
    (folder / "docker").mkdir(exist_ok=True)
    (folder / "docker" / "config.json").write_text(text)


def _found(subject: Subject, what: str) -> Finding:
    return next(one for one in findings(subject) if one.check == what)


def test_everything_is_inspected(tmp_path: Path, engine: MemoryEngine, free_port: int) -> None:
    """If all is well, nothing fails, and every inspection has a finding."""
    found = findings(_subject(tmp_path, engine, free_port))

    checks = {one.check for one in found}
    assert checks >= {"engine", "API", "image store", "builder", "base image", "port", "registry"}
    assert checks >= {"config", "login", "Dockerfile", "context", "git"}
    assert exit_code(found) == 0
    assert "DOCKER_CONTEXT=default" in found[0].reason


def test_a_compose_file(tmp_path: Path, engine: MemoryEngine, free_port: int) -> None:
    """The service that an app is deployed as is named, and so is what deploy does not understand."""
    compose = tmp_path / "compose.yaml"
    compose.write_text("services: {page: {ports: ['80:80']}}")
    subject = _subject(tmp_path, engine, free_port, apps={"web": {"deploy": {"compose": "compose.yaml"}}})
    assert f"the service page of {compose}" in _found(subject, "compose").reason

    compose.write_text("services: {page: {ports: ['80:80'], dns: x}}")

    found = _found(subject, "compose")
    assert (found.severity, found.exit_code, "services.page.dns" in found.reason) == (Severity.FAILED, 2, True)


def test_no_engine(tmp_path: Path, free_port: int) -> None:
    """A missing engine is reported once, with exit code 3, and the files are still inspected."""
    found = findings(_subject(tmp_path, _Gone(), free_port))

    assert exit_code(found) == 3
    assert [one.check for one in found if one.severity is Severity.FAILED] == ["engine"]
    assert {"port", "config", "login", "Dockerfile", "context", "git"} <= {one.check for one in found}


def test_an_engine_without_buildkit(tmp_path: Path, free_port: int) -> None:
    """An engine that is too old to build is reported with exit code 3; its hidden data folder is no finding.

    The slow question for its details is put once.
    """
    asked = []

    class _Old(MemoryEngine):
        endpoint = "unix:///run/docker.sock"

        def info(self) -> EngineInfo:
            return replace(super().info(), api="1.38")

        def details(self) -> EngineDetails:
            asked.append(1)
            return replace(super().details(), root=f"/{'x' * 300}")

    found = findings(_subject(tmp_path, _Old(), free_port))

    assert exit_code(found) == 3
    assert [one.check for one in found if one.severity is Severity.FAILED] == ["API"]
    assert all(one.check != "disk" for one in found)
    assert len(asked) == 1


def test_a_port_that_is_used(tmp_path: Path, engine: MemoryEngine, free_port: int) -> None:
    """A port that another process uses fails; the finding names the process, and another port to try."""
    with socket.create_server(("127.0.0.1", free_port)):
        found = findings(_subject(tmp_path, engine, free_port))

    (port,) = [one for one in found if one.check == "port"]
    assert port.severity is Severity.FAILED
    owner = port.reason.removeprefix(f"port {free_port} is used by ")
    assert owner.startswith(f"process {os.getpid()}")
    assert port.hint == f"invoke run --port {free_port + 1}, or stop {owner}"
    assert exit_code(found) == 1


def test_a_port_that_the_app_uses_itself(tmp_path: Path, engine: MemoryEngine, free_port: int) -> None:
    """A port that serves the app is ok, even if the app listens on another port inside the container by now."""
    subject = _subject(tmp_path, engine, free_port)
    app = subject.settings.app("web")
    image = engine.image("python:3.13-slim")
    assert image
    before = app.but(port=app.port + 1)
    spec = spec_for(before, image, name=app.container_name, host_port=app.host_port, labels=SERVING_LABELS)
    engine.start(engine.create(spec, lambda _: None))

    (port,) = [one for one in findings(subject) if one.check == "port"]

    assert port.severity is Severity.OK
    assert f"127.0.0.1:{app.host_port}" in port.reason


def test_an_engine_on_another_machine(tmp_path: Path, engine: MemoryEngine, free_port: int) -> None:
    """The port of the engine's machine counts, not of this one, and a local registry is missed only if it is needed."""
    engine.published_host = "127.0.0.2"
    subject = _subject(tmp_path, engine, free_port)
    with socket.create_server(("127.0.0.1", free_port)):
        found = {one.check: one for one in findings(subject)}
    assert found["port"].severity is found["registry"].severity is Severity.OK
    assert f"{free_port} of 127.0.0.2" in found["port"].reason

    with socket.create_server(("127.0.0.2", free_port)):
        assert "another program" in _found(subject, "port").reason
    needed = _subject(tmp_path, engine, free_port, registry=f"localhost:{free_port}")
    assert _found(needed, "registry").severity is Severity.FAILED


def test_each_app_is_inspected(tmp_path: Path, free_port: int) -> None:
    """An error with one app does not hide the findings of the others, equal ones are reported once, and so is a port.

    That two apps have it is a failure.
    """

    class Plain(MemoryEngine):
        def builder(self, options: BuildOptions) -> str:
            if options.secrets:
                raise Unavailable("there is no docker buildx", reason="it is needed", hint="install it")
            return super().builder(options)

    apps = {name: {"context": ".", "host_port": free_port} for name in ("web", "api", "worker")}
    apps["worker"]["build_secrets"] = {"key": "env=KEY"}
    with closing(Plain()) as engine:
        image = engine.image(engine.add("base", ImageReference.parse("python:3.13-slim")))
        subject = _subject(tmp_path, engine, free_port, apps=apps)
        web = subject.settings.app("web")
        assert image is not None
        spec = spec_for(web, image, name=web.container_name, host_port=0, labels={})
        engine.create(replace(spec, labels={}), lambda _: None)
        found = findings(subject)

    severities = {what: [one.severity for one in found if one.check == what] for what in ("port", "builder")}
    assert severities == {
        "port": [Severity.FAILED, Severity.OK, Severity.FAILED],
        "builder": [Severity.OK, Severity.FAILED],
    }
    assert exit_code(found) == 3


def test_a_base_for_the_platform(tmp_path: Path, engine: MemoryEngine, free_port: int) -> None:
    """A base image named by the builder's own arguments is ok, with and without an engine."""
    (tmp_path / "Dockerfile").write_text(_DOCKERFILE.replace("python:3.13-slim", "base-$TARGETARCH:1"))

    for one in (engine, _Gone()):
        assert _found(_subject(tmp_path, one, free_port), "Dockerfile").severity is Severity.OK


def test_an_errors_own_exit_code(tmp_path: Path, engine: MemoryEngine, free_port: int) -> None:
    """An error that ends an inspection sets the command's exit code."""

    def _context(_: Subject) -> Iterator[Finding]:
        raise UsageError("this is not a context", reason="it is a file", hint="fix it")

    (found,) = run_inspection(_context, _subject(tmp_path, engine, free_port))

    assert (found.check, exit_code([found])) == ("context", 2)


def test_a_missing_base_image(tmp_path: Path, free_port: int) -> None:
    """A missing base image is a warning: `up` gets it."""
    base = _found(_subject(tmp_path, MemoryEngine(), free_port), "base image")

    assert (base.severity, base.hint) == (Severity.WARNING, "invoke up")


def test_logins(tmp_path: Path, engine: MemoryEngine, free_port: int) -> None:
    """No login is a warning with the command; one as another user has both names, and not the password."""
    login = _found(_subject(tmp_path, engine, free_port, user="alice"), "login")
    assert (login.severity, login.hint) == (Severity.WARNING, "invoke login --user alice")
    _save_config(tmp_path, json.dumps({"auths": {"https://index.docker.io/v1/": {"auth": "cGlyYXRlOnMzbnRpbmVs"}}}))

    login = _found(_subject(tmp_path, engine, free_port, user="alice"), "login")

    assert login.severity is Severity.WARNING
    assert "as pirate" in login.reason
    assert "alice/" in login.reason
    assert "s3ntinel" not in login.reason


@pytest.mark.parametrize("text", ["{", '{"auths": []}'])
def test_damaged_credentials(tmp_path: Path, engine: MemoryEngine, free_port: int, text: str) -> None:
    """A configuration that Docker cannot read fails, and the finding names the file."""
    _save_config(tmp_path, text)

    found = [one for one in findings(_subject(tmp_path, engine, free_port)) if one.severity is Severity.FAILED]

    assert found
    assert all("config.json" in one.reason for one in found)


def test_missing_files(tmp_path: Path, engine: MemoryEngine, free_port: int) -> None:
    """A missing Dockerfile fails; a missing .dockerignore is a warning."""
    subject = _subject(tmp_path, engine, free_port)
    (tmp_path / ".dockerignore").unlink()
    (tmp_path / "Dockerfile").unlink()

    assert _found(subject, "context").severity is Severity.WARNING
    assert _found(subject, "Dockerfile").severity is Severity.FAILED


def test_a_secret_in_the_context(tmp_path: Path, engine: MemoryEngine, free_port: int) -> None:
    """A secret in the build context fails, and the finding names its path, not its value."""
    (tmp_path / ".env").write_text("PASSWORD=s3ntinel")

    context = _found(_subject(tmp_path, engine, free_port), "context")

    assert context.severity is Severity.FAILED
    assert ".env" in context.reason
    assert "s3ntinel" not in context.reason
