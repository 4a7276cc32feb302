"""Fixtures for the tests of faults during a push."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli_project import Project
from tests.faults.publish_scenario import PublishScenario, watching
from tests.servers.registries import TestRegistry


@pytest.fixture
def scenario(project: Project, guarded_registry: TestRegistry, *, containerd_store: bool) -> Iterator[PublishScenario]:
    """A project with a small image for the guarded registry; no command may show the password."""
    if containerd_store:
        pytest.skip("containerd sends other requests and retries by other rules than these faults assume")
    ready = PublishScenario(project=project, registry=guarded_registry, page=project.name)
    ready.load()
    with watching(ready):
        yield ready
