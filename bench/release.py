"""A release of this repository's app, by Seatrial's two programs, a shell script, Ansible, and the bare calls.

Each releases its own copy of the app to its own repository of one registry, so none finds another one's work. The app
shows a line with version and tool, which each must find in the answer before it pushes.
"""

from __future__ import annotations

import io
import os
import secrets
import shutil
import sys
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from bench import ansible, registry
from bench.timing import Command, CommandFailed
from bench.workspace import BIN, REPOSITORY, Workspace

__all__ = ["ENGINE", "SCRIPT", "Release", "make_base"]

ENGINE = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
"""The engine's address for the bare calls, which need a Unix socket."""

_PEERS = Path(__file__).parent / "peers"
SCRIPT = _PEERS / "release.sh"
"""The shell script that releases an app."""

_PAGE = "templates/index.html"
_LIBRARIES = """\
FROM {base}
COPY requirements.txt /wheels/requirements.txt
RUN pip download --quiet --require-hashes -r /wheels/requirements.txt -d /wheels
ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels
"""


def make_base(workspace: Workspace) -> str:
    """Make the base image of all releases, which holds the app's libraries: no later build needs the network."""
    context = workspace.folder / "libraries"
    context.mkdir(exist_ok=True)
    shutil.copy(REPOSITORY / "app/requirements.txt", context)
    (context / "Dockerfile").write_text(_LIBRARIES.format(base=workspace.base))
    workspace.build("libraries:1", str(context)).output(attempts=2)
    return f"{workspace.name}/libraries:1"


@dataclass(kw_only=True)
class Release:
    """One tool's copy of the app, its repository in the registry `host`, and its base image, made from `libraries`."""

    workspace: Workspace
    host: str
    libraries: str
    tool: str
    version: str = ""
    _versions: count[int] = field(default_factory=lambda: count(1))

    def make(self) -> Release:
        """Write the copy and release it once."""
        shutil.rmtree(self.folder, ignore_errors=True)  # what an attempt that failed has left
        shutil.copytree(REPOSITORY / "app", self.context, ignore=shutil.ignore_patterns("__pycache__"))
        app = {
            "context": "app",
            "repository": self.image,
            "base_images": [self.base],
            "image_facts": "off" if self.tool == "unchecked" else "fail",
            "image_facts_allowed": ["setuid"],
            "checks": [
                {"path": "/", "text": "release {version} by"},
                {"path": "/healthz", "json": {"status": "ok", "version": "{version}"}},
            ],
        }
        self.workspace.write_project(self.folder, {self.tool: app}, registry=self.host, user="bench")
        self.with_new_base()
        return self

    @property
    def folder(self) -> Path:
        """The folder of the copy."""
        return self.workspace.folder / f"release-{self.tool}"

    @property
    def context(self) -> Path:
        """The build context."""
        return self.folder / "app"

    @property
    def image(self) -> str:
        """The image's name in the engine, without a tag."""
        return f"{self.workspace.name}/{self.tool}"

    @property
    def base(self) -> str:
        """The base image."""
        return f"{self.workspace.name}/base-{self.tool}:1"

    @property
    def repository(self) -> str:
        """The repository in the registry."""
        return f"bench/{self.tool}"

    @property
    def line(self) -> str:
        """The line in the page."""
        return f"release {self.version} by {self.tool} of {self.workspace.name}"

    def again(self) -> float:
        """Release the same version again; return the seconds. The registry must hold the same as before."""
        before = self.published()
        taken = self.command("noop").seconds()
        if self.published() != before:
            raise CommandFailed(f"{self.tool} changed what is published, though nothing had changed")
        return taken

    def with_new_line(self) -> float:
        """Change a line of the page and release the next version; return the seconds."""
        self.version = str(next(self._versions))
        page = REPOSITORY / "app" / _PAGE
        changed = page.read_text("utf-8").replace("</body>", f"<p>{self.line}</p></body>")
        (self.context / _PAGE).write_text(changed, "utf-8")
        taken = self.command("release").seconds()
        self.published()
        return taken

    def with_new_base(self) -> float:
        """Make a base image with a new layer and release the next version on it: nothing is cached."""
        folder = self.folder / "base"
        folder.mkdir(exist_ok=True)
        (folder / "new").write_text(secrets.token_hex())
        (folder / "Dockerfile").write_text(f"FROM {self.libraries}\nCOPY new /new\n")
        self.workspace.build(self.base.removeprefix(f"{self.workspace.name}/"), str(folder)).output()
        return self.with_new_line()

    def command(self, action: str) -> Command:
        """Return the tool's command that releases the version; `noop` if nothing changed since it did so last."""
        folder, published = self.folder, f"{self.host}/{self.repository}"
        given = (str(self.context), self.base, self.image, published, self.version, self.workspace.label)
        match self.tool:
            case "script":
                words: tuple[str, ...] = ("sh", str(SCRIPT), *given)
                return Command(words=words, folder=folder, environment={"DOCKER": self.workspace.cli})
            case "floor":
                words = (sys.executable, "-I", str(_PEERS / "floor.py"), action, ENGINE, *given)
                return Command(words=words, folder=folder)
            case "ansible":
                name, _, value = self.workspace.label.partition("=")
                return ansible.playbook(
                    _PEERS / "release.yml",
                    folder / "ansible",
                    context=str(self.context),
                    base=self.base,
                    image=self.image,
                    repository=published,
                    version=self.version,
                    container=f"{self.workspace.name}-{self.tool}",
                    labels={name: value},
                )
        program = str(BIN / ("seatrial" if self.tool == "seatrial" else "invoke"))
        words = (program, "release", "--version", self.version)
        return Command(words=words, folder=folder, must_print="changed=0" if action == "noop" else "changed=4")

    def published(self) -> str:
        """Return the digest in the registry; `CommandFailed` unless it is the engine's image, with the page's line."""
        image = f"{self.image}:{self.version}"
        digest, document = registry.published(self.workspace, self.host, self.repository, image)
        if not any(self.line in text for text in self._pages(document)):
            raise CommandFailed(f"{self.tool}: the published image does not hold the line {self.line!r}")
        return digest

    def _pages(self, manifest: dict[str, Any]) -> Iterator[str]:
        """Yield the page in each layer that holds one, the newest first."""
        for layer in reversed(manifest["layers"]):
            content = registry.blob(self.host, self.repository, layer["digest"])
            with tarfile.open(fileobj=io.BytesIO(content)) as archive, suppress(KeyError):
                if file := archive.extractfile(f"app/{_PAGE}"):
                    yield file.read().decode()
