"""A service's spec in the words of the Docker API, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from seatrial.engine.docker.mounts import volume_mounts
from seatrial.engine.swarm import ServiceSpec
from seatrial.model.deployment import NO_HEALTH_CHECK, OWN_LABEL, PublishedPort

__all__ = ["service_body", "service_spec"]

_NANOSECONDS = 1e9
_TMPFS_BYTES = 64 * 1024 * 1024
_TMPFS_MODE = 0o1777
_TMP = "/tmp"  # noqa: S108  inside the container
_RESTART_SECONDS = 5.0


def _nanoseconds(seconds: float) -> int:
    return round(seconds * _NANOSECONDS)


def _seconds(nanoseconds: int = 0) -> float:
    return nanoseconds / _NANOSECONDS


_Kind = tuple[Callable[[Any], Any], Callable[..., Any]]
_TEXT: _Kind = (str, str)
_COUNT: _Kind = (int, int)
_TIME: _Kind = (_nanoseconds, _seconds)
_LIST: _Kind = (list, tuple)
_NAMED: _Kind = (dict, dict)
_CONTAINER, _RESOURCES = "TaskTemplate.ContainerSpec", "TaskTemplate.Resources"
_FIELDS: dict[str, tuple[str, _Kind]] = {
    "name": ("Name", _TEXT),
    "labels": ("Labels", _NAMED),
    "image": (f"{_CONTAINER}.Image", _TEXT),
    "stop_grace": (f"{_CONTAINER}.StopGracePeriod", _TIME),
    "health_interval": (f"{_CONTAINER}.Healthcheck.Interval", _TIME),
    "health_timeout": (f"{_CONTAINER}.Healthcheck.Timeout", _TIME),
    "health_start_period": (f"{_CONTAINER}.Healthcheck.StartPeriod", _TIME),
    "health_retries": (f"{_CONTAINER}.Healthcheck.Retries", _COUNT),
    "memory": (f"{_RESOURCES}.Limits.MemoryBytes", _COUNT),
    "cpus": (f"{_RESOURCES}.Limits.NanoCPUs", _TIME),
    "pids": (f"{_RESOURCES}.Limits.Pids", _COUNT),
    "reserved_memory": (f"{_RESOURCES}.Reservations.MemoryBytes", _COUNT),
    "reserved_cpus": (f"{_RESOURCES}.Reservations.NanoCPUs", _TIME),
    "constraints": ("TaskTemplate.Placement.Constraints", _LIST),
    "log_driver": ("TaskTemplate.LogDriver.Name", _TEXT),
    "log_options": ("TaskTemplate.LogDriver.Options", _NAMED),
    "order": ("UpdateConfig.Order", _TEXT),
    "parallelism": ("UpdateConfig.Parallelism", _COUNT),
    "delay": ("UpdateConfig.Delay", _TIME),
    "monitor": ("UpdateConfig.Monitor", _TIME),
}
"""Where the API has a field of a spec, and how it is written and read there; what is empty is not written."""


def service_body(spec: ServiceSpec, ids: Mapping[tuple[str, str], str], proxies: Mapping[str, str]) -> dict[str, Any]:
    """Return a spec for the API; `ids` are those of secrets and configs by kind and name.

    `proxies` are what the containers get besides their environment.
    """
    container: dict[str, Any] = {
        "Labels": {**spec.container_labels, **spec.own_labels},
        "Env": [f"{key}={value}" for key, value in {**proxies, **spec.environment}.items()],
        "Init": True,
        "StopGracePeriod": 0,  # else it would be ten seconds
        "Mounts": volume_mounts(spec.volumes, spec.own_labels),
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
    if spec.health_command:  # without one it is the image's own
        kind = () if spec.health_command == NO_HEALTH_CHECK else ("CMD",)
        container["Healthcheck"] = {"Test": [*kind, *spec.health_command]}
    body: dict[str, Any] = {
        "TaskTemplate": {
            "ContainerSpec": container,
            "RestartPolicy": {"Condition": "any", "Delay": _nanoseconds(_RESTART_SECONDS), "MaxAttempts": 0},
            "Networks": [{"Target": name} for name in spec.networks],
        },
        "Mode": {"Global": {}} if spec.replicas is None else {"Replicated": {"Replicas": spec.replicas}},
        "UpdateConfig": {"MaxFailureRatio": 0, "FailureAction": "rollback" if spec.rolls_back else "pause"},
        "EndpointSpec": {
            "Mode": "vip",
            "Ports": [
                {
                    "Protocol": one.protocol,
                    "TargetPort": one.target,
                    "PublishedPort": one.published,
                    "PublishMode": one.mode,
                }
                for one in spec.ports
            ],
        },
    }
    for name, (path, (write, _)) in _FIELDS.items():
        if value := getattr(spec, name):
            *folders, key = path.split(".")
            place = body
            for folder in folders:
                place = place.setdefault(folder, {})
            place[key] = write(value)
    return {**body, "RollbackConfig": {**body["UpdateConfig"], "FailureAction": "pause", "Delay": 0}}


def service_spec(raw: Mapping[str, Any], network_names: Mapping[str, str], proxies: Mapping[str, str]) -> ServiceSpec:
    """Return the spec in the API's words as ours; `network_names` are the names of networks by id.

    Variables in `proxies` that have their value are left out: `service_body` has added them.
    """
    container, mode = _at(raw, _CONTAINER) or {}, raw.get("Mode") or {}
    mounts = container.get("Mounts") or []
    environment = dict(_pair(text) for text in container.get("Env") or ())
    kind, *words = _at(container, "Healthcheck.Test") or ["CMD"]
    found = {name: read(*filter(None, [_at(raw, path)])) for name, (path, (_, read)) in _FIELDS.items()}
    return ServiceSpec(
        **found,
        replicas=int((mode["Replicated"] or {}).get("Replicas") or 0) if "Replicated" in mode else None,
        environment={key: value for key, value in environment.items() if proxies.get(key) != value},
        ports=tuple(
            PublishedPort(
                target=int(one.get("TargetPort") or 0),
                published=int(one.get("PublishedPort") or 0),
                protocol=one.get("Protocol") or "tcp",
                mode=one.get("PublishMode") or "ingress",
            )
            for one in _at(raw, "EndpointSpec.Ports") or ()
        ),
        container_labels={
            key: value for key, value in (container.get("Labels") or {}).items() if not key.startswith(OWN_LABEL)
        },
        hardened=bool(container.get("ReadOnly")) and "ALL" in (container.get("CapabilityDrop") or ()),
        tmpfs=tuple(one["Target"] for one in mounts if one.get("Type") == "tmpfs" and one["Target"] != _TMP),
        volumes={one["Target"]: one.get("Source") or "" for one in mounts if one.get("Type") == "volume"},
        secrets=_files(container.get("Secrets"), "SecretName"),
        configs=_files(container.get("Configs"), "ConfigName"),
        networks=tuple(
            network_names.get(one["Target"], one["Target"]) for one in _at(raw, "TaskTemplate.Networks") or ()
        ),
        health_command=tuple(words) if kind == "CMD" else (kind, *words),
        rolls_back=_at(raw, "UpdateConfig.FailureAction") == "rollback",
    )


def _at(raw: Any, path: str) -> Any:
    """Return what is at a path in a description; None if nothing is."""
    for key in path.split("."):
        raw = (raw or {}).get(key)
    return raw


def _file(name: str) -> dict[str, Any]:
    """Return a file that everybody in the container may read: the app's user is not root."""
    return {"Name": name, "UID": "0", "GID": "0", "Mode": 0o444}


def _files(found: Sequence[Mapping[str, Any]] | None, key: str) -> dict[str, str]:
    """Return the files of secrets or configs, by the names that these have under `key`."""
    return {one.get(key) or "": (one.get("File") or {}).get("Name") or "" for one in found or ()}


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value
