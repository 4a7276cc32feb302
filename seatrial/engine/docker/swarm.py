"""The swarm of the Docker Engine, through the SDK's low-level client."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote

from seatrial.engine.connection import Connection, api_url
from seatrial.engine.docker.service_body import service_body, service_spec
from seatrial.engine.failures import AbsentError, RefusedError
from seatrial.engine.swarm import Node, NoLeader, NotAManager, Service, ServiceSpec, Task
from seatrial.errors import Conflict, EngineUnavailable, StepFailed, Unavailable
from seatrial.registry.credentials import Credential

__all__ = ["DockerSwarm"]

_ANY_ADDRESS = ("0.0.0.0", "127.0.0.1", "")  # noqa: S104  what a node alone says about itself
_OK, _NOT_FOUND, _NOT_A_MANAGER = b"200", b"404", b"503"
_NO_MANAGER = re.compile("swarm manager|part of a swarm|needs to be unlocked")
_NO_LEADER = re.compile("not have a leader|lost leader status|context deadline exceeded|code = Unavailable")
_PORT_TAKEN = re.compile(r"port '(\d+)' is already in use by service '([^']*)'")
_SEVERAL_ADDRESSES = "could not choose an IP address"


class DockerSwarm:
    """The `Swarm` of one engine.

    `ask` returns the HTTP status and the JSON of an answer to GET, or nothing if the SDK must ask: a run that finds
    nothing to do need not load it.
    """

    def __init__(self, connection: Connection, ask: Callable[[str], tuple[bytes, Any]] = lambda _: (b"", None)) -> None:
        self._connection = connection
        self._ask = ask

    def is_manager(self) -> bool:
        """Return whether the engine is a manager of a swarm."""
        if (status := self._ask("/swarm")[0]) in (_OK, _NOT_A_MANAGER):
            return status == _OK
        with self._connection.translate_errors():
            found = self._connection.client.info().get("Swarm") or {}
        return found.get("LocalNodeState") == "active" and bool(found.get("ControlAvailable"))

    def init(self, address: str | None) -> None:
        """Make a swarm with this engine as its only node."""
        try:
            with self._connection.translate_errors("the swarm cannot be made"):
                self._connection.client.init_swarm(advertise_addr=address)
        except (RefusedError, EngineUnavailable) as error:
            if "part of a swarm" in error.reason:
                self._read("swarm")  # raises the error of a worker, or of a swarm that is locked
            if _SEVERAL_ADDRESSES not in error.reason:
                raise
            raise StepFailed(
                "the swarm cannot be made",
                reason=error.reason.partition(" - ")[0],
                hint="invoke up --swarm --advertise ADDRESS (ip -brief address shows them)",
            ) from error

    def require(self, spec: ServiceSpec) -> None:
        """Raise `StepFailed` unless the secrets, configs and networks of a service exist."""
        self._ids(spec)
        for name in spec.networks:
            found = [one for one in self._read("networks", name=name) if one["Name"] == name]
            if not found:
                raise _missing("network", name, f"docker network create --driver overlay {name}")
            if found[0]["Scope"] != "swarm":
                hint = "docker network create --driver overlay NAME, and networks: [NAME] under deploy in invoke.yaml"
                raise StepFailed(f"{name} is not a network of the swarm", reason="only one engine has it", hint=hint)

    def service(self, name: str) -> Service | None:
        """Return the service of that name, or None."""
        with suppress(AbsentError):
            raw = self._read(f"services/{quote(name)}")
            update = raw.get("UpdateStatus") or {}
            return Service(
                id=raw["ID"],
                version=int(raw["Version"]["Index"]),
                spec=self._spec(raw["Spec"]),
                previous=self._spec(raw["PreviousSpec"]) if raw.get("PreviousSpec") else None,
                update_state=update.get("State") or "",
                update_message=update.get("Message") or "",
                raw=raw["Spec"],
            )
        return None

    def create(self, spec: ServiceSpec, credential: Credential | None) -> None:
        """Create a service."""
        with self._translate(f"the service {spec.name} cannot be created"):
            self._post("services/create", self._body(spec), credential)

    def update(self, service: Service, spec: ServiceSpec, credential: Credential | None) -> None:
        """Replace a service's spec; raise `Conflict` if somebody else has just done so."""
        self._update(service, self._body(spec), {}, credential)

    def scale(self, service: Service, replicas: int) -> None:
        """Change only how many containers a service has; raise `Conflict` as above."""
        body = {**service.raw, "Mode": {"Replicated": {"Replicas": replicas}}}
        self._update(service, body, {"registryAuthFrom": "spec"})

    def roll_back(self, service: Service) -> None:
        """Bring back the spec that a service had before its last update."""
        self._update(service, service.raw, {"rollback": "previous", "registryAuthFrom": "previous-spec"})

    def remove(self, service_id: str) -> None:
        """Remove a service; do nothing if it is absent."""
        with suppress(AbsentError), self._translate("the service cannot be removed"):
            self._connection.client.remove_service(service_id)

    def tasks(self, service: Service) -> list[Task]:
        """Return the tasks of a service, the newest first."""
        found = self._read("tasks", service=service.id)
        found.sort(key=lambda one: one["Version"]["Index"], reverse=True)
        found.sort(key=lambda one: one["CreatedAt"][:19], reverse=True)
        template = service.raw.get("TaskTemplate") or {}
        return [_task(one, template) for one in found]

    def log(self, task_id: str, *, tail: int) -> tuple[str, ...]:
        """Return the last lines that a task's container wrote, on whatever node."""
        with self._translate("the log cannot be read"):
            client = self._connection.client
            parameters: dict[str, Any] = {"stdout": True, "stderr": True, "tail": tail}
            response = client.get(api_url(client, f"tasks/{task_id}/logs"), params=parameters, timeout=10)
            client._raise_for_status(response)  # noqa: SLF001  its errors hold the engine's message
            return tuple(_lines(response.content))

    def nodes(self) -> list[Node]:
        """Return the nodes of the swarm."""
        found = self._read("nodes")
        published = self._connection.endpoint.published_host
        alone = len(found) == 1
        return [
            Node(
                id=one["ID"],
                name=one["Description"]["Hostname"],
                address=published if alone or _address(one) in _ANY_ADDRESS else _address(one),
                ready=one["Status"]["State"] == "ready",
                down=one["Status"]["State"] == "down",
            )
            for one in found
        ]

    def _spec(self, raw: Mapping[str, Any]) -> ServiceSpec:
        targets = [one["Target"] for one in (raw.get("TaskTemplate") or {}).get("Networks") or ()]
        names = {}
        for target in targets:
            with suppress(AbsentError):
                names[target] = self._read(f"networks/{quote(target)}")["Name"]
        return service_spec(raw, names, self._connection.proxies_inside)

    def _body(self, spec: ServiceSpec) -> dict[str, Any]:
        return service_body(spec, self._ids(spec), self._connection.proxies_inside)

    def _ids(self, spec: ServiceSpec) -> dict[tuple[str, str], str]:
        """Return the ids of a service's secrets and configs by kind and name; raise `StepFailed` for a missing one."""
        ids = {}
        for kind, names in (("secret", spec.secrets), ("config", spec.configs)):
            for name in names:
                found = [one["ID"] for one in self._read(f"{kind}s", name=name) if one["Spec"]["Name"] == name]
                if not found:
                    raise _missing(kind, name, f"docker {kind} create {name} FILE")
                ids[kind, name] = found[0]
        return ids

    def _read(self, path: str, **filters: str) -> Any:
        """Return the JSON of an answer to GET; raise `AbsentError` without such a thing, `NotAManager` by a worker."""
        path += f"?filters={quote(json.dumps({key: [value] for key, value in filters.items()}))}" * bool(filters)
        action, (status, found) = f"{path.partition('?')[0]} cannot be read", self._ask(f"/{path}")
        message = str(found.get("message") or "") if isinstance(found, dict) else ""
        if status == _OK:
            return found
        if status == _NOT_FOUND and message:
            raise AbsentError(action, reason=message, hint="docker info")
        if status == _NOT_A_MANAGER and _NO_MANAGER.search(message):
            raise self._not_a_manager(message)
        with self._translate(action):
            client = self._connection.client
            response = client.get(api_url(client, path))
            client._raise_for_status(response)  # noqa: SLF001  its errors hold the engine's message
            return response.json()

    def _update(
        self,
        service: Service,
        body: Mapping[str, Any],
        parameters: dict[str, str],
        credential: Credential | None = None,
    ) -> None:
        try:
            with self._translate(f"the service {service.spec.name} cannot be updated"):
                wanted = {"version": service.version, **parameters}
                self._post(f"services/{service.id}/update", body, credential, wanted)
        except RefusedError as error:
            if "out of sequence" not in error.reason:
                raise
            raise Conflict(
                f"somebody else has just changed the service {service.spec.name}",
                reason=error.reason,
                hint=f"run it again (docker service inspect {service.spec.name} shows what it is now)",
            ) from error

    def _post(
        self,
        path: str,
        body: Mapping[str, Any],
        credential: Credential | None,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        """Send a request; a credential travels in its header, and the swarm gives it to the nodes that pull."""
        from seatrial.engine.docker.engine import auth_header

        client = self._connection.client
        headers = auth_header(credential) if credential else {}
        response = client.post(api_url(client, path), json=body, params=parameters, headers=headers)
        client._raise_for_status(response)  # noqa: SLF001  its errors hold the engine's message

    @contextmanager
    def _translate(self, action: str) -> Iterator[None]:
        """Turn errors into ours, those of an engine that cannot manage a swarm into `NotAManager` and `NoLeader`."""
        try:
            with self._connection.translate_errors(action):
                yield
        except (RefusedError, Unavailable) as error:
            if taken := _PORT_TAKEN.search(error.reason):
                raise StepFailed(
                    action,
                    reason=f"its port {taken[1]} belongs to the service {taken[2]}",
                    hint=f"docker service inspect --pretty {taken[2]} (or another port under deploy in invoke.yaml)",
                    cause="port-taken",
                ) from error
            if _NO_LEADER.search(error.reason):
                raise NoLeader(
                    action,
                    reason=f"too few managers of the swarm answer ({error.reason.rpartition('desc = ')[2]})",
                    hint="docker info (its Manager Addresses): start those that are down, then run it again",
                ) from error
            if not _NO_MANAGER.search(error.reason):
                raise
            raise self._not_a_manager(error.reason) from error

    def _not_a_manager(self, message: str) -> NotAManager:
        """Return the error for an engine that says that it is not a manager of a swarm."""
        if "Worker nodes" in message:
            with self._connection.translate_errors():
                known = self._connection.client.info()["Swarm"].get("RemoteManagers") or [{"Addr": "MANAGER:"}]
            reason = "it is a worker of a swarm, and only a manager changes services"
            hint = f"export DOCKER_HOST=ssh://USER@{known[0]['Addr'].rpartition(':')[0]} (a manager), then run it again"
        elif "unlocked" in message:
            reason, hint = "its swarm is locked since the engine was started", "docker swarm unlock, then run it again"
        else:
            reason = "it is not part of a swarm"
            hint = "invoke up --swarm (makes one with this engine as its only node)"
        return NotAManager(f"the engine at {self._connection.endpoint.url} manages no swarm", reason=reason, hint=hint)


def _missing(kind: str, name: str, hint: str) -> StepFailed:
    return StepFailed(f"there is no {kind} {name}", reason=f"the swarm has no {kind} of that name", hint=hint)


def _task(raw: Mapping[str, Any], template: Mapping[str, Any]) -> Task:
    status, spec = raw.get("Status") or {}, raw.get("Spec") or {}
    container = status.get("ContainerStatus") or {}
    return Task(
        id=raw["ID"],
        number=int(raw.get("Slot") or 0),
        node=raw.get("NodeID") or "",
        state=status.get("State") or "",
        wanted=raw.get("DesiredState") or "",
        error=status.get("Err") or "",
        exit_code=int(container.get("ExitCode") or 0),
        container=container.get("ContainerID") or "",
        image=(spec.get("ContainerSpec") or {}).get("Image") or "",
        is_current=all(spec.get(part) == template.get(part) for part in ("ContainerSpec", "Resources", "LogDriver")),
    )


def _address(node: Mapping[str, Any]) -> str:
    return str((node.get("Status") or {}).get("Addr") or "")


def _lines(content: bytes) -> Iterator[str]:
    """Yield the lines of a log in the engine's frames: eight bytes before each piece, the last four its length."""
    text = b""
    while content:
        length = int.from_bytes(content[4:8], "big")
        text, content = text + content[8 : 8 + length], content[8 + length :]
    for line in text.splitlines():
        yield line.decode("utf-8", "replace").rstrip("\r")
