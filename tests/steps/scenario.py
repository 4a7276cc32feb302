"""The scenario of a step test: an app, a backend, and the steps."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import requests

from seatrial.model.app import App, BuildOptions, Check
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.converge import converge
from seatrial.pipeline.outcome import Outcome, Status
from seatrial.pipeline.retry import RetryPolicy
from seatrial.pipeline.state import StateFolder, Verdict
from seatrial.pipeline.step import Step
from seatrial.pipeline.world import World
from seatrial.steps.build.build import Build
from seatrial.steps.deploy.deploy import Deploy
from seatrial.steps.publish.destination import Destination
from seatrial.steps.publish.preflight import Preflight
from seatrial.steps.publish.push import Push
from seatrial.steps.publish.rollback import Rollback
from seatrial.steps.publish.tag import Tag
from seatrial.steps.serve.run import Run
from seatrial.steps.serve.stop import Stop
from seatrial.steps.smoke.smoke import Smoke
from tests.steps.docker_backend import DockerBackend
from tests.steps.memory_backend import PORT, Containers, Images, MemoryBackend

__all__ = ["ALSO_DOCKER", "ONLY_DOCKER", "Backend", "Seen", "StepScenario", "make_app"]

Backend = MemoryBackend | DockerBackend
"""An engine and a registry. Lists contain only what has the project's name or label."""
_DOCKER = pytest.param("docker", marks=pytest.mark.engine)
ONLY_DOCKER = pytest.mark.parametrize("scenario", [_DOCKER], indirect=True)
"""For tests that need the real engine."""
ALSO_DOCKER = pytest.mark.parametrize("scenario", ["memory", _DOCKER], indirect=True)
"""For tests in memory that are proved on the real engine, too."""

