"""The rows about builds of a large context: 10,000 files, 100 MB.

Each tool has its own copy with different content, so neither finds the other's work in the build cache.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from bench.comparison import Comparison
from bench.setup import Setup
from bench.timing import Command, CommandFailed, in_turns, say
from bench.workspace import BIN, Workspace

__all__ = ["build_noop", "build_one_file"]

_ROUNDS = 7
_PEER = "docker build"
_FOLDERS, _FILES_IN_EACH, _FILE_BYTES = 100, 100, 10_000
_CHANGED_FILE = "part-50/file-50"


@dataclass(frozen=True, kw_only=True)
class Files:
    """One tool's copy of the project; the build context is the folder `app`."""

    workspace: Workspace
    tool: str

    @property
    def folder(self) -> Path:
        """The folder of the copy."""
        return self.workspace.folder / f"files-{self.tool}"

    @property
    def _image(self) -> str:
        return f"{self.workspace.name}/files{'' if self.tool == 'seatrial' else '-docker'}:1"

    def make(self) -> Files:
        """Write the copy, unless it is there, and build it."""
        if self.folder.exists():
            return self
        say(f"10,000 files for {self.tool}")
        for folder in range(_FOLDERS):
            part = self.folder / "app" / f"part-{folder:02}"
            part.mkdir(parents=True)
            for number in range(_FILES_IN_EACH):
                (part / f"file-{number:02}").write_bytes(os.urandom(_FILE_BYTES))
        (self.folder / "app" / "Dockerfile").write_text(f"FROM {self.workspace.base}\nCOPY . /srv\n")
        base, repository = self.workspace.base, f"{self.workspace.name}/files"
        app = {"context": "app", "repository": repository, "base_images": [base]}
        self.workspace.write_project(self.folder, {"files": app})
        self._command().output()
        return self

    def again(self, program: str = "invoke") -> float:
        """Build without a change; return the seconds. The image must stay the same."""
        before = self.workspace.image_id(self._image)
        taken = self._command("ok=1", program).seconds()
        if self.workspace.image_id(self._image) != before:
            raise CommandFailed(f"{self.tool} built another image from the same files")
        return taken

    def with_new_file(self) -> float:
        """Change a file and build; return the seconds. The image must hold the new content."""
        path = self.folder / "app" / _CHANGED_FILE
        path.write_bytes(os.urandom(_FILE_BYTES))
        taken = self._command("changed=1").seconds()
        words = ("run", "--rm", "--network", "none", "--label", self.workspace.label, "--entrypoint", "sha256sum")
        given = self.workspace.docker(*words, self._image, f"/srv/{_CHANGED_FILE}").output().split()[0]
        if given != sha256(path.read_bytes()).hexdigest():
            raise CommandFailed(f"{self.tool}: the image does not hold the changed file")
        return taken

    def _command(self, recap: str = "", program: str = "invoke") -> Command:
        if self.tool == "seatrial":
            words = (str(BIN / program), "build", "--version", "1")
            return Command(words=words, folder=self.folder, must_print=recap)
        return self.workspace.build("files-docker:1", "app", folder=self.folder)


def build_noop(setup: Setup) -> list[Comparison]:
    """Compare a build with nothing to do, by both programs."""
    ours, peer = _copies(setup)
    actions = {name: partial(ours.again, name) for name in ("seatrial", "invoke")}
    taken = in_turns({**actions, "docker": peer.again}, setup.rounds_or(_ROUNDS))
    checked = "Seatrial says `ok=1`; the image's id is the one of before"
    return [
        Comparison(
            name=f"{name} build of 10,000 files, nothing changed",
            peer=_PEER,
            ours=taken[name],
            other=taken["docker"],
            goal=0.6,
            checked=checked,
        )
        for name in actions
    ]


def build_one_file(setup: Setup) -> list[Comparison]:
    """Compare a build with one changed file."""
    ours, peer = _copies(setup)
    taken = in_turns({"seatrial": ours.with_new_file, "docker": peer.with_new_file}, setup.rounds_or(_ROUNDS))
    return [
        Comparison(
            name="build, one of 10,000 files changed",
            peer=_PEER,
            ours=taken["seatrial"],
            other=taken["docker"],
            goal=1.1,
            checked="Seatrial says `changed=1`; the image holds the file with the new content, by its checksum",
        )
    ]


def _copies(setup: Setup) -> tuple[Files, Files]:
    ours, peer = (Files(workspace=setup.workspace, tool=tool).make() for tool in ("seatrial", "docker"))
    return ours, peer
