"""An empty engine, which check mode shows to later steps if no engine runs yet."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import cast

from seatrial.engine.model import Container, EngineInfo, Image
from seatrial.engine.protocol import Engine
from seatrial.model.app import BuildOptions
from seatrial.model.platforms import normal_platform

__all__ = ["planned_engine"]


class _PlannedEngine:
    """Only the methods that a `plan` calls, since check mode changes nothing."""

    published_host = "127.0.0.1"

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    @property
    def swarm(self) -> _PlannedEngine:
        return self

    def is_manager(self) -> bool:
        return False

    def info(self) -> EngineInfo:
        return EngineInfo(endpoint=self.endpoint, version="(not started yet)", api="")

    def platform(self) -> str:
        return normal_platform(f"linux/{platform.machine()}")

    def builder(self, options: BuildOptions) -> str:  # noqa: ARG002  an engine's signature
        return "BuildKit"

    def image(self, name_or_id: str) -> Image | None:  # noqa: ARG002  the same
        return None

    def images(self, labels: Mapping[str, str] | None = None) -> list[Image]:  # noqa: ARG002  the same
        return []

    def volume(self, name: str) -> None:  # noqa: ARG002  the same
        return None

    def container(self, name: str) -> Container | None:  # noqa: ARG002  the same
        return None

    def containers(self, labels: Mapping[str, str]) -> list[Container]:  # noqa: ARG002  the same
        return []


def planned_engine(endpoint: str) -> Engine:
    """Return an engine without images and containers, which can only be looked at."""
    return cast("Engine", _PlannedEngine(endpoint))
