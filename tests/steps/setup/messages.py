"""What `up` and `down` say."""

from __future__ import annotations

from unittest.mock import patch

from msgspec.structs import replace

from seatrial.engine.model import EngineInfo
from seatrial.errors import EngineUnavailable
from seatrial.model.reference import OWN_REGISTRY, ImageReference
from seatrial.pipeline.converge import converge
from seatrial.pipeline.outcome import Outcome
from seatrial.steps.setup.base_image import BaseImage
from seatrial.steps.setup.engine import EngineRunning, EngineStopped
from seatrial.steps.setup.local_registry import LocalRegistry, LocalRegistryStopped
from tests.engine.memory.engine import MemoryEngine
from tests.steps.message_rows import check, foreign, real, row
from tests.steps.scenario import StepScenario

__all__ = ["ROWS", "NoEngine"]

_DOWN = "no Docker Engine answers"


class NoEngine(MemoryEngine):
    """An engine that does not answer."""

    url = "unix:///var/run/docker.sock"

    @property
    def endpoint(self) -> str:
        """Return its URL."""
        return self.url

    def info(self) -> EngineInfo:
        """Raise the error."""
        raise EngineUnavailable(_DOWN, reason="no such socket", hint="")


def _without_engine(scenario: StepScenario, *, root: bool = False, url: str = NoEngine.url) -> Outcome:
    """Plan `up` without an engine."""
    engine = NoEngine()
    engine.url = url
    with patch("seatrial.steps.setup.engine.may_install", lambda: root):
        return converge(EngineRunning(), replace(scenario.world, engine=engine), check=True, emit=lambda _: None)[0]


def _base(scenario: StepScenario) -> BaseImage:
    bases = (
        ImageReference.parse("python:3"),
        ImageReference(registry=OWN_REGISTRY, repository="seatrial/python", tag="3"),
    )
    return BaseImage(target=scenario.app.but(base_images=bases))


ROWS = (
    row("engine", lambda s: real(s, EngineRunning()), "Docker 0 answers at memory:"),
    row(
        "would start engine",
        lambda s: _without_engine(s, root=True),
        "would start dockerd at unix:///var/run/docker.sock",
    ),
    row(
        "no engine",
        _without_engine,
        _DOWN,
        "no such socket",
        "install and start Docker (https://docs.docker.com/engine/install/), then: invoke up",
    ),
    row(
        "engine elsewhere",
        lambda s: _without_engine(s, url="tcp://192.0.2.1:2375"),
        _DOWN,
        "no such socket",
        "start the engine there, or unset DOCKER_HOST, then: invoke up",
    ),
    row("no engine to stop", lambda s: real(s, EngineStopped()), "no engine that up started is running"),
    row(
        "would get a base image",
        lambda s: check(s, _base(s)),
        f"would get a base image: python:3 or {OWN_REGISTRY}/seatrial/python:3",
    ),
    row("base image", lambda s: real(foreign(s, "python:3"), _base(s)), "base image python:3 is ready"),
    row(
        "would start registry",
        lambda s: check(s, LocalRegistry(port=s.app.host_port)),
        "would start a registry at localhost:PORT",
    ),
    row("no registry to stop", lambda s: real(s, LocalRegistryStopped()), "no registry that up started is running"),
)
