"""The scenario for tests of an engine: builds of a small web server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seatrial.engine.model import BuildRequest, Container, ContainerSpec
from seatrial.engine.protocol import Engine
from seatrial.events import Event
from seatrial.model.app import BuildOptions
from seatrial.model.reference import ImageReference
from seatrial.sources.context import Context

__all__ = ["DOCKERFILE", "EngineScenario", "quiet"]

DOCKERFILE = """\
FROM {base}
ARG VERSION
COPY page /page
CMD ["python3", "-m", "http.server", "--directory", "/", "8080"]
"""


@dataclass(frozen=True, kw_only=True)
class EngineScenario:
    """An engine, a registry that it can push to, and requests to build a small web server."""

    engine: Engine
    project: str
    host: str
    context: Path
    removes_unnamed: bool = False  # an image is removed with its last name, as in the containerd image store

    @property
    def labels(self) -> dict[str, str]:
        """The labels of everything that the scenario creates."""
        return {"seatrial.project": self.project}

    def name(self, tag: str = "1", *, registry: str = "docker.io") -> ImageReference:
        """Return an image's name."""
        return ImageReference(registry=registry, repository=f"{self.project}/web", tag=tag)

    def request(self, tag: str = "1", page: str = "hello") -> BuildRequest:
        """Return a build request for an image with that page."""
        (self.context / "page").write_text(page)
        return BuildRequest(
            reference=self.name(tag),
            context=Context.read(self.context, self.context / "Dockerfile"),
            dockerfile=self.context / "Dockerfile",
            content=(self.context / "Dockerfile").read_bytes(),
            options=BuildOptions(arguments={"VERSION": tag}),
            labels=self.labels,
        )

    def build(self, tag: str = "1", page: str = "hello") -> str:
        """Build an image and return its id."""
        return self.engine.build(self.request(tag, page), quiet)

    def spec(self, image_id: str, name: str = "one", host_port: int = 0) -> ContainerSpec:
        """Return a request for a container."""
        labels = {**self.labels, "role": name}
        name = f"{self.project}-{name}"
        return ContainerSpec(name=name, image_id=image_id, labels=labels, port=8080, host_port=host_port)

    def started(self, image_id: str) -> Container:
        """Create and start a container, and return it."""
        container_id = self.engine.create(self.spec(image_id), quiet)
        self.engine.start(container_id)
        container = self.engine.container(container_id)
        assert container
        return container


def quiet(event: Event) -> None:
    """Discard the event."""
