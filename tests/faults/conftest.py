"""What the tests of faults on the way to a registry start from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli_project import Project
from tests.faults.publish_scenario import PublishScenario, watching
from tests.servers.registries import TestRegistry


@pytest.fixture
def scenario(project: Project, guarded_registry: TestRegistry, *, containerd_store: bool) -> Iterator[PublishScenario]:
    """A small image for the guarded registry; no command may show the password, wherever it goes wrong."""
    if containerd_store:
        pytest.skip("containerd pushes by other requests and retries by other rules than these faults are made for")
    ready = PublishScenario(project=project, registry=guarded_registry, page=project.name)
    ready.load()
    with watching(ready):
        yield ready
