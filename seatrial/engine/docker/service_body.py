"""A service's spec in the words of the Docker API, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seatrial.engine.docker.mounts import volume_mounts
from seatrial.engine.swarm import ServiceSpec
from seatrial.model.deployment import NO_HEALTH_CHECK

__all__ = ["service_body", "service_spec"]

_NANOSECONDS = 1e9
_TMPFS_BYTES = 64 * 1024 * 1024
_TMPFS_MODE = 0o1777
_TMP = "/tmp"  # noqa: S108  inside the container
_RESTART_SECONDS = 5.0


def service_body(spec: ServiceSpec, ids: Mapping[tuple[str, str], str], proxies: Mapping[str, str]) -> dict[str, Any]:
    """Return a spec for the API; `ids` are those of secrets and configs by kind and name.

    `proxies` are what the containers get besides their environment.
    """
    container: dict[str, Any] = {
        "Image": spec.image,
        "Labels": dict(spec.labels),
        "Env": [f"{key}={value}" for key, value in {**proxies, **spec.environment}.items()],
        "Init": True,
        "StopGracePeriod": _nanoseconds(spec.stop_grace),
        "Mounts": volume_mounts(spec.volumes, spec.labels),
        "Secrets": [
            {"SecretID": ids["secret", name], "SecretName": name, "File": _file(path)}
            for name, path in spec.secrets.items()
        ],
        "Configs": [
            {"ConfigID": ids["config", name], "ConfigName": name, "File": _file(path)}
            for name, path in spec.configs.items()
        ],
    }
    if spec.hardened:
        container |= {
            "ReadOnly": True,
            "CapabilityDrop": ["ALL"],
            "Privileges": {"NoNewPrivileges": True},  # engines before API 1.46 ignore it
        }
        container["Mounts"] += [
            {
                "Type": "tmpfs",
                "Target": path,
                "TmpfsOptions": {"SizeBytes": _TMPFS_BYTES, "Mode": _TMPFS_MODE},
            }
            for path in (_TMP, *spec.tmpfs)
        ]
    if health := _health(spec):
        container["Healthcheck"] = health
    update = {
        "Parallelism": spec.parallelism,
        "Delay": _nanoseconds(spec.delay),
        "Monitor": _nanoseconds(spec.monitor),
        "MaxFailureRatio": 0,
        "Order": spec.order,
    }
    return {
        "Name": spec.name,
        "Labels": dict(spec.labels),
        "TaskTemplate": {
            "ContainerSpec": container,
            "Resources": {
                "Limits": {
                    "MemoryBytes": spec.memory,
                    "NanoCPUs": _nanoseconds(spec.cpus),
                    "Pids": spec.pids,
                }
            },
            "RestartPolicy": {"Condition": "any", "Delay": _nanoseconds(_RESTART_SECONDS), "MaxAttempts": 0},
            "Placement": {"Constraints": list(spec.constraints)},
            "Networks": [{"Target": name} for name in spec.networks],
        },
        "Mode": {"Global": {}} if spec.replicas is None else {"Replicated": {"Replicas": spec.replicas}},
        "UpdateConfig": {**update, "FailureAction": "rollback" if spec.rolls_back else "pause"},
        "RollbackConfig": {**update, "FailureAction": "pause", "Delay": 0},
        "EndpointSpec": {
            "Mode": "vip",
            "Ports": [
                {
                    "Protocol": "tcp",
                    "TargetPort": spec.port,
                    "PublishedPort": spec.published_port,
                    "PublishMode": spec.mode,
                }
            ],
        },
    }


def service_spec(raw: Mapping[str, Any], network_names: Mapping[str, str], proxies: Mapping[str, str]) -> ServiceSpec:
    """Return the spec in the API's words as ours; `network_names` are the names of networks by id.

    Variables in `proxies` that have their value are left out: `service_body` has added them.
    """
    task = raw.get("TaskTemplate") or {}
    container, mode = task.get("ContainerSpec") or {}, raw.get("Mode") or {}
    limits = (task.get("Resources") or {}).get("Limits") or {}
    health, update = container.get("Healthcheck") or {}, raw.get("UpdateConfig") or {}
    ports = (raw.get("EndpointSpec") or {}).get("Ports") or [{}]
    mounts = container.get("Mounts") or []
    environment = dict(_pair(text) for text in container.get("Env") or ())
    kind, *words = health.get("Test") or ["CMD"]
    return ServiceSpec(
        name=raw.get("Name") or "",
        image=container.get("Image") or "",
        labels=raw.get("Labels") or {},
        replicas=int((mode["Replicated"] or {}).get("Replicas") or 0) if "Replicated" in mode else None,
        environment={key: value for key, value in environment.items() if proxies.get(key) != value},
        port=int(ports[0].get("TargetPort") or 0),
        published_port=int(ports[0].get("PublishedPort") or 0),
        mode=ports[0].get("PublishMode") or "ingress",
        memory=int(limits.get("MemoryBytes") or 0),
        pids=int(limits.get("Pids") or 0),
        cpus=(limits.get("NanoCPUs") or 0) / _NANOSECONDS,
        hardened=bool(container.get("ReadOnly")) and "ALL" in (container.get("CapabilityDrop") or ()),
        tmpfs=tuple(one["Target"] for one in mounts if one.get("Type") == "tmpfs" and one["Target"] != _TMP),
        volumes={one["Target"]: one.get("Source") or "" for one in mounts if one.get("Type") == "volume"},
        secrets=_files(container.get("Secrets"), "SecretName"),
        configs=_files(container.get("Configs"), "ConfigName"),
        constraints=tuple((task.get("Placement") or {}).get("Constraints") or ()),
        networks=tuple(network_names.get(one["Target"], one["Target"]) for one in task.get("Networks") or ()),
        health_command=tuple(words) if kind == "CMD" else (kind, *words),
        health_interval=(health.get("Interval") or 0) / _NANOSECONDS,
        health_retries=health.get("Retries") or 0,
        health_timeout=(health.get("Timeout") or 0) / _NANOSECONDS,
        health_start_period=(health.get("StartPeriod") or 0) / _NANOSECONDS,
        stop_grace=(container.get("StopGracePeriod") or 0) / _NANOSECONDS,
        order=update.get("Order") or "stop-first",
        parallelism=int(update.get("Parallelism") or 0),
        delay=(update.get("Delay") or 0) / _NANOSECONDS,
        monitor=(update.get("Monitor") or 0) / _NANOSECONDS,
        rolls_back=update.get("FailureAction") == "rollback",
    )


def _health(spec: ServiceSpec) -> dict[str, Any]:
    """Return the health check; without a command it is the image's own."""
    kind = () if spec.health_command in ((), NO_HEALTH_CHECK) else ("CMD",)
    found = {
        "Test": [*kind, *spec.health_command],
        "Interval": _nanoseconds(spec.health_interval),
        "Timeout": _nanoseconds(spec.health_timeout),
        "StartPeriod": _nanoseconds(spec.health_start_period),
        "Retries": spec.health_retries,
    }
    return {key: value for key, value in found.items() if value}


def _file(name: str) -> dict[str, Any]:
    """Return a file that everybody in the container may read: the app's user is not root."""
    return {"Name": name, "UID": "0", "GID": "0", "Mode": 0o444}


def _files(found: Sequence[Mapping[str, Any]] | None, key: str) -> dict[str, str]:
    """Return the files of secrets or configs, by the names that these have under `key`."""
    return {one.get(key) or "": (one.get("File") or {}).get("Name") or "" for one in found or ()}


def _nanoseconds(seconds: float) -> int:
    return round(seconds * _NANOSECONDS)


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value
