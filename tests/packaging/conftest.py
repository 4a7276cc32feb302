"""Archives and venvs that are made once for all packaging tests."""

from __future__ import annotations

import sys
import tarfile
from pathlib import Path

import pytest

from tests.packaging.distribution import ROOT, Python, run

_BUILD = "import sys; from flit_core import buildapi; print(getattr(buildapi, sys.argv[1])(sys.argv[2]))"


def _build(what: str, source: Path, target: Path) -> Path:
    done = run(sys.executable, "-c", _BUILD, what, target, cwd=source)
    assert done.returncode == 0, done.stderr
    return target / done.stdout.strip()


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source archive of this repository."""
    return _build("build_sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="session")
def unpacked(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked source archive."""
    target = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(target, filter="data")
    (folder,) = target.iterdir()
    return folder


@pytest.fixture(scope="session")
def wheel(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source archive alone."""
    return _build("build_wheel", unpacked, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def required(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Python:
    """A venv with requirements.txt installed, without Seatrial."""
    python = Python.make(tmp_path_factory.mktemp("required"))
    python.install("-r", unpacked / "requirements.txt")
    return python


@pytest.fixture(scope="session")
def installed(required: Python, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Python:
    """A venv with the wheel and its requirements."""
    python = Python.make(tmp_path_factory.mktemp("installed"), required)
    python.install("--no-index", wheel)
    return python
