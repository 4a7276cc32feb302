"""Broken apps, and ports and names that are in use."""

from __future__ import annotations

import pytest

from tests.cli_project import Project, failed
from tests.servers.registries import TestRegistry

pytestmark = [pytest.mark.engine, pytest.mark.container, pytest.mark.alone]


def test_an_image_that_failed_is_not_pushed(project: Project, open_registry: TestRegistry) -> None:
    """A release stops at the smoke test, and push alone refuses the image, too."""
    project.write(page="goodbye")
    where = ("--user", "demo", "--registry", open_registry.host)

    done = project.invoke("release", "--version", "1", *where, "--json")

    failed(done, cause="wrong-answer")
    assert (done.statuses["smoke"], done.statuses["tag"], done.statuses["push"]) == ("failed", "skipped", "skipped")
    assert project.invoke("tag", *where).code == 0
    failed(project.invoke("push", *where, "--json"), "invoke smoke")
    assert open_registry.tags(project.published) == []
