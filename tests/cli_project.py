"""A project in a folder and the real commands on it, for the tests that go through the command line."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial.output import documents
from tests.hints import wrong_commands

__all__ = ["Done", "Project", "command_lines", "failed", "make_project"]

_BIN = Path(sys.executable).parent
_APP = """\
import os, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

{at_start}
class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        {at_request}
        body = b"{page} " + os.environ["VERSION"].encode()
        self.send_response({status})
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

HTTPServer(("", int(os.environ["PORT"])), Page).serve_forever()
"""
_DOCKERFILE = """\
FROM {base}
ARG VERSION
ENV VERSION=$VERSION PYTHONUNBUFFERED=1
{run}COPY app.py /app.py
{more}CMD {command}
"""
_SETTINGS = """\
seatrial:
  project: {project}
  apps:
    web:
      repository: {project}/page-{project}
      host_port: {port}
      smoke_timeout: {timeout}
      checks: [{{path: /, text: "hello {{version}}"}}]
{facts}{settings}"""
_TASKS = """\
from seatrial import tasks as seatrial_tasks
from invoke import Collection; ns = Collection.from_module(seatrial_tasks)
"""


@dataclass(frozen=True, kw_only=True)
class Done:
    """A command that has ended: exit code, what it printed, seconds it took."""

    code: int
    out: str
    err: str
    seconds: float

    def __post_init__(self) -> None:
        """Check that what it says to type next can be typed."""
        for hint in re.findall(r"^ +next: (.*)", self.all, re.MULTILINE):
            assert not wrong_commands(hint), hint

    @property
    def all(self) -> str:
        """Everything it printed."""
        return self.out + self.err

    @property
    def document(self) -> Any:
        """The one JSON document on standard output; it is as its schema says."""
        if self.out.startswith("{"):  # images and history print lists, as docker does
            documents.check(self.out)
        return json.loads(self.out)

    @property
    def statuses(self) -> dict[str, str]:
        """The status of each step by its name, from the JSON document."""
        return {step["step"]: step["status"] for step in self.document["steps"]}

    def text_of(self, step: str) -> str:
        """Return a step's message, reason and notes in the JSON document as one text."""
        (found,) = [one for one in self.document["steps"] if one["step"] == step]
        return "\n".join(filter(None, [found["message"], found["reason"], *found.get("notes", ())]))

    @property
    def error(self) -> dict[str, Any]:
        """The error in the JSON document: the command's own, or else that of the first step with one."""
        return next(dict(one["error"]) for one in (self.document, *self.document["steps"]) if "error" in one)


@dataclass(frozen=True, kw_only=True)
class Project:
    """A tiny web app with a Dockerfile and settings in a folder of its own."""

    folder: Path
    name: str
    base: str
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def repository(self) -> str:
        """The image's repository in the engine."""
        return f"{self.name}/page-{self.name}"

    @property
    def published(self) -> str:
        """The repository in a registry, pushed by the user demo."""
        return f"demo/page-{self.name}"

    def write(
        self,
        *,
        page: str = "hello",
        at_start: str = "",
        at_request: str = "pass",
        status: int = 200,
        run: str = "",
        timeout: float = 20,
        source: str = "",
        more: str = "",
        command: str = '["python3", "/app.py"]',
        facts: str = "off",
        settings: str = "",
    ) -> None:
        """Write the app, its Dockerfile and its settings.

        `source` replaces the app. `run` holds lines of the Dockerfile before the app is copied, `more` those after it,
        `command` its CMD. `facts` is what image checks do, `settings` one more line of the app's settings. Image checks
        take half a second, because the engine sends all files of the image.
        """
        app = source or _APP.format(page=page, at_start=at_start, at_request=at_request, status=status)
        (self.folder / "app.py").write_text(app)
        lines = {"run": f"{run}\n" if run else "", "more": f"{more}\n" if more else "", "command": command}
        (self.folder / "Dockerfile").write_text(_DOCKERFILE.format(base=self.base, **lines))
        more_settings = f"      {settings}\n" if settings else ""
        policy = f"      image_facts: {facts}\n" if facts else ""
        names = {"project": self.name, "port": self.port, "timeout": timeout}
        settings = _SETTINGS.format(**names, facts=policy, settings=more_settings)
        (self.folder / "invoke.yaml").write_text(settings)
        (self.folder / "tasks.py").write_text(_TASKS)

    def invoke(self, *words: str, program: str = "invoke", stdin: str = "", **environment: str) -> Done:
        """Run a command to its end."""
        process = self.start(*words, program=program, **environment)
        began = time.monotonic()
        out, err = process.communicate(stdin, timeout=280)
        return Done(code=process.returncode, out=out, err=err, seconds=time.monotonic() - began)

    def start(self, *words: str, program: str = "invoke", **environment: str) -> subprocess.Popen[str]:
        """Start a command in a process group of its own."""
        return subprocess.Popen(
            [str(_BIN / program), *words],
            cwd=self.folder,
            env={**os.environ, **self.environment, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def interrupt(self, process: subprocess.Popen[str], number: signal.Signals) -> Done:
        """Send a signal to the command's process and return how it ends."""
        began = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        return Done(code=process.returncode, out=out, err=err, seconds=time.monotonic() - began)


def make_project(folder: Path, *, name: str, base: str, port: int) -> Project:
    """Return a project whose app says hello and its version, in a folder that is made if it is not there."""
    folder.mkdir(exist_ok=True)
    project = Project(folder=folder, name=name, base=base, port=port)
    project.write()
    return project


def command_lines() -> list[str]:
    """Return the command lines of all processes of this machine; the engine's RUN instructions are among them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip())
        except OSError:
            continue  # the process has just ended
    return found


def failed(done: Done, *names: str, code: int = 1, cause: str = "") -> None:
    """Check that a command failed properly: its exit code, message, reason, hint and recap, and no traceback.

    With --json the error must hold every one of `names`, and have that `cause` if one is given; without --json
    everything that was printed is searched for the names.
    """
    assert done.code == code, done.all
    assert not re.search("^Traceback", done.err, re.MULTILINE), done.err
    assert re.search(r"^ok=\d+ ", done.all, re.MULTILINE), done.all
    # Below the message stand the reason and the hint, each behind its label.
    assert re.search(r"^ +\w+: +\S.*\n +\w+: +\S", done.all, re.MULTILINE), done.all
    text = done.all
    if done.out.startswith("{"):
        error = done.error
        assert all(error[part] for part in ("message", "reason", "hint")), error
        assert cause in ("", error.get("cause")), error
        text = "\n".join([error["message"], error["reason"], error["hint"], *error["details"]])
    for name in names:
        assert name in text, text
