"""The backends of step tests: an engine and a registry, read and changed without Seatrial's own code."""

from __future__ import annotations

from tests.steps.docker_backend import DockerBackend
from tests.steps.memory_backend import MemoryBackend

__all__ = ["Backend"]

Backend = MemoryBackend | DockerBackend
"""An engine and a registry. Lists contain only what has the project's name or label."""
