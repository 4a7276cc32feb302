"""Turn the engine's JSON into Seatrial's data types."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from seatrial.engine.model import Container, EngineDetails, HistoryEntry, Image, ImageConfig
from seatrial.model.platforms import normal_platform

__all__ = [
    "container_of",
    "details_of",
    "engine_time",
    "history_of",
    "image_of",
    "label_filter",
    "listed_image",
    "platform_of",
    "real_names",
]


def image_of(raw: dict[str, Any]) -> Image:
    """Return the image for `docker image inspect` output."""
    return Image(
        id=raw["Id"],
        tags=real_names(raw.get("RepoTags")),
        digests=real_names(raw.get("RepoDigests")),
        labels=(raw.get("Config") or {}).get("Labels") or {},
        created=_epoch(raw.get("Created") or ""),
        size=int(raw.get("Size") or 0),
        platform=platform_of(raw.get("Os"), raw.get("Architecture"), raw.get("Variant")),
        config=_config(raw.get("Config") or {}),
        layers=tuple((raw.get("RootFS") or {}).get("Layers") or ()),
    )


def listed_image(entry: dict[str, Any]) -> Image:
    """Return the image for an entry of the engine's list of images, which says less than its inspection."""
    return Image(
        id=entry["Id"],
        tags=real_names(entry.get("RepoTags")),
        digests=real_names(entry.get("RepoDigests")),
        labels=entry.get("Labels") or {},
        created=float(entry.get("Created") or 0),
        size=int(entry.get("Size") or 0),
    )


def label_filter(labels: Mapping[str, str]) -> list[str]:
    """Return labels as the engine's filter `label` takes them."""
    return [f"{key}={value}" for key, value in labels.items()]


def history_of(raw: Sequence[dict[str, Any]]) -> list[HistoryEntry]:
    """Return the entries of an image's history."""
    return [
        HistoryEntry(
            id=entry["Id"],
            created=float(entry["Created"]),
            created_by=entry["CreatedBy"] or "",
            size=int(entry["Size"]),
            comment=entry.get("Comment") or "",
            tags=tuple(entry.get("Tags") or ()),
        )
        for entry in raw
    ]


def container_of(raw: dict[str, Any]) -> Container:
    """Return the container for `docker container inspect` output."""
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
        started=state.get("StartedAt") or "",
        ports={
            int(port.partition("/")[0]): int(bindings[0]["HostPort"]) for port, bindings in ports.items() if bindings
        },
    )


def details_of(raw: dict[str, Any]) -> EngineDetails:
    """Return the details for `docker info` output."""
    containerd = "io.containerd.snapshotter" in str(raw.get("DriverStatus"))
    return EngineDetails(
        root=raw.get("DockerRootDir") or "",
        store="containerd" if containerd else raw.get("Driver") or "",
        platform=platform_of(raw.get("OSType"), raw.get("Architecture")),
        warnings=tuple(str(one).removeprefix("WARNING: ") for one in raw.get("Warnings") or ()),
    )


def platform_of(*parts: object) -> str:
    """Return the platform of an operating system, an architecture and a variant; empty unless both first are known."""
    return normal_platform("/".join(str(one) for one in parts if one)) if all(parts[:2]) else ""


def real_names(raw: Sequence[str] | None) -> tuple[str, ...]:
    """Return an image's names without Docker's `<none>`."""
    return tuple(name for name in raw or () if not name.startswith("<none>"))


def _config(raw: dict[str, Any]) -> ImageConfig:
    test = (raw.get("Healthcheck") or {}).get("Test") or ["NONE"]
    pairs = (entry.partition("=") for entry in raw.get("Env") or ())
    return ImageConfig(
        user=raw.get("User") or "",
        exposed=tuple(sorted(raw.get("ExposedPorts") or ())),
        healthcheck=test[0] != "NONE",
        environment={name: value for name, _, value in pairs},
        volumes=tuple(sorted(raw.get("Volumes") or ())),
    )


def engine_time(text: str) -> datetime:
    """Parse a time as the engine writes it, cut to microseconds; raise `ValueError` if it is not a time."""
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))


def _epoch(text: str) -> float:
    """Return a time of the engine in seconds since the epoch; 0 for an empty text."""
    return engine_time(text).timestamp() if text else 0.0
