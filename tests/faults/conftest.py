"""The project on which the real commands work."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli_project import Project, make_project


@pytest.fixture
def project(tmp_path: Path, project_name: str, python_image: str, free_port: int) -> Project:
    """A tiny web app in a folder, whose page says hello and its version."""
    folder = tmp_path / "project"
    folder.mkdir()
    return make_project(folder, name=project_name, base=python_image, port=free_port)
