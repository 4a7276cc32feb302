"""The containers of the Docker Engine."""

from __future__ import annotations

import math
import re
import socket
from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from threading import Thread
from typing import Any
from urllib.parse import quote

from seatrial.engine.connection import Connection, api_url
from seatrial.engine.docker.ending import COUNTERS, ended_by, oom_kills_in_host, oom_kills_of
from seatrial.engine.docker.mounts import volume_mounts
from seatrial.engine.endpoint import LOOPBACK
from seatrial.engine.failures import AbsentError, RefusedError
from seatrial.engine.inspection import (
    ContainerInspection,
    Health,
    HealthTest,
    Socket,
    inspection_of,
    sockets_in_host_proc,
    sockets_of,
)
from seatrial.engine.model import Container, ContainerSpec, ImageFile
from seatrial.engine.parsing import container_of, label_filter
from seatrial.engine.program import Program
from seatrial.engine.protocol import Emit
from seatrial.errors import ContainerFailed, Unavailable
from seatrial.events import WarningEvent
from seatrial.host.signals import start_thread

__all__ = ["Containers", "files_path"]

_CONFLICT = 409
# Exit codes if a program is for another platform, or if a shell then tried to run it as a script.
_NOT_EXECUTED = (2, 126, 127)
_SOCKET_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_PORT_TAKEN = re.compile(r"port is already allocated|address already in use|failed to bind host port", re.IGNORECASE)


