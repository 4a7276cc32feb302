"""Mounts in the words of the Docker API, the same for containers and services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["volume_mounts"]


def volume_mounts(volumes: Mapping[str, str], labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the mounts of volumes; `volumes` maps paths to their names, and a new volume gets the labels."""
    return [
        {"Type": "volume", "Source": name, "Target": path, "VolumeOptions": {"Labels": dict(labels)}}
        for path, name in volumes.items()
    ]
