"""A published version as a Deployment and a Service for Kubernetes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from seatrial.checks.http.probe import request_for
from seatrial.checks.http.response import Expected
from seatrial.engine.swarm import ServiceSpec
from seatrial.model.app import App, Check
from seatrial.model.deployment import NO_HEALTH_CHECK
from seatrial.steps.deploy.release import Release
from seatrial.steps.deploy.service import spec_for

__all__ = ["manifest"]

_TMP = "/tmp"  # noqa: S108  inside the container
_TMPFS = "64Mi"
_PROBE_SECONDS = 5
_FIRST_ERROR = 400
_LONGEST = 63
_ANNOTATION = re.compile(r"[^A-Za-z0-9._-]+")


def manifest(app: App, release: Release, replicas: int | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the app's Deployment and its Service; raise `UsageError` if its environment holds a secret."""
    app = app.in_image(release.image.exposed)
    spec = spec_for(app, release, None, replicas)
    name = _label(app.container_name)
    selector = {"app.kubernetes.io/name": _label(app.name), "app.kubernetes.io/instance": name}
    labels = {**selector, "app.kubernetes.io/version": _value(str(release.version))}
    mounts, (inside, outside) = list(_mounts(app)), _ports(spec)
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels, **_annotations(app.deploy.labels)},
        "spec": {
            "replicas": spec.replicas,
            "selector": {"matchLabels": selector},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "progressDeadlineSeconds": math.ceil(app.deploy.timeout),
            "template": {
                "metadata": {"labels": labels, **_annotations(app.deploy.container_labels)},
                "spec": {
                    "automountServiceAccountToken": False,
                    "enableServiceLinks": False,  # otherwise a Service called web sets WEB_PORT
                    "terminationGracePeriodSeconds": math.ceil(app.stop_grace),
                    "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                    "containers": [
                        {
                            "name": _label(app.name),
                            "image": f"{release.reference.name}@{release.digest}",
                            "ports": inside,
                            "env": [{"name": key, "value": value} for key, value in spec.environment.items()],
                            "resources": _resources(spec),
                            "securityContext": {
                                "allowPrivilegeEscalation": False,
                                "capabilities": {"drop": ["ALL"]},
                                "readOnlyRootFilesystem": True,
                            },
                            **_probes(app, release),
                            "volumeMounts": [mount for mount, _ in mounts],
                        }
                    ],
                    "volumes": [volume for _, volume in mounts],
                },
            },
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "selector": selector,
            "ports": outside,
        },
    }
    return deployment, service


def _resources(spec: ServiceSpec) -> dict[str, dict[str, str]]:
    """Return the limits, and what a node must have left."""
    found = {"limits": (spec.memory, spec.cpus), "requests": (spec.reserved_memory, spec.reserved_cpus)}
    return {
        kind: ({"memory": str(memory)} if memory else {}) | ({"cpu": f"{round(cpus * 1000)}m"} if cpus else {})
        for kind, (memory, cpus) in found.items()
        if memory or cpus
    }


def _ports(spec: ServiceSpec) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the ports of the container and those of the Service; the app's own, the first, is called http."""
    inside: dict[tuple[int, str], str] = {}
    outside: list[dict[str, Any]] = []
    for one in spec.ports:
        target = inside.setdefault((one.target, one.protocol), f"{one.protocol}-{one.target}" if inside else "http")
        name = f"{one.protocol}-{one.published}" if outside else "http"
        port = {"name": name, "port": one.published, "targetPort": target, "protocol": one.protocol.upper()}
        outside.append(port)
    return [
        {"name": name, "containerPort": port, "protocol": protocol.upper()} for (port, protocol), name in inside.items()
    ], outside


def _annotations(labels: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return labels as annotations, which may hold any text; nothing without one."""
    return {"annotations": {_ANNOTATION.sub("-", key)[:_LONGEST]: one for key, one in labels.items()}} if labels else {}


def _probes(app: App, release: Release) -> dict[str, Any]:
    """Return the probes: the app may take as long to start as in a smoke test, and is ready while it answers."""
    ready = _request(app, release)
    wanted = app.deploy
    if wanted.health_command and wanted.health_command != NO_HEALTH_CHECK:
        ready = {"exec": {"command": list(wanted.health_command)}}
    if wanted.health_timeout:
        ready["timeoutSeconds"] = math.ceil(wanted.health_timeout)
    every = math.ceil(wanted.health_interval or _PROBE_SECONDS)
    start = math.ceil(max(app.smoke_timeout, wanted.health_start_period or 0))
    retries = {"failureThreshold": wanted.health_retries} if wanted.health_retries else {}
    return {
        "startupProbe": {**ready, "periodSeconds": 1, "failureThreshold": start},
        "readinessProbe": {**ready, "periodSeconds": every, **retries},
    }


def _request(app: App, release: Release) -> dict[str, Any]:
    """Return the first check that a probe can put, as one; else whether the port accepts connections."""
    check = next(filter(_can_be_put, app.checks), None)
    if check is None:
        return {"tcpSocket": {"port": "http"}}
    request = request_for(check, Expected(version=str(release.version)))
    headers = [{"name": name, "value": value} for name, value in request.headers.items()]
    return {
        "httpGet": {
            "path": request.path,
            "port": "http",
            "scheme": check.scheme.upper(),
            **({"httpHeaders": headers} if headers else {}),
        }
    }


def _can_be_put(check: Check) -> bool:
    """Return whether a probe can put a check: it sends GET, and takes 200 to 399 for a success.

    Other headers than these may hold a secret, which everybody who may read a Deployment would see.
    """
    harmless = all(name.lower() in ("host", "accept") for name in check.headers)
    return check.method == "GET" and (check.status or 200) < _FIRST_ERROR and harmless


def _mounts(app: App) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield what is mounted where, and the volume of each mount."""
    for number, path in enumerate((_TMP, *app.tmpfs)):
        name = f"memory-{number}"
        yield {"name": name, "mountPath": path}, {"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": _TMPFS}}
    for name, path in app.volumes.items():
        claim = {"claimName": _label(f"{app.container_name}-{name}")}
        volume = f"volume-{_label(name)}"
        yield {"name": volume, "mountPath": path.rstrip("/")}, {"name": volume, "persistentVolumeClaim": claim}
    for name, file in app.deploy.secret_files.items():
        volume = f"secret-{_label(name)}"
        mount = {"name": volume, "mountPath": f"/run/secrets/{file}", "subPath": name, "readOnly": True}
        yield mount, {"name": volume, "secret": {"secretName": _label(name)}}
    for name, path in app.deploy.configs.items():
        volume = f"config-{_label(name)}"
        mount = {"name": volume, "mountPath": path, "subPath": path.rpartition("/")[2], "readOnly": True}
        yield mount, {"name": volume, "configMap": {"name": _label(name)}}


def _label(text: str) -> str:
    """Return the name that resembles `text` most among those that everything in Kubernetes can have."""
    found = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return (found if found[:1].isalpha() else f"app-{found}")[:_LONGEST].rstrip("-")


def _value(text: str) -> str:
    """Return the value of a label that resembles `text` most."""
    return text[:_LONGEST].strip("-._")
