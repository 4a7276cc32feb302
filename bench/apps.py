"""The rows about several apps: what each further one takes, and a release of all against a script, one by one."""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import registry
from bench.comparison import Comparison, megabytes
from bench.memory import resources
from bench.release import ENGINE, SCRIPT
from bench.setup import Setup
from bench.timing import Command, CommandFailed, in_turns, say
from bench.workspace import BIN, Workspace

__all__ = ["apps_cold", "apps_noop"]

_SEATRIAL = str(BIN / "seatrial")
_MANY, _SOME = 20, 6
_ROUNDS, _LONG_ROUNDS = 5, 3
_MOST_SECONDS = 0.02
_DOCKERFILE = """\
ARG BASE_IMAGE
FROM $BASE_IMAGE
ARG VERSION
ENV VERSION=$VERSION
COPY page.py line /
USER 10001:10001
EXPOSE 5000
CMD ["python", "/page.py"]
"""
_PAGE = """\
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        version = os.environ["VERSION"]
        self.wfile.write(f'release {version} by {open("/line").read()}, "version":"{version}"'.encode())

HTTPServer(("", 5000), Page).serve_forever()
"""


@dataclass(kw_only=True)
class Apps:
    """One tool's project of `number` tiny apps, which it releases to the registry `host`."""

    workspace: Workspace
    host: str
    tool: str
    number: int
    version: int = 0

    def make(self) -> Apps:
        """Write the project, and release it once."""
        say(f"{self.number} apps for {self.tool}")
        for name in self.names:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
            (self.folder / name / "Dockerfile").write_text(_DOCKERFILE)
            (self.folder / name / "page.py").write_text(_PAGE)
        apps = {
            name: {
                "context": name,
                "repository": f"{self.workspace.name}/{name}",
                "build_args": {"BASE_IMAGE": self.workspace.base},
                "image_facts": "off",
                "checks": [{"path": "/", "text": "release {version} by"}],
            }
            for name in self.names
        }
        self.workspace.write_project(self.folder, apps, registry=self.host, user="bench")
        self.with_new_lines()
        return self

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return self.workspace.folder / f"apps-{self.tool}"

    @property
    def names(self) -> list[str]:
        """The apps' names."""
        return [f"{self.tool}-{number:02}" for number in range(self.number)]

    def with_new_lines(self) -> float:
        """Change a file of each app and release the next version of all; return the seconds."""
        self.version += 1
        for name in self.names:
            (self.folder / name / "line").write_text(f"{name} {secrets.token_hex()}")
        taken = self._command().seconds()
        self.published()
        return taken

    def published(self) -> dict[str, str]:
        """Return each app's digest in the registry; `CommandFailed` unless it is the engine's image under both tags."""
        found = {}
        for name in self.names:
            image = f"{self.workspace.name}/{name}:{self.version}"
            found[name], _ = registry.published(self.workspace, self.host, f"bench/{name}", image)
        return found

    def _command(self) -> Command:
        if self.tool != "script":
            ours = (_SEATRIAL, "release", "--version", str(self.version))
            return Command(words=ours, folder=self.folder, must_print=f"changed={4 * self.number} ")
        each = (shlex.join(("sh", str(SCRIPT), *self._given(name))) for name in self.names)
        words = ("sh", "-ec", "\n".join(each))
        return Command(words=words, folder=self.folder, environment={"DOCKER": self.workspace.cli})

    def _given(self, name: str) -> tuple[str, ...]:
        image, published = f"{self.workspace.name}/{name}", f"{self.host}/bench/{name}"
        return (name, self.workspace.base, image, published, str(self.version), self.workspace.label)


def apps_cold(setup: Setup) -> list[Comparison]:
    """Compare a release of several changed apps with the shell script that releases one after the other."""
    tools = {
        tool: Apps(workspace=setup.workspace, host=setup.host, tool=tool, number=_SOME).make()
        for tool in ("seatrial", "script")
    }
    taken = in_turns({tool: one.with_new_lines for tool, one in tools.items()}, setup.rounds_or(_LONG_ROUNDS))
    return [
        Comparison(
            name=f"release of {_SOME} changed apps, image checks off",
            peer="shell script, one by one",
            ours=taken["seatrial"],
            other=taken["script"],
            goal=0.6,
            checked="each app answers with its version before the push; afterwards the registry holds the engine's "
            "image of each under the version and `latest`, by digest",
        )
    ]


def apps_noop(setup: Setup) -> list[Comparison]:
    """Compare what each further app takes that has nothing to do with 20 ms, and the memory with that of one app."""
    apps = Apps(workspace=setup.workspace, host=setup.host, tool="many", number=_MANY).make()
    before = apps.published()
    found: list[Comparison] = []
    for task in ("build", "release"):
        all_apps = (task, "--version", str(apps.version))
        say(task)
        runs = {"all": all_apps, "one": (*all_apps, "--app", apps.names[0])}
        used: dict[str, list[tuple[float, float, float]]] = {name: [] for name in runs}
        in_turns(
            {name: partial(_used, apps, words, used[name]) for name, words in runs.items()}, setup.rounds_or(_ROUNDS)
        )
        found += _beyond(task, used["all"][1:], used["one"][1:])
    Command(words=(_SEATRIAL, *all_apps), folder=apps.folder, must_print="changed=0").output()
    if apps.published() != before:
        raise CommandFailed("what is published has changed, though nothing had changed")
    return found


def _used(apps: Apps, words: Sequence[str], used: list[tuple[float, float, float]]) -> float:
    """Carry out a task; note its seconds, those of the processor, and its bytes of memory, and return the first."""
    began = time.perf_counter()
    memory, cpu = resources((_SEATRIAL, *words), apps.folder, ENGINE, terminal=False)
    used.append((time.perf_counter() - began, cpu, memory))
    return used[-1][0]


def _beyond(
    task: str, all_apps: Sequence[tuple[float, float, float]], one: Sequence[tuple[float, float, float]]
) -> list[Comparison]:
    checked = "Seatrial says `changed=0`; images and what is published are those of before"
    name = f"{task} of {_MANY} apps, nothing to do"
    rows = [
        Comparison(
            name=f"{name}: {what} of each beyond the first",
            peer="20 ms",
            ours=[
                max(0.0, (many[kind] - first[kind]) / (_MANY - 1)) for many, first in zip(all_apps, one, strict=True)
            ],
            other=[_MOST_SECONDS] * len(one),
            goal=1.0,
            checked=checked,
        )
        for kind, what in ((0, "time"), (1, "processor"))
    ]
    return [
        *rows,
        Comparison(
            name=f"{name}: memory",
            peer="Seatrial, one app",
            ours=[used[2] for used in all_apps],
            other=[used[2] for used in one],
            goal=1.15,
            checked=checked,
            as_text=megabytes,
        ),
    ]