_DOCKERFILE = """\
FROM {base}
ARG VERSION
ENV VERSION=$VERSION PYTHONUNBUFFERED=1
COPY app.py /app.py
CMD ["python3", "/app.py"]
"""
_PROGRAM = """\
import os, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

REPLY = '{reply}'
print("under way", flush=True)
if REPLY == "crash":
    print("startup failed", flush=True)
    sys.exit(3)
if REPLY == "asleep":
    time.sleep(600)


class Response(BaseHTTPRequestHandler):
    def do_GET(self):
        body = (os.environ["VERSION"] if self.path == "/version" else REPLY).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


HTTPServer(("", int(os.environ["PORT"])), Response).serve_forever()
"""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Everything that a step could change, at one moment."""

    images: Images
    containers: Containers
    published: Mapping[str, str]
    saved: str | None
    state: Mapping[str, bytes]


@dataclass(frozen=True, kw_only=True)
class StepScenario:
    """An app, its backend and Seatrial's state folder; each step runs as in a new run of Seatrial."""

    app: App
    backend: Backend
    state: StateFolder

    @property
    def world(self) -> World:
        """The world of a new run of Seatrial."""
        return World(
            engine=self.backend.engine,
            registry=self.backend.registry,
            state=self.state,
            retry_policy=RetryPolicy(sleep=lambda seconds: time.sleep(seconds / 20)),
        )

    @property
    def destination(self) -> Destination:
        """The destination of pushes."""
        return Destination(target=self.app, user=self.app.project, registry=self.backend.host)

    @property
    def repository(self) -> str:
        """The app's repository in the registry."""
        return self.app.repository.repository

    def set_reply(self, reply: str) -> None:
        """Make the app answer `reply`, exit at once (`crash`) or never answer (`asleep`)."""
        (self.app.context / "app.py").write_text(_PROGRAM.format(reply=reply))

    def build(self, version: str = "1", **options: Any) -> Build:
        """Return the step, with these build options added to the app's own."""
        target = self.app.but(build=self.app.build.but(**options))
        return Build(target=target, version=Version(version))

    def smoke(self, version: str = "1", *, reuse: bool = False) -> Smoke:
        """Return the step."""
        return Smoke(target=self.app, version=Version(version), reuse=reuse)

    def tag(self, version: str = "1") -> Tag:
        """Return the step."""
        return Tag(target=self.app, version=Version(version), destination=self.destination)

    def push(
        self, version: str = "1", *, overwrite: bool = False, backwards: bool = False, untested: bool = False
    ) -> Push:
        """Return the step."""
        return Push(
            target=self.app,
            version=Version(version),
            destination=self.destination,
            overwrite=overwrite,
            backwards=backwards,
            untested=untested,
        )

    def preflight(self, version: str = "1", *, overwrite: bool = False) -> Preflight:
        """Return the step."""
        return Preflight(target=self.app, version=Version(version), destination=self.destination, overwrite=overwrite)

    def rollback(self, version: str) -> Rollback:
        """Return the step."""
        return Rollback(target=self.app, version=Version(version), destination=self.destination)

    def deploy(
        self, version: str = "1", *, replicas: int | None = None, untested: bool = False, **options: Any
    ) -> Deploy:
        """Return the step, with these settings of the deployment."""
        target = self.app.but(deploy=self.app.deploy.but(**options))
        destination = self.destination
        return Deploy(
            target=target, version=Version(version), destination=destination, replicas=replicas, untested=untested
        )

    def serve(self, version: str | None = "1") -> Run:
        """Return the step `run`."""
        return Run(target=self.app, version=Version(version) if version else None)

    def stop(self) -> Stop:
        """Return the step."""
        return Stop(target=self.app)

    def release(self, version: str = "1", *, overwrite: bool = False) -> tuple[Step, ...]:
        """Return all steps of a release."""
        return (
            self.preflight(version, overwrite=overwrite),
            self.build(version),
            self.smoke(version, reuse=True),
            self.tag(version),
            self.push(version, overwrite=overwrite),
        )

    def check(self, step: Step) -> Outcome:
        """Run a step alone, in check mode."""
        return converge(step, self.world, check=True, emit=lambda _: None)[0]

    def real(self, step: Step) -> Outcome:
        """Run a step alone."""
        return converge(step, self.world, check=False, emit=lambda _: None)[0]

    def prepare(self, *steps: Step) -> None:
        """Run the steps that a test starts from."""
        for step in steps:
            outcome = self.real(step)
            assert outcome.status is not Status.FAILED, outcome.error

    def four_runs(self, step: Step) -> Outcome:
        """Run a step four times (check, real, check, real), and return the outcome of the first real run.

        Check mode predicts the real run and changes nothing; the second time nothing has to be done.
        """
        before = self.seen()
        planned = self.check(step)
        assert self.seen() == before
        done = self.real(step)
        assert (planned.status, planned.reason) == (Status.CHANGED, done.reason), done.error
        assert planned.message.startswith("would ")
        assert not done.message.startswith("would ")
        assert done.status is Status.CHANGED
        after = self.seen()
        assert self.check(step).status is Status.OK
        assert self.seen() == after
        assert self.real(step).status is Status.OK
        assert replace(self.seen(), state=after.state) == after
        return done

    def seen(self) -> Seen:
        """Return everything that a step could change, read without the steps' own code."""
        folder = self.state.folder
        files = (path for path in sorted(folder.rglob("*")) if path.is_file())
        return Seen(
            images=self.backend.images(),
            containers=self.backend.containers(),
            published=self.backend.published(self.repository),
            saved=self.backend.saved() if isinstance(self.backend, MemoryBackend) else None,
            state={str(path.relative_to(folder)): path.read_bytes() for path in files},
        )

    def image_id(self, name: str) -> str | None:
        """Return the id of a tag's image, or None."""
        return next((image_id for image_id, names in self.backend.images() if name in names), None)

    @property
    def verdict(self) -> Verdict:
        """The verdict about the image of version 1."""
        found = self.state.verdict(self.image_id(self.local()) or "")
        assert found is not None
        return found

    def local(self, version: str = "1") -> str:
        """Return the tag that a build gives the image."""
        return f"{self.app.repository.familiar}:{version}"

    def remote(self, tag: str = "1") -> str:
        """Return the tag under which the image is pushed."""
        return f"{self.backend.host}/{self.repository}:{tag}"

    def container(self, name: str | None = None) -> tuple[str, str, str] | None:
        """Return id, image id and state of a container, by default of the one that serves the app."""
        wanted = name or self.app.container_name
        found = (one for one in self.backend.containers() if one[0] == wanted)
        return next(((container_id, image, state) for _, container_id, image, state in found), None)

    def served(self, path: str = "/") -> str | None:
        """Return the app's response on its port, or None if nothing listens there."""
        try:
            return requests.get(f"http://127.0.0.1:{self.app.host_port}{path}", timeout=5).text
        except requests.RequestException:
            return None


def make_app(project: str, folder: Path, base: str, host_port: int) -> App:
    """Return a tiny web app in a folder, with its Dockerfile."""
    folder.mkdir()
    (folder / "Dockerfile").write_text(_DOCKERFILE.format(base=base))
    return App(
        project=project,
        name="web",
        context=folder,
        dockerfile=folder / "Dockerfile",
        repository=ImageReference.parse(f"{project}/web"),
        port=PORT,
        host_port=host_port,
        checks=(Check(text="hello"), Check(path="/version", text="{version}")),
        base_images=(),
        environment={},
        memory=128 * 1024 * 1024,
        smoke_timeout=20,
        build=BuildOptions(timeout=120),
    )
