"""An engine in memory: the answers of a real engine without Docker; its containers really listen and speak HTTP."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import cast

from seatrial.engine.inspection import ContainerInspection, Health, HealthTest
from seatrial.engine.model import (
    Container,
    ContainerSpec,
    EngineDetails,
    EngineInfo,
    Image,
    ImageFile,
)
from seatrial.engine.program import Program as ProgramFile
from seatrial.engine.protocol import Emit
from seatrial.engine.swarm import Swarm
from seatrial.errors import ContainerFailed, StepFailed
from tests.engine.memory.container import MemoryContainer
from tests.engine.memory.images import MemoryImages, has_labels
from tests.engine.memory.server import Program, serve
from tests.engine.memory.swarm import MemorySwarm

__all__ = ["MemoryEngine", "Program"]


def _hello(path: str, labels: Mapping[str, str]) -> tuple[int, bytes]:  # noqa: ARG001  every request gets the same answer
    return 200, b"hello"


class MemoryEngine(MemoryImages):
    """An engine in memory.

    `program` is what every container runs; with None containers end at once with `exit_code`. `registries` are the
    registries that can be reached, by host.
    """

    def __init__(self, program: Program | None = _hello, *, exit_code: int = 3) -> None:
        super().__init__()
        self.program = program
        self.exit_code = exit_code
        self._volumes: dict[str, Mapping[str, str]] = {}
        self._containers: dict[str, MemoryContainer] = {}
        self.swarm: Swarm = MemorySwarm(self._behaviour)

    published_host = "127.0.0.1"

    @property
    def endpoint(self) -> str:
        """The engine's address; nothing listens there."""
        return "memory:"

    def report_waiting(self, tell: Callable[[str], object]) -> None:
        """Do nothing: this engine answers at once."""

    def info(self) -> EngineInfo:
        """Return the engine's version and API."""
        return EngineInfo(endpoint=self.endpoint, version="0", api="1.41")

    def details(self) -> EngineDetails:
        """Return what the engine reports about itself."""
        return EngineDetails(store="memory", platform=self.platform())

    def platform(self) -> str:
        """Return `linux/amd64`, whatever the machine."""
        return "linux/amd64"

    def close(self) -> None:
        """Stop every container that listens."""
        for container_id in list(self._containers):
            self.remove(container_id)
        cast("MemorySwarm", self.swarm).close()

    def container(self, name: str) -> Container | None:
        """Return the container of that name or id, or None."""
        return found.shown if (found := self._find_container(name)) else None

    def containers(self, labels: Mapping[str, str]) -> list[Container]:
        """Return the containers with all these labels, in any state."""
        return [one.shown for one in self._containers.values() if has_labels(one.spec.labels, labels)]

    def create(self, spec: ContainerSpec, emit: Emit) -> str:
        """Create a container without starting it and return its id."""
        if self._find_container(spec.name):
            raise ContainerFailed(
                f"the name {spec.name} is taken by another container",
                reason="conflict",
                hint=f"docker rm {spec.name}",
                cause="name-taken",
            )
        self._image(spec.image_id)
        self._volumes |= {name: spec.labels for name in spec.volumes.values() if name}
        container_id = hashlib.sha256(f"{spec.name}{time.monotonic_ns()}".encode()).hexdigest()
        self._containers[container_id] = MemoryContainer(spec=spec, id=container_id, name=spec.name)
        return container_id

    def start(self, container_id: str) -> None:
        """Start a container, so that it listens on its port; do nothing if it runs."""
        running = self._container(container_id)
        if running.server:
            return
        if running.spec.command:  # none but `true` exits with 0
            running.state, running.exit_code = "exited", int(running.spec.command != ("true",))
            return
        if self.program is None:
            running.state, running.exit_code = "exited", self.exit_code
            return
        try:
            running.server = serve(self.program, self._image(running.spec.image_id).labels, running.spec.host_port)
        except OSError as error:
            reason, hint = str(error.strerror), "--port PORT"
            raise ContainerFailed("the port is taken", reason=reason, hint=hint, cause="port-taken") from error
        running.state = "running"

    def stop(self, container_id: str, *, grace: float) -> None:
        """Stop a container; do nothing if it is stopped or absent."""
        if running := self._find_container(container_id):
            running.stop()

    def rename(self, container_id: str, name: str) -> None:
        """Rename a container."""
        running, other = self._container(container_id), self._find_container(name)
        if other:
            raise StepFailed(f"the container cannot be renamed to {name}", reason="conflict", hint=f"docker rm {name}")
        running.name = name

    def remove(self, container_id: str) -> None:
        """Remove a container, running or not; do nothing if it is absent."""
        if running := self._find_container(container_id):
            running.stop()
            del self._containers[running.id]

    def volume(self, name: str) -> Mapping[str, str] | None:
        """Return the labels of the volume, or None."""
        return self._volumes.get(name)

    def remove_volume(self, name: str) -> None:
        """Forget the volume."""
        self._volumes.pop(name, None)

    def logs(self, container_id: str, *, tail: int | None = None, follow: bool = False) -> Iterator[str]:
        """Yield the container's log, which is always the same line."""
        self._container(container_id)
        yield "started in memory"

    def inspect_container(self, container_id: str) -> ContainerInspection | None:
        """Return a container's state and sockets; None if it is absent."""
        return found.inspection if (found := self._find_container(container_id)) else None

    def files(self, container_id: str, folder: str = "") -> Generator[ImageFile, None, None]:
        """Yield nothing: containers in memory have no files."""
        self._container(container_id)
        yield from ()

    def program_file(self, container_id: str) -> ProgramFile | None:
        """Return None: containers in memory have no files."""
        return None

    def run_health_test(self, container_id: str, test: HealthTest) -> Health:
        """Return that the container is healthy."""
        return Health(exit_code=0, output="")

    def program_of(self, image_id: str) -> Program | None:
        """Return what a container of an image runs; None for one that ends at once."""
        return self.program

    def _behaviour(self, digest: str) -> tuple[Program | None, Image]:
        image = next(one.images[digest] for one in self.registries.values() if digest in one.images)
        return self.program_of(image.id), image

    def _container(self, name: str) -> MemoryContainer:
        found = self._find_container(name)
        if found is None:
            raise StepFailed(f"there is no container {name}", reason="No such container", hint="docker ps -a")
        return found

    def _find_container(self, name: str) -> MemoryContainer | None:
        return next((one for one in self._containers.values() if name in (one.id, one.name)), None)
