"""A project that can grow: in files, in layers, in published versions and in lines of its ledger."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

import requests

from bench import registry
from bench.timing import CommandFailed
from bench.workspace import INVOKE, PAGE, Workspace

__all__ = ["GROWTHS", "Cost", "GrowingProject", "cost_of", "killed_in_time"]

_USER = "alice"
_FIRST = "1.0.0"
_LONGEST_SECONDS = 300.0  # of a process, even on a busy machine
_FILES_IN_A_FOLDER = 100
_IGNORED = [
    "*.pyc",
    "**/__pycache__",
    ".git",
    ".venv",
    "node_modules",
    "*.log",
    "dist",
    "build",
    "docs/**/*.md",
    "!README.md",
]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a process took and said: its seconds of processor, and what it printed."""

    cpu: float
    printed: str


def cost_of(words: tuple[str, ...], folder: Path) -> Cost:
    """Run a process and its children to their end; raise `CommandFailed` if it fails or takes too long."""
    process = subprocess.Popen(
        words,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    with killed_in_time(process):
        printed = process.stdout.read().decode("utf-8", "replace") if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CommandFailed(f"{' '.join(words[1:])} exited with {process.returncode}:\n{printed}")
    return Cost(cpu=usage.ru_utime + usage.ru_stime, printed=printed)


@contextmanager
def killed_in_time(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill a process and those it started if the block takes too long; terminate it if the block fails."""
    timer = Timer(_LONGEST_SECONDS, os.killpg, (process.pid, signal.SIGKILL))
    timer.start()
    try:
        yield
    except BaseException:
        process.terminate()
        process.wait()
        raise
    finally:
        timer.cancel()


@dataclass(frozen=True, kw_only=True)
class GrowingProject:
    """A project with one tiny app, which is published in the registry `host`."""

    workspace: Workspace
    name: str
    host: str

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return self.workspace.folder / self.name

    @property
    def context(self) -> Path:
        """The build context."""
        return self.folder / "app"

    def make(self, growth: str, size: int) -> GrowingProject:
        """Write the project, and release it once; `growth` says what it has `size` of."""
        self.context.mkdir(parents=True)
        (self.context / "app.py").write_text(PAGE)
        (self.context / ".dockerignore").write_text("\n".join(_IGNORED))
        apps = {self.name: self.workspace.tiny_app(self.name)}
        self.workspace.write_project(self.folder, apps, registry=self.host, user=_USER)
        self.write_dockerfile()
        before, after = GROWTHS[growth]
        before(self, size)
        self.run("release", "--version", _FIRST)
        after(self, size)
        return self

    def write_dockerfile(self, layers: int = 1) -> None:
        """Write a Dockerfile that adds so many layers."""
        copies = (f"COPY layer-{number} /srv/layer-{number}\n" for number in range(layers - 1))
        end = 'COPY . /srv\nCMD ["python3", "/srv/app.py"]\n'
        (self.context / "Dockerfile").write_text(f"FROM {self.workspace.base}\n{''.join(copies)}{end}")

    def change(self) -> None:
        """Change a line of the app."""
        with (self.context / "app.py").open("a") as file:
            file.write(f"# {secrets.token_hex(16)}\n")

    def run(self, *words: str) -> Cost:
        """Run tasks in the project."""
        return cost_of((INVOKE, *words), self.folder)


def _write_files(project: GrowingProject, size: int) -> None:
    for number in range(size - 3):  # app.py, Dockerfile and .dockerignore are there
        folder = project.context / f"part-{number // _FILES_IN_A_FOLDER:03}"
        folder.mkdir(exist_ok=True)
        (folder / f"file-{number % _FILES_IN_A_FOLDER:02}").write_text(f"{number} {secrets.token_hex(40)}\n")


def _write_layers(project: GrowingProject, size: int) -> None:
    for number in range(size - 1):
        (project.context / f"layer-{number}").write_text(f"{project.workspace.name} {number}\n")
    project.write_dockerfile(size)


def _publish_versions(project: GrowingProject, size: int) -> None:
    """Add older versions to the first release: tags of its image in registry and engine, and lines in the ledger."""
    repository = f"{_USER}/{project.name}"
    _, manifest = registry.manifest(project.host, repository, _FIRST)
    headers = {"Content-Type": json.loads(manifest)["mediaType"]}
    own = f"{project.workspace.name}/{project.name}"
    for number in range(size - 1):
        tag = f"0.9.{number}"
        url = f"http://{project.host}/v2/{repository}/manifests/{tag}"
        requests.put(url, data=manifest, headers=headers, timeout=60).raise_for_status()
        for name in (own, f"{project.host}/{repository}"):
            project.workspace.docker("tag", f"{own}:{_FIRST}", f"{name}:{tag}").output()
    _write_ledger(project, size)


def _write_ledger(project: GrowingProject, size: int) -> None:
    """Put older releases before the first one in the ledger."""
    ledger = project.folder / ".seatrial/ledger.jsonl"
    last = ledger.read_text()
    entry = json.loads(last)
    digest = entry["digests"][_FIRST]
    older = (
        json.dumps({**entry, "version": f"0.9.{number}", "digests": {f"0.9.{number}": digest}}, sort_keys=True)
        for number in range(size - 1)
    )
    ledger.write_text("".join(f"{line}\n" for line in older) + last)


def _nothing(project: GrowingProject, size: int) -> None:
    """Leave the project as it is."""


GROWTHS: Mapping[str, tuple[Callable[[GrowingProject, int], None], Callable[[GrowingProject, int], None]]] = {
    "files": (_write_files, _nothing),
    "layers": (_write_layers, _nothing),
    "published versions": (_nothing, _publish_versions),
    "lines in the ledger": (_nothing, _write_ledger),
}
"""What a project can have many of: what makes them before its first release, and after it."""
