"""The scripts of up and down, with a registry and a base image of the test's own; the engine goes on."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Any

import docker
import pytest
from docker.errors import NotFound

from seatrial.model.reference import ImageReference
from seatrial.output.shell import script
from seatrial.pipeline.explanation import explain
from seatrial.pipeline.step import Step
from seatrial.steps.setup.base_image import BaseImage
from seatrial.steps.setup.engine import EngineRunning, EngineStopped
from seatrial.steps.setup.local_registry import LocalRegistry, LocalRegistryStopped
from tests.steps.scenario import ONLY_DOCKER, StepScenario
from tests.waiting import answers


@ONLY_DOCKER
def test_up_and_down(scenario: StepScenario, client: docker.DockerClient) -> None:
    """They make and remove what the tasks do, and leave what is there, and what has the name but is another's."""
    name, port = scenario.app.project, scenario.app.host_port
    scenario.backend.publish(f"{name}/base", "1")
    base = f"{scenario.backend.host}/{name}/base:1"
    app = scenario.app.but(base_images=(ImageReference.parse(base),))
    up = (EngineRunning(), BaseImage(target=app), LocalRegistry(port=port, container=name))
    down = (LocalRegistryStopped(volumes=True, container=name), EngineStopped())

    def by_script(steps: Sequence[Step]) -> None:
        text = script(explain(steps, scenario.world), call="invoke up", root=app.context)
        subprocess.run(["sh"], input=text, text=True, check=True, capture_output=True)

    def registry() -> dict[str, Any]:
        assert answers(f"http://localhost:{port}/v2/")
        found = client.api.inspect_container(name)
        for differs in ("Hostname", "Image"):
            found["Config"].pop(differs)
        found["HostConfig"] = {key: value for key, value in found["HostConfig"].items() if value}
        found["HostConfig"]["Mounts"][0]["VolumeOptions"].pop("DriverConfig", None)
        return {key: found[key] for key in ("Config", "HostConfig", "Image", "Name")}

    def nothing() -> bool:
        with pytest.raises(NotFound):
            client.api.inspect_container(name)
        with pytest.raises(NotFound):
            client.volumes.get(name)
        return not client.images.list(base)

    scenario.prepare(*up)
    by_task, image = registry(), client.images.get(base).id
    scenario.prepare(*down)
    client.images.remove(base)
    assert nothing()

    by_script(up)

    assert client.images.get(base).id == image
    assert registry() == by_task
    started = client.containers.get(name).id
    by_script(up)
    assert client.containers.get(name).id == started
    by_script(down)
    client.images.remove(base)
    assert nothing()

    other = client.api.create_container(scenario.backend.base, name=name, labels={"seatrial.test": name})["Id"]
    by_script(down)
    assert client.containers.get(name).id == other
