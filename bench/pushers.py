"""An image to push, and three tools that push it: the docker CLI, docker-py as people use it, and Seatrial."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.timing import Command
from bench.workspace import INVOKE, PAGE, Workspace

__all__ = [
    "OWN_LIMIT",
    "PUSHERS",
    "USER",
    "VERSION",
    "ImageProject",
    "PushResult",
    "end_all",
    "run_push",
    "seatrial_push",
]

USER = "alice"
VERSION = "1"
_RANDOM_BYTES = 2**20
_LIMIT, _SHORT_LIMIT, OWN_LIMIT = 400.0, 45.0, 5
_DOCKERFILE = """\
FROM {base}
COPY . /srv
CMD ["python3", "/srv/app.py"]
"""
_DOCKER_PY = """\
import sys, docker
repository, tag, limit = sys.argv[1:]
client = docker.from_env(**({"timeout": int(limit)} if limit else {}))
client.images.push(repository, tag=tag)
"""


@dataclass(frozen=True, kw_only=True)
class ImageProject:
    """A project with one tiny app; each build has different content."""

    workspace: Workspace
    folder: Path
    name: str

    @property
    def repository(self) -> str:
        """The repository in a registry."""
        return f"{USER}/{self.name}"

    @property
    def image(self) -> str:
        """The image's name in the engine."""
        return f"{self.workspace.name}/{self.name}:{VERSION}"

    @property
    def id(self) -> str:
        """The image's id."""
        return self.workspace.image_id(self.image)

    def make(self, **settings: object) -> ImageProject:
        """Write the project, with these settings of the app besides the usual ones."""
        context = self.folder / "app"
        context.mkdir(parents=True)
        (context / "Dockerfile").write_text(_DOCKERFILE.format(base=self.workspace.base))
        (context / "app.py").write_text(PAGE)
        self.workspace.write_project(self.folder, {self.name: self.workspace.tiny_app(self.name, **settings)})
        return self

    def build(self, host: str, *, version: str = VERSION, size: int = _RANDOM_BYTES) -> None:
        """Build the image with `size` bytes of new content, test it, and tag it for a registry."""
        (self.folder / "app" / "random").write_bytes(secrets.token_bytes(size))
        words = (INVOKE, "build", "--version", version, "smoke", "tag", "--user", USER, "--registry", host)
        Command(words=words, folder=self.folder).output()

    def publish(self, host: str, tag: str) -> None:
        """Push the image directly with the docker CLI."""
        name = f"{host}/{self.repository}:{tag}"
        for words in (("tag", self.image, name), ("push", "--quiet", name)):
            self.workspace.docker(*words).output()


@dataclass(frozen=True, kw_only=True)
class PushResult:
    """How a push ended: its exit code (None if it was terminated at its time limit), seconds and output."""

    code: int | None
    seconds: float
    output: str

    @property
    def success(self) -> bool:
        """Whether the tool reported success."""
        return self.code == 0


def _docker(image_project: ImageProject, host: str, *, short: bool) -> tuple[str, ...]:  # noqa: ARG001  it has no such option
    return (image_project.workspace.cli, "push", f"{host}/{image_project.repository}:{VERSION}")


def _docker_py(image_project: ImageProject, host: str, *, short: bool) -> tuple[str, ...]:
    limit = str(OWN_LIMIT) if short else ""
    return (sys.executable, "-c", _DOCKER_PY, f"{host}/{image_project.repository}", VERSION, limit)


def _seatrial(image_project: ImageProject, host: str, *, short: bool) -> tuple[str, ...]:  # noqa: ARG001  its settings hold the limit
    return seatrial_push(host, VERSION)


def seatrial_push(host: str, version: str) -> tuple[str, ...]:
    """Return the command with which Seatrial pushes a version of the project in the current folder."""
    return (INVOKE, "push", "--user", USER, "--registry", host, "--version", version)


PUSHERS: Mapping[str, Callable[..., tuple[str, ...]]] = {
    "docker push": _docker,
    "docker-py": _docker_py,
    "Seatrial": _seatrial,
}
"""The command with which each tool pushes a project to a host; with `short` it gives up soon if nothing happens."""


_running: set[subprocess.Popen[str]] = set()


def end_all() -> None:
    """Terminate all running pushes."""
    for process in tuple(_running):
        process.terminate()


def run_push(words: tuple[str, ...], folder: Path, environment: Mapping[str, str], *, short: bool) -> PushResult:
    """Run a push to its end, or terminate it at its time limit."""
    began = time.monotonic()
    process = subprocess.Popen(
        words,
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    code: int | None = None
    _running.add(process)
    try:
        output, _ = process.communicate(timeout=_SHORT_LIMIT if short else _LIMIT)
        code = process.returncode
    except subprocess.TimeoutExpired:
        process.terminate()
        output, _ = process.communicate()
    finally:
        _running.discard(process)
    return PushResult(code=code, seconds=time.monotonic() - began, output=output)
