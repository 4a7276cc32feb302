"""The classic builder of engines without BuildKit, used here on engines that have both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from seatrial.engine.builders import build as building
from seatrial.engine.docker.engine import DockerEngine
from seatrial.engine.model import BuildRequest
from seatrial.errors import BuildFailed
from seatrial.events import BuildEvent, Event
from seatrial.model.app import BUILDER_LABEL, BuildOptions
from seatrial.model.reference import ImageReference
from seatrial.sources.context import Context

pytestmark = pytest.mark.engine


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[DockerEngine]:
    """An engine that is treated as one without BuildKit."""
    monkeypatch.setattr(building, "_FIRST_API_WITH_BUILDKIT", (99, 0))
    engine = DockerEngine()
    yield engine
    engine.close()


def _request(folder: Path, project: str, base: str, *lines: str) -> BuildRequest:
    folder.mkdir(exist_ok=True)
    (folder / "page").write_text("hello")
    owned = f"LABEL seatrial.project={project}"  # first, so that intermediate images have it, too
    (folder / "Dockerfile").write_text("\n".join((f"FROM {base}", owned, *lines)) + "\n")
    return BuildRequest(
        reference=ImageReference(repository=f"{project}/classic", tag="1"),
        context=Context.read(folder, folder / "Dockerfile"),
        dockerfile=folder / "Dockerfile",
        content=(folder / "Dockerfile").read_bytes(),
        options=BuildOptions(arguments={"VERSION": "1"}),
        labels={"seatrial.project": project},
    )


def test_it_builds(
    engine: DockerEngine, client: docker.DockerClient, project_name: str, python_image: str, tmp_path: Path
) -> None:
    """The image has its files and labels, one of which names the builder; the steps are reported."""
    events: list[Event] = []
    request = _request(tmp_path / "a", project_name, python_image, "ARG VERSION", "COPY page /page", "RUN cat /page")

    image_id = engine.build(request, events.append)

    image = client.images.get(f"{project_name}/classic:1")
    assert image.id == image_id
    assert image.labels.items() >= request.labels.items()
    assert image.labels[BUILDER_LABEL].startswith("classic builder")
    steps = [event.name for event in events if isinstance(event, BuildEvent)]
    assert any("COPY page /page" in step for step in steps)


def test_it_fails(
    engine: DockerEngine, client: docker.DockerClient, project_name: str, python_image: str, tmp_path: Path
) -> None:
    """A failing step is reported with its line and its last output, and no container is left."""
    request = _request(tmp_path / "a", project_name, python_image, f"RUN echo the step of {project_name} broke; exit 7")

    with pytest.raises(BuildFailed, match=r"Dockerfile:3 Step 3/\d+ : RUN echo") as caught:
        engine.build(request, lambda _: None)

    assert f"the step of {project_name} broke" in caught.value.details
    assert "code: 7" in caught.value.reason
    assert not client.images.list(f"{project_name}/classic")
    assert not [one for one in client.api.containers(all=True) if project_name in one["Command"]]
