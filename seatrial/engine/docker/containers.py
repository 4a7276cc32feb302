"""The container side of the Docker Engine."""

from __future__ import annotations

import math
import re
from collections.abc import Generator, Iterator, Mapping
from typing import Any

from docker.errors import APIError, NotFound

from seatrial.engine.connection import Connection, api_url, engine_words
from seatrial.engine.docker.image_files import image_files
from seatrial.engine.inspection import (
    ContainerInspection,
    Socket,
    in_host_proc,
    inspection_of,
    program_platform,
    sockets_of,
)
from seatrial.engine.model import Container, ContainerSpec, ImageFile
from seatrial.engine.protocol import Emit
from seatrial.errors import ContainerFailed
from seatrial.events import WarningEvent

__all__ = ["Containers"]

_CONFLICT = 409
# How a container ends whose program the kernel did not take, also where a shell took it for a script.
_NOT_RUN = (2, 126, 127)
_TAR_BLOCK = 512
_PORT_TAKEN = re.compile(r"port is already allocated|address already in use|failed to bind host port", re.IGNORECASE)


class Containers:
    """Containers of one engine, created from image ids only."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def container(self, name: str) -> Container | None:
        """Return the container of that name or id, or None."""
        with self._connection.translate_errors(f"the container {name} cannot be looked at"):
            try:
                return _container(self._connection.client.inspect_container(name))
            except NotFound:
                return None

    def containers(self, labels: Mapping[str, str]) -> list[Container]:
        """Return the containers in any state that carry all these labels."""
        wanted = [f"{key}={value}" for key, value in labels.items()]
        with self._connection.translate_errors("the containers cannot be listed"):
            found = self._connection.client.containers(all=True, filters={"label": wanted})
        each = (self.container(entry["Id"]) for entry in found)
        return [container for container in each if container is not None]

    def create(self, spec: ContainerSpec, emit: Emit) -> str:
        """Create a container, not started; give its id. `ContainerFailed` when its name is taken."""
        with self._connection.translate_errors(f"the container {spec.name} cannot be created"):
            client = self._connection.client
            try:
                made = client.create_container_from_config(_config(spec), spec.name)
            except APIError as error:
                if error.status_code == _CONFLICT:
                    raise ContainerFailed(
                        f"the name {spec.name} is taken by another container",
                        reason=engine_words(error),
                        hint=f"docker rm {spec.name}, if nobody needs it",
                        cause="name-taken",
                    ) from error
                raise
        for warning in made.get("Warnings") or ():
            emit(WarningEvent(text=f"{spec.name}: {warning}"))
        return str(made["Id"])

    def files(self, image_id: str, *, name: str, labels: Mapping[str, str]) -> Generator[ImageFile, None, None]:
        """Return an image's files one after the other; a container that never starts is there meanwhile."""
        return image_files(self._connection, image_id, name=name, labels=labels)

    def start(self, container_id: str) -> None:
        """Start it; `ContainerFailed` when its port is taken or its command is not there."""
        with self._connection.translate_errors("the container cannot be started"):
            try:
                self._connection.client.start(container_id)
            except APIError as error:
                words = engine_words(error)
                if _PORT_TAKEN.search(words):
                    what, hint, cause = "the port is taken", "choose another one: --port PORT", "port-taken"
                else:
                    what, hint, cause = (
                        "the container cannot be started",
                        "look at CMD and ENTRYPOINT of the Dockerfile",
                        "",
                    )
                raise ContainerFailed(what, reason=words, hint=hint, cause=cause) from error

    def stop(self, container_id: str, *, grace: float) -> None:
        """Stop it, and kill it after `grace` seconds; a stopped or absent one is fine."""
        with self._connection.translate_errors("the container cannot be stopped"):
            try:
                self._connection.client.stop(container_id, timeout=math.ceil(grace))
            except NotFound:
                return

    def rename(self, container_id: str, name: str) -> None:
        """Return a container another name."""
        with self._connection.translate_errors(f"the container cannot be renamed to {name}"):
            self._connection.client.rename(container_id, name)

    def remove(self, container_id: str) -> None:
        """Remove it with its anonymous volumes, running or not; an absent one is fine."""
        with self._connection.translate_errors("the container cannot be removed"):
            try:
                self._connection.client.remove_container(container_id, v=True, force=True)
            except NotFound:
                return
            except APIError as error:
                if error.status_code != _CONFLICT:  # 409: somebody is removing it at this moment
                    raise

    def remove_volume(self, name: str) -> None:
        """Remove a named volume; an absent one is fine."""
        with self._connection.translate_errors(f"the volume {name} cannot be removed"):
            try:
                self._connection.client.remove_volume(name)
            except NotFound:
                return

    def logs(self, container_id: str, *, tail: int | None = None, follow: bool = False) -> Iterator[str]:
        """Yield what a container wrote, line by line, without line ends."""
        with self._connection.translate_errors("the log cannot be read"):
            stream = self._connection.client.logs(
                container_id, stream=True, follow=follow, tail="all" if tail is None else tail
            )
            rest = b""
            for chunk in stream:
                *lines, rest = (rest + chunk).split(b"\n")
                yield from (line.decode("utf-8", "replace").rstrip("\r") for line in lines)
            if rest:
                yield rest.decode("utf-8", "replace")

    def inspect_container(self, container_id: str) -> ContainerInspection | None:
        """Return all that can be seen of a container from outside, and what listens in it; nothing when it is gone."""
        with self._connection.translate_errors("the container cannot be looked at"):
            try:
                raw = self._connection.client.inspect_container(container_id)
                return inspection_of(raw, sockets=self._sockets(raw), program=self._program(raw))
            except NotFound:
                return None

    def _sockets(self, raw: dict[str, Any]) -> tuple[Socket, ...] | None:
        """Return what listens in a container: from this machine's /proc, else from the container's own."""
        if not raw["State"].get("Running"):
            return None
        found = in_host_proc(int(raw["State"].get("Pid") or 0), raw["Id"])
        if found is not None:
            return found
        client = self._connection.client
        try:
            made = client.exec_create(raw["Id"], ["cat", "/proc/net/tcp", "/proc/net/tcp6"], stderr=False)
            text = client.exec_start(made).decode("utf-8", "replace")
        except APIError:
            return None  # it has just ended, or there is no cat in it
        return sockets_of(text) if "local_address" in text else None

    def _program(self, raw: dict[str, Any]) -> str:
        """Return the platform of the program that a container could not run, by the head of its file."""
        state, path = raw["State"], raw.get("Path") or ""
        if state.get("Running") or state.get("ExitCode") not in _NOT_RUN or not path.startswith("/"):
            return ""
        client = self._connection.client
        url = api_url(client, f"containers/{raw['Id']}/archive")
        plain = {"Accept-Encoding": "identity"}
        asked = client.get(url, params={"path": path}, headers=plain, stream=True, timeout=client.timeout)
        with asked as answer:
            # One file as a tar: its head of 512 bytes, then the file.
            head = answer.raw.read(2 * _TAR_BLOCK) if answer.ok else b""
        return program_platform(head[_TAR_BLOCK:])


