"""The real builder takes the same files of a context as our reader of `.dockerignore`."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from seatrial.errors import SeatrialError
from seatrial.sources.dockerignore import IgnoreRules, find_ignore_file
from tests.servers.second_engine import plug_in_buildx

pytestmark = pytest.mark.engine

_FILES = (
    *("README.md", "README-secret.md", "app.py", "a^b", "!odd", "x y", "café", "docs/guide.md"),
    *("docs/build/index.html", "docs/build/keep.txt", "src/__pycache__/m.pyc", "src/deep/__pycache__/n.pyc"),
    *("src/deep/m.py", "src/m.py", "node_modules/p/index.js", "node_modules/p/LICENSE.md"),
)
_NOT_OURS = {".dockerenv", "dev", "etc", "proc", "sys"}  # what the engine adds to every container
_TAKEN = {"Dockerfile", ".dockerignore"}  # the test's own


def _included(text: bytes) -> set[str]:
    rules = IgnoreRules.parse(text)
    return {name for name in _FILES if not rules.excludes(name)}


def _run(config: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "DOCKER_CONFIG": str(config)}
    return subprocess.run(["docker", *words], capture_output=True, env=environment, check=False, timeout=120)


@pytest.fixture(scope="module")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Return a function that runs the docker CLI with buildx; the classic builder ignores some exceptions."""
    config = tmp_path_factory.mktemp("config")
    try:
        plug_in_buildx(config)
    except SeatrialError as error:
        pytest.skip(f"no docker buildx: {error}")
    return partial(_run, config)


@pytest.fixture
def image(docker: Callable[..., subprocess.CompletedProcess[bytes]]) -> Iterator[str]:
    """Yield a unique name; the container and image of that name are removed afterwards."""
    name = f"seatrial-test-{uuid.uuid4().hex}"
    yield name
    docker("rm", "--force", name)
    docker("rmi", "--force", name)


@pytest.fixture
def taken(
    docker: Callable[..., subprocess.CompletedProcess[bytes]], tmp_path: Path, image: str
) -> Callable[[bytes, str], set[str]]:
    """Return a function that writes an ignore file into a context and returns the files the builder takes."""
    for name in _FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "Dockerfile").write_text('FROM scratch\nCOPY . /\nCMD ["x"]\n')

    def build(text: bytes, ignore_file: str) -> set[str]:
        (tmp_path / ignore_file).write_bytes(text)
        built = docker("build", "--label", "seatrial.test=oracle", "--tag", image, str(tmp_path))
        assert built.returncode == 0, built.stderr
        created = docker("create", "--label", "seatrial.test=oracle", "--name", image, image)
        assert created.returncode == 0, created.stderr
        with tarfile.open(fileobj=io.BytesIO(docker("export", image).stdout)) as archive:
            names = [member.name for member in archive if not member.isdir()]
        return {name for name in names if name.split("/")[0] not in _NOT_OURS and name not in _TAKEN}

    return build


@pytest.mark.parametrize(
    "text",
    [
        b"*.md\n!README*.md\nREADME-secret.md\n",
        b"\xef\xbb\xbf# all\r\n**/__pycache__\r\n /node_modules/ \r\n",
        b"*\n!src\nsrc/**/*.pyc\n!docs/build/keep.txt\n",
        b"[a-c]*\n\\!odd\nsrc/[^_]*\n",
        b"src[^x]m.py\n*^b\n",
        b"*\n!**/m.py\nsrc/m.*\n",
    ],
)
def test_the_builder_takes_the_files_we_would_send(text: bytes, taken: Callable[[bytes, str], set[str]]) -> None:
    """For each ignore file, our list of files equals the builder's."""
    assert taken(text, ".dockerignore") == _included(text)


def test_the_builder_reads_the_same_ignore_file(taken: Callable[[bytes, str], set[str]], tmp_path: Path) -> None:
    """An ignore file beside the Dockerfile, even an empty one, replaces the context's."""
    (tmp_path / ".dockerignore").write_bytes(b"src\n")
    own = taken(b"", "Dockerfile.dockerignore")
    assert own - {"Dockerfile.dockerignore"} == set(_FILES)
    assert find_ignore_file(tmp_path, tmp_path / "Dockerfile") == tmp_path / "Dockerfile.dockerignore"
