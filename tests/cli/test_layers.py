"""Layers of real images: the engine's own numbers, and the bytes that pushes really move."""

from __future__ import annotations

import docker
import pytest

from seatrial.wording import spaced_size
from tests.cli_project import Project
from tests.servers.registries import TestRegistry

pytestmark = pytest.mark.engine


def test_two_versions(project: Project, open_registry: TestRegistry, client: docker.DockerClient) -> None:
    """Sizes are those of docker history, layers those of the images; an update moves what the push of it sent."""
    where = ["--user", "demo", "--registry", open_registry.host]
    project.write(run="RUN echo once > /once")
    assert project.invoke("release", *where, "--version", "1", "--untested").code == 0
    project.write(page="hello, hello", run="RUN echo once > /once")
    assert project.invoke("build", "--version", "2").code == 0

    before = project.invoke("layers", *where, "--json").document
    history = client.images.get(f"{project.repository}:2").history()
    assert [step["size"] for step in before["steps"]] == [step["Size"] for step in reversed(history)]
    layers = {one: client.images.get(f"{project.repository}:{one}").attrs["RootFS"]["Layers"] for one in "12"}
    assert [step["layer"] for step in before["steps"] if step["layer"]] == layers["2"]
    shared = [step["layer"] for step in before["steps"] if step["state"] == "shared"]
    assert shared == [one for one, other in zip(layers["2"], layers["1"], strict=True) if one == other]
    assert before["against"]["name"] == f"{project.repository}:1"
    assert before["reuse"]["instruction"].startswith("RUN echo once")  # ARG VERSION stands before it
    assert "ARG VERSION" in before["reuse"]["hint"]
    assert before["traffic"]["push_layers"] == len(layers["2"]) - len(shared)

    pushed = project.invoke("release", *where, "--version", "2", "--untested", "--json").document
    sent = sum(step.get("sent_bytes", 0) for step in pushed["steps"])
    after = project.invoke("layers", *where, "--version", "2", "--against", "1", "--json").document
    assert after["traffic"]["published"]
    assert after["traffic"]["push_bytes"] == 0
    assert after["traffic"]["update_bytes"] == sent
    assert sent > 0

    together = project.invoke("layers", "--all", "--app", "web", "--json").document
    sizes = {
        one: sum(step["Size"] for step in client.images.get(f"{project.repository}:{one}").history()) for one in "12"
    }
    assert together["total_bytes"] == sum(sizes.values())
    assert together["saved_bytes"] == before["shared_bytes"]

    page = project.invoke("layers", "--output", "out/layers.html")
    assert page.code == 0, page.all
    shown = (project.folder / "out" / "layers.html").read_text("utf-8")
    assert all(f'<td class="number">{spaced_size(step["Size"])}</td>' in shown for step in history if step["Size"])
    client.images.remove(f"{project.repository}:1")
    client.images.remove(f"{open_registry.host}/{project.published}:1")
    gone = project.invoke("layers", *where, "--version", "2", "--against", "1", "--json").document
    assert gone["against"]["id"] is None
    assert [step["state"] for step in gone["steps"]] == [step["state"] for step in after["steps"]]
    missing = project.invoke("layers", "--version", "9", "--json")
    assert (missing.code, missing.error["hint"]) == (1, "invoke build --version 9")
    assert project.invoke("layers", "--against", "no such").code == 2
