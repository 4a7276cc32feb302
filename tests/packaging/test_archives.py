"""The wheel holds only the package; the source archive holds the whole repository."""

from __future__ import annotations

import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

import seatrial
from tests.packaging.distribution import ROOT


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    """The metadata of the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return message_from_bytes(archive.read(f"seatrial-{seatrial.__version__}.dist-info/METADATA"))


def test_wheel(wheel: Path) -> None:
    """The wheel is for any Python 3, and holds only the package and its metadata."""
    assert wheel.name == f"seatrial-{seatrial.__version__}-py3-none-any.whl"
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"seatrial", f"seatrial-{seatrial.__version__}.dist-info"}
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "seatrial").rglob("*.py")}
    templates = {path.relative_to(ROOT).as_posix() for path in (ROOT / "seatrial").rglob("*.j2")}
    assert templates
    assert modules | templates | {"seatrial/py.typed"} <= set(names)


def test_sdist(sdist: Path) -> None:
    """The source archive holds README, documents, tests and chores, without caches, .git and .venv."""
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "inv", "invoke.yaml", "tasks.py"]
    wanted += ["Dockerfile", "requirements.txt", "requirements-dev.txt", "app/app.py", "bench/build.py"]
    wanted += [path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")]
    wanted += [path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py")]
    assert set(wanted) <= names
    assert not [name for name in names if "__pycache__" in name or "/.venv" in f"/{name}" or name.startswith(".git")]


def test_metadata(metadata: Message) -> None:
    """An index shows the README; extras are for users, the needs of tests and builds are dependency groups."""
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert str(metadata.get_payload()).startswith("# Seatrial\n")
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata.get_all("Provides-Extra") == ["browser"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    always = [one for one in metadata.get_all("Requires-Dist", []) if "extra ==" not in one]
    assert always == project["project"]["dependencies"]
    assert {"build", "test"} <= set(project["dependency-groups"])
