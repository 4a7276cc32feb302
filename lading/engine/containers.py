"""The container side of the Docker Engine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from docker.errors import APIError, NotFound

from lading.engine.connection import Connection, engine_words
from lading.engine.model import Container, ContainerSpec
from lading.engine.protocol import Tell
from lading.errors import ContainerFailed
from lading.events import Caution

__all__ = ["Containers"]

_CONFLICT = 409
_PORT_TAKEN = re.compile(r"port is already allocated|address already in use|failed to bind host port", re.IGNORECASE)


class Containers:
    """Containers of one engine, created from image ids only."""

    def __init__(self, line: Connection) -> None:
        self._line = line

    def container(self, name: str) -> Container | None:
        """Give the container of that name or id, or nothing."""
        with self._line.speaking(f"the container {name} cannot be looked at"):
            try:
                return _container(self._line.client.inspect_container(name))
            except NotFound:
                return None

    def containers(self, labels: Mapping[str, str]) -> list[Container]:
        """Give the containers in any state that carry all these labels."""
        wanted = [f"{key}={value}" for key, value in labels.items()]
        with self._line.speaking("the containers cannot be listed"):
            found = self._line.client.containers(all=True, filters={"label": wanted})
        each = (self.container(entry["Id"]) for entry in found)
        return [container for container in each if container is not None]

    def create(self, spec: ContainerSpec, tell: Tell) -> str:
        """Create a container, not started; give its id. `ContainerFailed` when its name is taken."""
        with self._line.speaking(f"the container {spec.name} cannot be created"):
            client = self._line.client
            try:
                made = client.create_container_from_config(_config(spec), spec.name)
            except APIError as error:
                if error.status_code == _CONFLICT:
                    raise ContainerFailed(
                        f"the name {spec.name} is taken by another container",
                        why=engine_words(error),
                        mend=f"docker rm {spec.name}, if nobody needs it",
                    ) from error
                raise
        for warning in made.get("Warnings") or ():
            tell(Caution(text=f"{spec.name}: {warning}"))
        return str(made["Id"])

    def start(self, container_id: str) -> None:
        """Start it; `ContainerFailed` when its port is taken or its command is not there."""
        with self._line.speaking("the container cannot be started"):
            try:
                self._line.client.start(container_id)
            except APIError as error:
                words = engine_words(error)
                if _PORT_TAKEN.search(words):
                    what, mend = "the port is taken", "choose another one: --port PORT"
                else:
                    what, mend = (
                        "the container cannot be started",
                        "look at CMD and ENTRYPOINT of the Dockerfile",
                    )
                raise ContainerFailed(what, why=words, mend=mend) from error

    def stop(self, container_id: str, *, grace: float) -> None:
        """Stop it, and kill it after `grace` seconds; a stopped or absent one is fine."""
        with self._line.speaking("the container cannot be stopped"):
            try:
                self._line.client.stop(container_id, timeout=max(1, round(grace)))
            except NotFound:
                return

    def rename(self, container_id: str, name: str) -> None:
        """Give a container another name."""
        with self._line.speaking(f"the container cannot be renamed to {name}"):
            self._line.client.rename(container_id, name)

    def remove(self, container_id: str) -> None:
        """Remove it with its anonymous volumes, running or not; an absent one is fine."""
        with self._line.speaking("the container cannot be removed"):
            try:
                self._line.client.remove_container(container_id, v=True, force=True)
            except NotFound:
                return
            except APIError as error:
                if error.status_code != _CONFLICT:  # 409: somebody is removing it at this moment
                    raise

    def remove_volume(self, name: str) -> None:
        """Remove a named volume; an absent one is fine."""
        with self._line.speaking(f"the volume {name} cannot be removed"):
            try:
                self._line.client.remove_volume(name)
            except NotFound:
                return

    def logs(self, container_id: str, *, tail: int | None = None, follow: bool = False) -> Iterator[str]:
        """Give what a container wrote, line by line, without line ends."""
        with self._line.speaking("the log cannot be read"):
            stream = self._line.client.logs(
                container_id, stream=True, follow=follow, tail="all" if tail is None else tail
            )
            rest = b""
            for chunk in stream:
                *lines, rest = (rest + chunk).split(b"\n")
                yield from (line.decode("utf-8", "replace").rstrip("\r") for line in lines)
            if rest:
                yield rest.decode("utf-8", "replace")


def _config(spec: ContainerSpec) -> dict[str, Any]:
    port = f"{spec.port}/tcp"
    host: dict[str, Any] = {
        "PortBindings": {port: [{"HostIp": "127.0.0.1", "HostPort": str(spec.host_port or "")}]},
        "Memory": spec.memory,
        "PidsLimit": spec.pids,
        "Init": True,
        "Mounts": [{"Type": "volume", "Source": name, "Target": path} for path, name in spec.volumes.items()],
        "RestartPolicy": {"Name": "unless-stopped" if spec.restart else "no"},
    }
    if spec.hardened:
        host |= {
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges:true"],
            "ReadonlyRootfs": True,
            "Tmpfs": {"/tmp": "rw,noexec,nosuid,size=64m"},  # noqa: S108  inside the container
        }
    return {
        "Image": spec.image_id,
        "Labels": dict(spec.labels),
        "Env": [f"{key}={value}" for key, value in spec.environment.items()],
        "ExposedPorts": {port: {}},
        "HostConfig": host,
    }


def _container(raw: dict[str, Any]) -> Container:
    state = raw["State"]
    ports = (raw.get("NetworkSettings") or {}).get("Ports") or {}
    return Container(
        id=raw["Id"],
        name=raw["Name"].removeprefix("/"),
        image_id=raw["Image"],
        labels=raw["Config"].get("Labels") or {},
        state=state["Status"],
        exit_code=int(state.get("ExitCode") or 0),
        oom_killed=bool(state.get("OOMKilled")),
        ports={
            int(port.partition("/")[0]): int(bindings[0]["HostPort"]) for port, bindings in ports.items() if bindings
        },
    )