def _config(spec: ContainerSpec) -> dict[str, Any]:
    port = f"{spec.port}/tcp"
    host: dict[str, Any] = {
        "PortBindings": {port: [{"HostIp": "127.0.0.1", "HostPort": str(spec.host_port or "")}]},
        "Memory": spec.memory,
        "PidsLimit": spec.pids,
        "NanoCpus": round((spec.cpus or 0) * 1e9),
        "Init": True,
        "Mounts": [{"Type": "volume", "Source": name, "Target": path} for path, name in spec.volumes.items()],
        "RestartPolicy": {"Name": "unless-stopped" if spec.restart else "no"},
    }
    if spec.hardened:
        host |= {
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges:true"],
            "ReadonlyRootfs": True,
            "Tmpfs": dict.fromkeys(("/tmp", *spec.tmpfs), "rw,noexec,nosuid,size=64m"),  # noqa: S108  inside it
        }
    return {
        "Image": spec.image_id,
        "Labels": dict(spec.labels),
        "Env": [f"{key}={value}" for key, value in spec.environment.items()],
        "ExposedPorts": {port: {}},
        "StopTimeout": math.ceil(spec.stop_grace),
        "HostConfig": host,
    }


def _container(raw: dict[str, Any]) -> Container:
    state = raw["State"]
    network = raw.get("NetworkSettings") or {}
    ports = network.get("Ports") or {}
    addresses = (one.get("IPAddress") for one in (network.get("Networks") or {}).values())
    address = next(filter(None, addresses), None)
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
        direct={number: (address, number) for number in (int(port.partition("/")[0]) for port in ports)}
        if address
        else {},
    )