class Containers:
    """Containers of one engine, created from image ids only."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def _client(self) -> Any:
        """The client that sends the usual requests: the SDK's, or one with its methods."""
        return self._connection.client

    def container(self, name: str) -> Container | None:
        """Return the container of that name or id, or None."""
        translated = self._connection.translate_errors(f"the container {name} cannot be inspected")
        with suppress(AbsentError), translated:
            return container_of(self._connection.client.inspect_container(name))
        return None

    def containers(self, labels: Mapping[str, str]) -> list[Container]:
        """Return the containers with all these labels, in any state."""
        each = (self.container(entry["Id"]) for entry in self._listed(labels))
        return [container for container in each if container is not None]

    def _listed(self, labels: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the engine's list of the containers with all these labels."""
        with self._connection.translate_errors("the containers cannot be listed"):
            found: list[dict[str, Any]] = self._connection.client.containers(
                all=True, filters={"label": label_filter(labels)}
            )
            return found

    def create(self, spec: ContainerSpec, emit: Emit) -> str:
        """Create a container without starting it and return its id; raise `ContainerFailed` if its name is taken."""
        try:
            with self._connection.translate_errors(f"the container {spec.name} cannot be created"):
                address = self._publishing_address(spec, emit)
                user = self._image_user(spec)
                config = _config(spec, address, self._connection.proxies_inside, user)
                made = self._client.create_container_from_config(config, spec.name)
        except RefusedError as error:
            if "no command specified" in error.reason.lower():
                raise error.but(hint='end the Dockerfile with CMD ["PROGRAM", "ARGUMENT"]') from error
            if error.status != _CONFLICT:
                raise
            raise ContainerFailed(
                f"the name {spec.name} is taken by another container",
                reason=error.reason,
                hint=f"docker rm {spec.name}, if nobody needs it",
                cause="name-taken",
            ) from error
        for warning in made.get("Warnings") or ():
            emit(WarningEvent(text=f"{spec.name}: {warning}"))
        return str(made["Id"])

    def _image_user(self, spec: ContainerSpec) -> str:
        """Return the user that the image names, if it matters."""
        if not spec.tmpfs:
            return ""
        return (self._client.inspect_image(spec.image_id).get("Config") or {}).get("User") or ""

    def _publishing_address(self, spec: ContainerSpec, emit: Emit) -> str:
        """Return the address of the engine's host at which ports are published: 127.0.0.1, if that is this machine."""
        host = self._connection.endpoint.published_host
        try:
            address = str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
        except OSError:  # a name that only ssh or a proxy knows
            address = LOOPBACK
        if address != LOOPBACK:
            text = (
                f"{spec.name}: the engine is on another machine: port {spec.port} is open to the network of {address}"
            )
            emit(WarningEvent(text=text))
        return address

    def files(self, container_id: str, folder: str = "") -> Generator[ImageFile, None, None]:
        """Yield a container's files without their content; raise `StepFailed` if there is no such container."""
        from seatrial.engine.docker.container_files import read_files

        with self._connection.translate_errors(f"the files of {container_id} cannot be read"):
            client = self._connection.client
            url = api_url(client, files_path(container_id, folder).removeprefix("/"))
            plain = {"Accept-Encoding": "identity"}  # the engine would compress a folder
            with client.get(url, headers=plain, stream=True, timeout=client.timeout) as response:
                client._raise_for_status(response)  # noqa: SLF001  its errors hold the engine's message
                yield from read_files(response.raw, container_id, folder)

    def program_file(self, container_id: str) -> Program | None:
        """Return the file that a container's command names, whether it runs or not; None if there is none."""
        from seatrial.engine.docker.program_file import read_program

        client, translated = self._client, self._connection.translate_errors("its files cannot be read")
        with suppress(AbsentError), translated:
            return read_program(client, client.inspect_container(container_id))
        return None

    def start(self, container_id: str) -> None:
        """Start a container; raise `ContainerFailed` if its port is taken or its command does not exist."""
        try:
            with self._connection.translate_errors("the container cannot be started"):
                self._client.start(container_id)
        except RefusedError as error:
            if "cannot assign requested address" in error.reason:
                raise Unavailable(
                    f"the engine cannot publish a port at {self._connection.endpoint.published_host}",
                    reason=error.reason,
                    hint="run it on the engine's machine: it does not have the address under which it is reached",
                    cause="port-unreachable",
                ) from error
            message, hint, cause = error.message, "check CMD and ENTRYPOINT in the Dockerfile", ""
            if _PORT_TAKEN.search(error.reason):
                message, hint, cause = "the port is taken", "choose another one: --port PORT", "port-taken"
            raise ContainerFailed(message, reason=error.reason, hint=hint, cause=cause) from error

    def stop(self, container_id: str, *, grace: float) -> None:
        """Stop a container, and kill it after `grace` seconds; do nothing if it is stopped or absent."""
        with suppress(AbsentError), self._connection.translate_errors("the container cannot be stopped"):
            self._client.stop(container_id, timeout=math.ceil(grace))

    def rename(self, container_id: str, name: str) -> None:
        """Rename a container."""
        with self._connection.translate_errors(f"the container cannot be renamed to {name}"):
            self._client.rename(container_id, name)

    def remove(self, container_id: str) -> None:
        """Remove a container, running or not, and its anonymous volumes; do nothing if it is absent."""
        try:
            with suppress(AbsentError), self._connection.translate_errors("the container cannot be removed"):
                self._client.remove_container(container_id, v=True, force=True)
        except RefusedError as error:
            if error.status != _CONFLICT:  # somebody else is removing it right now
                raise

    def volume(self, name: str) -> Mapping[str, str] | None:
        """Return the labels of a named volume, or None if there is no such volume."""
        translated = self._connection.translate_errors(f"the volume {name} cannot be inspected")
        with suppress(AbsentError), translated:
            return dict(self._connection.client.inspect_volume(name).get("Labels") or {})
        return None

    def remove_volume(self, name: str) -> None:
        """Remove a named volume; do nothing if it is absent."""
        with suppress(AbsentError), self._connection.translate_errors(f"the volume {name} cannot be removed"):
            self._connection.client.remove_volume(name)

    def logs(self, container_id: str, *, tail: int | None = None, follow: bool = False) -> Iterator[str]:
        """Yield what a container wrote, line by line, without line ends."""
        with self._connection.translate_errors("the log cannot be read"):
            stream = self._client.logs(container_id, stream=True, follow=follow, tail="all" if tail is None else tail)
            rest = b""
            for chunk in stream:
                *lines, rest = (rest + chunk).split(b"\n")
                yield from (line.decode("utf-8", "replace").rstrip("\r") for line in lines)
            if rest:
                yield rest.decode("utf-8", "replace")

    def inspect_container(self, container_id: str) -> ContainerInspection | None:
        """Return what can be seen of a container from outside, with its sockets; None if it is gone."""
        with suppress(AbsentError), self._connection.translate_errors("the container cannot be inspected"):
            raw = self._client.inspect_container(container_id)
            sockets, oom_kills = self._kernel(raw)
            ended = ended_by(self._client, raw)
            program = self._program(raw)
            return inspection_of(raw, sockets=sockets, oom_kills=oom_kills, ended_by=ended, program=program)
        return None

    def run_health_test(self, container_id: str, test: HealthTest) -> Health:
        """Run a container's health test in it once, as the engine does, and return its result."""
        output: list[bytes] = []
        client = self._client
        with self._connection.translate_errors("the health check cannot be run"):
            made = client.exec_create(container_id, list(test.command))
            stream = client.exec_start(made, stream=True)
            reader = Thread(target=lambda: output.extend(stream), daemon=True)
            start_thread(reader)
            reader.join(test.timeout)
            if reader.is_alive():
                return Health(exit_code=-1, output=f"no result within {test.timeout:g} s")
            code = client.exec_inspect(made).get("ExitCode")
        text = b"".join(output).decode("utf-8", "replace")
        return Health(exit_code=int(code or 0), output=" ".join(text.split()))

    def _kernel(self, raw: dict[str, Any]) -> tuple[tuple[Socket, ...] | None, int | None]:
        """Return a container's listening sockets, and how many of its processes were killed for memory.

        They are read from this machine's kernel, else in the container.
        """
        if not raw["State"].get("Running"):
            return None, None
        pid = int(raw["State"].get("Pid") or 0)
        if (found := sockets_in_host_proc(pid, raw["Id"])) is not None:
            return found, oom_kills_in_host(pid, raw["Id"])
        client = self._client
        with suppress(RefusedError), self._connection.translate_errors():  # it has just ended, or its image has no cat
            made = client.exec_create(raw["Id"], ["cat", *_SOCKET_TABLES, *COUNTERS], stderr=False)
            text = client.exec_start(made).decode("utf-8", "replace")
            return sockets_of(text) if "local_address" in text else None, oom_kills_of(text)
        return None, None

    def _program(self, raw: dict[str, Any]) -> Program | None:
        """Return the program of a container that has not started, or whose exit code says that it could not."""
        state = raw["State"]
        if state["Status"] != "created" and (state.get("Running") or state.get("ExitCode") not in _NOT_EXECUTED):
            return None
        from seatrial.engine.docker.program_file import read_program

        return read_program(self._client, raw)


def files_path(container_id: str, folder: str) -> str:
    """Return the path in the API of a container's files, or of those in one of its folders."""
    return f"/containers/{container_id}/{f'archive?path={quote(folder)}' if folder else 'export'}"


def _config(spec: ContainerSpec, address: str, proxies: Mapping[str, str], user: str) -> dict[str, Any]:
    port = f"{spec.port}/tcp"
    host: dict[str, Any] = {
        "PortBindings": {} if spec.command else {port: [{"HostIp": address, "HostPort": str(spec.host_port or "")}]},
        "Memory": spec.memory,
        "PidsLimit": spec.pids,
        "NanoCpus": round((spec.cpus or 0) * 1e9),
        "Init": True,
        "Mounts": volume_mounts(spec.volumes, spec.labels),
        "RestartPolicy": {"Name": "unless-stopped" if spec.restart else "no"},
    }
    if spec.hardened:
        host |= {
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges:true"],
            "ReadonlyRootfs": True,
            "Tmpfs": spec.tmpfs_mounts(user),
        }
    return {
        "Image": spec.image_id,
        "Labels": dict(spec.labels),
        "Env": [f"{key}={value}" for key, value in {**proxies, **spec.environment}.items()],
        **({"Cmd": list(spec.command)} if spec.command else {"ExposedPorts": {port: {}}}),
        "StopTimeout": math.ceil(spec.stop_grace),
        "HostConfig": host,
    }
