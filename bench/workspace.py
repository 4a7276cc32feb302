"""A workspace for measurements: a docker CLI with BuildKit, a folder and a name; all of it is removed afterwards."""

from __future__ import annotations

import compileall
import json
import os
import re
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

import seatrial
from bench.timing import Command, CommandFailed, say
from tests.waiting import answers, wait_until

__all__ = ["BASE", "BIN", "INVOKE", "PAGE", "REPOSITORY", "TASKS", "Workspace", "workspace"]

REPOSITORY = Path(__file__).resolve().parent.parent
"""The folder of this repository."""

BIN = Path(sys.executable).parent
INVOKE = str(BIN / "invoke")
"""The programs that are measured are beside Python."""

BASE = "localhost/seatrial/python:3.13"
"""The base image that `./inv up` makes where Docker Hub cannot be reached."""

TASKS = """\
from invoke import Collection
from seatrial import tasks as seatrial_tasks

ns = Collection.from_module(seatrial_tasks)
"""
"""The `tasks.py` of a project that is measured."""

PAGE = """\
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"goodbye")

HTTPServer(("", int(os.environ["PORT"])), Page).serve_forever()
"""
"""A tiny app, whose page says goodbye."""

_REGISTRY_IMAGE = "localhost/seatrial/registry:2.8"
_NO_DOCKERFILE = "BuildKit reports that this is not a valid Dockerfile"
# A record of the build cache does not say which build made it. So large ones of other builds go, too; those builds take
# longer the next time. Small ones stay: they do no harm. The app's libraries have 7 MB.
_LARGE_RECORD = 5e6
# Seconds that an engine may need to end an interrupted build; it can still tag its image in that time.
_ENDING_SECONDS = 3.0
# Only images without children can be removed; the last ones are those of the classic builder.
_RMI = ("images", ("rmi", "--force"))
_REMOVALS = (("ps --all", ("rm", "--force", "--volumes")), _RMI, _RMI, ("images --all", ("rmi", "--force")))
_UNITS = {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9}


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """Where to measure: `cli` builds with BuildKit, `name` marks our objects in the engine."""

    cli: str
    name: str
    folder: Path
    base: str

    def docker(self, *words: str, folder: Path | None = None) -> Command:
        """Return a command of the docker CLI."""
        return Command(words=(self.cli, *words), folder=folder or self.folder, environment={"DOCKER_BUILDKIT": "1"})

    def build(self, tag: str, context: str, *, folder: Path | None = None) -> Command:
        """Return the `docker build` to compare with."""
        arguments = (f"BASE_IMAGE={self.base}", "VERSION=1")
        words = ("build", "--progress=plain", "--label", self.label, "--tag", f"{self.name}/{tag}")
        given = (word for argument in arguments for word in ("--build-arg", argument))
        return self.docker(*words, *given, context, folder=folder)

    @property
    def label(self) -> str:
        """The label of everything made here; Seatrial adds it to its images itself."""
        return f"seatrial.project={self.name}"

    def image_id(self, image: str) -> str:
        """Return an image's id."""
        return self.docker("image", "inspect", "--format", "{{.Id}}", image).output().strip()

    def port(self, container: str) -> int:
        """Return the port of this machine that leads to a container's port 5000."""
        return int(self.docker("port", container, "5000/tcp").output().rpartition(":")[2])

    def tiny_app(self, name: str, **settings: object) -> dict[str, object]:
        """Return the settings of an app in the folder `app` whose page is PAGE, with these besides."""
        check = {"path": "/", "text": "goodbye"}
        usual = {"context": "app", "repository": f"{self.name}/{name}", "base_images": [self.base], "checks": [check]}
        return {**usual, **settings}

    def write_project(self, folder: Path, apps: Mapping[str, Mapping[str, object]], **settings: object) -> None:
        """Write the settings of these apps, as JSON, which is YAML, too, and the tasks."""
        folder.mkdir(parents=True, exist_ok=True)
        document = {"seatrial": {"project": self.name, "apps": apps, **settings}}
        (folder / "invoke.yaml").write_text(json.dumps(document, indent=1))
        (folder / "tasks.py").write_text(TASKS)

    def registry(self, *options: str) -> str:
        """Start a registry with these options of `docker run` and return its host; `remove` removes it."""
        words = ("--detach", "--label", self.label, "--publish", "127.0.0.1::5000", "--tmpfs", "/var/lib/registry")
        container = self.docker("run", *words, *options, self.image_id(_REGISTRY_IMAGE)).output().strip()
        host = f"localhost:{self.port(container)}"
        wait_until(lambda: answers(f"http://{host}/v2/"))
        return host

    def remove(self) -> None:
        """Remove our containers and images; `CommandFailed` if one is left."""
        for listing, removal in _REMOVALS:
            found = self._list(listing)
            if found:
                replace(self.docker(*removal, *found), exit_code=None).output()
        if left := self._list("ps --all") + self._list("images --all"):
            raise CommandFailed(f"these could not be removed: {' '.join(left)}")

    def _list(self, listing: str) -> list[str]:
        words = (*listing.split(), "--quiet", "--filter", f"label={self.label}")
        return list(dict.fromkeys(self.docker(*words).output().split()))

    def large_records(self) -> set[str]:
        """Return the ids of the large records in the build cache."""
        listed = json.loads(self.docker("system", "df", "--verbose", "--format", "{{json .BuildCache}}").output())
        # A "*" marks a record that can still change.
        return {record["ID"].rstrip("*") for record in listed if _bytes(record["Size"]) >= _LARGE_RECORD}

    def forget(self, records: set[str]) -> None:
        """Remove records from the build cache."""
        for record in records:
            self.docker("builder", "prune", "--all", "--force", "--filter", f"id={record}").output()


