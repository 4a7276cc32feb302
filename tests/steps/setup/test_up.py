"""up and down, as far as they can be tested without touching this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest
from msgspec.structs import replace

from seatrial.cli.flags import ImageFlags, OverwriteFlag, PortFlag
from seatrial.cli.playbook import Playbook
from seatrial.cli.session import How, carry_out
from seatrial.engine.model import ContainerSpec
from seatrial.errors import RegistryUnavailable
from seatrial.model.reference import ImageReference
from seatrial.pipeline.converge import converge
from seatrial.pipeline.outcome import Status
from seatrial.pipeline.state import StateFolder
from seatrial.pipeline.world import World
from seatrial.registry.model import Registry
from seatrial.settings.settings import Settings
from seatrial.steps.setup import engine as engine_module
from seatrial.steps.setup.base_image import BaseImage
from seatrial.steps.setup.local_registry import LocalRegistry
from tests.engine.memory.engine import MemoryEngine
from tests.steps.setup.messages import NoEngine


def _nobody(host: str) -> Registry:
    raise RegistryUnavailable(f"{host} cannot be reached", reason="no network in this test", hint="invoke up")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world with an empty engine and no registry."""
    engine = MemoryEngine()
    yield World(engine=engine, registry=_nobody, state=StateFolder(tmp_path / ".seatrial"))
    engine.close()


@pytest.fixture
def settings(tmp_path: Path, free_port: int) -> Settings:
    """Settings of an app with a base image, and a port on which no registry answers."""
    (tmp_path / "Dockerfile").write_text("ARG BASE_IMAGE=x\nFROM $BASE_IMAGE\n")
    app = {"base_images": ["example.test/python:1", "localhost/seatrial/python:1"]}
    return Settings.load({"project": "p", "local_registry_port": free_port, "apps": {"web": app}}, tmp_path)


@pytest.mark.parametrize(("root", "status"), [(True, Status.CHANGED), (False, Status.FAILED)])
def test_check_mode_on_a_bare_machine(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch, *, root: bool, status: Status
) -> None:
    """Without an engine check mode plans the whole demo if it may start one, and fails otherwise."""
    monkeypatch.setattr(engine_module, "may_install", lambda: root)
    bare = replace(world, engine=NoEngine())
    steps = Playbook(settings=settings).demo(ImageFlags(version="1"), PortFlag(), OverwriteFlag())

    report, _ = carry_out(How("demo", check=True), steps, bare, Mock())

    assert report.status is status
    assert report.exit_code == (0 if root else 3)
    if root:
        found = {outcome.step: outcome.status for outcome in report.outcomes}
        assert {step for step, one in found.items() if one is not Status.CHANGED} == {"preflight"}
        assert found["preflight"] is Status.OK
        assert [one.step for one in report.outcomes][3:] == ["preflight", "build", "smoke", "tag", "push", "run"]
    assert not world.state.folder.exists()


def test_a_base_image_that_cannot_be_pulled(world: World, settings: Settings) -> None:
    """If it can be neither pulled nor built, the last error is the outcome."""
    app = settings.app().but(base_images=settings.app().base_images[:1])
    outcome, _ = converge(BaseImage(target=app), world, check=False, emit=print)
    assert outcome.status is Status.FAILED
    assert isinstance(outcome.error, RegistryUnavailable)


def test_any_registry_will_do(world: World) -> None:
    """A registry that already answers on the port is ok."""
    engine = MemoryEngine(lambda path, _: (200 if path == "/v2/" else 404, b"{}"))
    image_id = engine.add("registry", ImageReference(repository="x/registry", tag="1"))
    made = engine.create(ContainerSpec(name="somebodys", image_id=image_id, port=5000), print)
    engine.start(made)
    found = engine.container(made)
    try:
        assert found
        outcome, _ = converge(LocalRegistry(port=found.ports[5000]), world, check=False, emit=print)
        assert outcome.status is Status.OK
    finally:
        engine.close()
