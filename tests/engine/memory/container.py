"""A container of the memory engine."""

from __future__ import annotations

from dataclasses import dataclass
from http.server import ThreadingHTTPServer

from seatrial.engine.inspection import ContainerInspection, Socket
from seatrial.engine.model import Container, ContainerSpec

__all__ = ["MemoryContainer"]


@dataclass
class MemoryContainer:
    """A container: its request, its current name, and the server that stands for its process while it runs."""

    spec: ContainerSpec
    id: str
    name: str
    state: str = "created"
    exit_code: int = 0
    server: ThreadingHTTPServer | None = None

    def stop(self) -> None:
        """End the process, if it runs."""
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server, self.state = None, "exited"

    @property
    def shown(self) -> Container:
        """The container as the engine describes it."""
        return Container(
            id=self.id,
            name=self.name,
            image_id=self.spec.image_id,
            labels=self.spec.labels,
            state=self.state,  # type: ignore[arg-type]
            exit_code=self.exit_code,
            oom_killed=False,
            ports={self.spec.port: self.server.server_port} if self.server else {},
        )

    @property
    def inspection(self) -> ContainerInspection:
        """The container as `inspect_container` describes it."""
        return ContainerInspection(
            state=self.state,  # type: ignore[arg-type]
            exit_code=self.exit_code,
            sockets=(Socket(port=self.spec.port, address="0.0.0.0"),) if self.server else None,  # noqa: S104  inside the container
            read_only=self.spec.hardened,
            writable=("/tmp", *self.spec.tmpfs),  # noqa: S108  inside the container
            memory=self.spec.memory,
        )
