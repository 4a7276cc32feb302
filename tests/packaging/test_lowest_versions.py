"""The lowest versions that pyproject.toml allows work."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path

import pytest

from tests.packaging.distribution import ROOT, run

# Rooms that between them use each dependency.
_ROOMS = ("engine", "output", "registry", "settings")
_VERSIONS = "import json, sys; from importlib.metadata import version; print(json.dumps([*map(version, sys.argv[1:])]))"


@pytest.fixture(scope="module")
def lowest() -> dict[str, str]:
    """The lowest version of each dependency by its name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    bounds = [re.fullmatch(r"([a-z0-9-]+)>=([0-9.]+)", one) for one in project["dependencies"]]
    assert all(bounds), "a dependency has no lowest version"
    return {bound[1]: bound[2] for bound in bounds if bound}


@pytest.mark.engine
@pytest.mark.slow
def test_unit_tests_on_the_lowest_versions(lowest: dict[str, str], tmp_path: Path) -> None:
    """The unit tests pass on the lowest versions and their dependencies; pytest is the one that runs this test."""
    pins = [f"{name}=={version}" for name, version in lowest.items()]
    uv = (Path(sys.executable).with_name("uv"), "pip", "install", "--quiet", "--no-config", "--system-certs")
    installed = run(*uv, "--target", tmp_path, *pins, cwd=ROOT, timeout=300)
    assert installed.returncode == 0, installed.stderr
    found = run(sys.executable, "-c", _VERSIONS, *lowest, cwd=ROOT, PYTHONPATH=str(tmp_path))
    for version, (name, wanted) in zip(json.loads(found.stdout), lowest.items(), strict=True):
        assert re.fullmatch(rf"{re.escape(wanted)}(\.0)*", version), f"{name} is at {version}"

    rooms = [f"tests/{room}" for room in _ROOMS]
    # An older msgspec writes the same schema in another order.
    kinds = ("-m", "not engine and not browser and not alone", "-k", "not schema_is_current")
    pytest_words = (sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *kinds, *rooms)
    tested = run(*pytest_words, cwd=ROOT, timeout=240, PYTHONPATH=str(tmp_path))

    assert tested.returncode == 0, tested.stdout[-5000:]
    assert int(tested.stdout.rpartition(" passed")[0].split()[-1]) > 400
