"""What a test of an engine works with: builds of a small web server."""

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
    """An engine, a registry it can push to, and requests to build a small web server."""

    engine: Engine
    project: str
    host: str
    context: Path
    lets_go: bool = False  # an image goes with its last name, as in the containerd image store

    @property
    def labels(self) -> dict[str, str]:
        """The labels of everything made here."""
        return {"seatrial.project": self.project}

    def name(self, tag: str = "1", *, registry: str = "docker.io") -> ImageReference:
        """Return a name for an image."""
        return ImageReference(registry=registry, repository=f"{self.project}/web", tag=tag)

    def request(self, tag: str = "1", page: str = "hello") -> BuildRequest:
        """Return a request for an image with that page."""
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
        """Build, and give the image's id."""
        return self.engine.build(self.request(tag, page), quiet)

    def spec(self, image_id: str, name: str = "one", host_port: int = 0) -> ContainerSpec:
        """Return a container to create."""
        labels = {**self.labels, "role": name}
        name = f"{self.project}-{name}"
        return ContainerSpec(name=name, image_id=image_id, labels=labels, port=8080, host_port=host_port)

    def started(self, image_id: str) -> Container:
        """Return a container that runs."""
        made = self.engine.create(self.spec(image_id), quiet)
        self.engine.start(made)
        container = self.engine.container(made)
        assert container
        return container


def quiet(event: Event) -> None:
    """Hear nothing."""