@contextmanager
def workspace(base: str) -> Iterator[Workspace]:
    """Yield a workspace; everything made in it is removed at the end, also on Ctrl-C and SIGTERM."""
    # As pip and ./inv do: Invoke itself writes no .pyc files.
    compileall.compile_dir(Path(seatrial.__file__).parent, quiet=1)
    before = signal.signal(signal.SIGTERM, _end)
    name = f"seatrial-bench-{secrets.token_hex(4)}"
    with tempfile.TemporaryDirectory(prefix=f"{name}-") as folder:
        place = Workspace(cli=_cli_with_buildkit(Path(folder)), name=name, folder=Path(folder), base=base)
        known = place.large_records()
        try:
            yield place
        except BaseException:
            time.sleep(_ENDING_SECONDS)
            raise
        finally:
            with _signals_ignored():
                say("cleaning up")
                try:
                    place.remove()
                finally:
                    place.forget(place.large_records() - known)
            signal.signal(signal.SIGTERM, before)


@contextmanager
def _signals_ignored() -> Iterator[None]:
    """Ignore Ctrl-C and SIGTERM for the block."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _cli_with_buildkit(folder: Path) -> str:
    """Return the first docker CLI on PATH that builds with BuildKit; since version 23 a CLI needs buildx for it."""
    context = folder / "no-context"
    context.mkdir()
    (context / "Dockerfile").write_text(_NO_DOCKERFILE)
    for place in os.get_exec_path():
        if cli := shutil.which("docker", path=place):
            probe = Command(words=(cli, "build", str(context)), environment={"DOCKER_BUILDKIT": "1"})
            try:
                probe.output()
            except CommandFailed as error:
                if "dockerfile parse error" in str(error):
                    return cli
    raise CommandFailed("no docker CLI on PATH builds with BuildKit, or no engine answers")


def _bytes(size: str) -> float:
    """Return the bytes in a size as the docker CLI writes it."""
    found = re.fullmatch(r"([0-9.]+)([kMG]?B)", size)
    return float(found[1]) * _UNITS[found[2]] if found else 0.0


def _end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  a signal handler's signature
    raise SystemExit(128 + number)
