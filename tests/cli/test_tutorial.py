"""The tutorial: its languages have the same commands, and a student who types them gets what it promises."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import docker
import pytest
import requests

from tests.servers.registries import TestRegistry
from tests.waiting import answers, wait_until

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"`([\w/]+\.\w+)`")
_NAME, _USER, _BASE = "app-flask-teste", "sposigor", "python:3.13-slim"


@dataclass(frozen=True)
class Block:
    """What stands between two fences: its language, the file that the text before it named last, and its lines."""

    kind: str
    file: str
    text: str


def _blocks(language: str) -> list[Block]:
    page = (ROOT / f"docs/tutorial{language}.md").read_text("utf-8")
    found = _BLOCK.finditer(page)
    return [Block(one[1], ["", *_FILE.findall(page[: one.start()])][-1], one[2]) for one in found]


def _commands(block: Block) -> Iterator[tuple[str, str]]:
    """Yield each command and its comment."""
    for line in block.text.splitlines():
        command, _, comment = line.partition("#")
        yield command.strip(), comment.strip()


def test_the_languages_say_the_same() -> None:
    """The Portuguese page has the English one's commands, files and outputs; sentences and comments are its own."""
    english, portuguese = (
        [
            (block.kind, block.file, [command for command, _ in _commands(block)] if block.kind == "sh" else block.text)
            for block in _blocks(language)
        ]
        for language in ("", ".pt-BR")
    )
    assert portuguese == english


def test_the_dockerfile_is_the_apps() -> None:
    """All lines of the app's Dockerfile are explained, in their order."""
    lines = (ROOT / "app/Dockerfile").read_text("utf-8").splitlines()
    explained = "".join(block.text for block in _blocks("") if block.kind == "dockerfile")
    assert explained.splitlines() == [line for line in lines if line and not line.startswith("#")]


@dataclass(frozen=True, kw_only=True)
class Student:
    """Somebody who works through the tutorial, with names and a registry of the test's own."""

    name: str
    registry: TestRegistry
    port: int
    environment: Mapping[str, str]

    @property
    def base(self) -> str:
        """The base image, in the registry."""
        return f"{self.registry.host}/{self.registry.user}/{self.name}/{_BASE}"

    def own(self, command: str) -> str:
        """Return a command with the test's own names."""
        for old, new in {
            "docker run": f"docker run --label seatrial.test={self.name}",
            "docker build": f"docker build --label seatrial.test={self.name}",
            f"docker login -u {_USER}": f"docker login -u {self.registry.user} {self.registry.host}",
            "docker logout": f"docker logout {self.registry.host}",
            "invoke run": f"invoke run --port {self.port}",
            "5000:5000": f"{self.port}:5000",
            _BASE: self.base,
            f"{_USER}/": f"{self.registry.host}/{self.registry.user}/",
            _USER: str(self.registry.user),
            _NAME: self.name,
            "my-first": f"{self.name}-first",
        }.items():
            command = command.replace(old, new)
        return command

    def type(self, command: str, folder: Path) -> tuple[int, str]:
        """Run a command at a terminal, and type the password if it asks for one; return exit code and output."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            ["bash", "-c", self.own(command)],
            cwd=folder,
            env={**os.environ, **self.environment},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        output = b""
        with suppress(OSError):  # how Linux says that nobody has the terminal open any more
            while more := os.read(ours, 65536):
                output += more
                if output.lower().endswith((b"password: ", f"{self.registry.host}: ".encode())):
                    os.write(ours, f"{self.registry.password}\n".encode())
        code = process.wait()
        os.close(ours)
        return code, output.decode().replace("\r\n", "\n")


@pytest.fixture
def student(
    client: docker.DockerClient,
    docker_cli: Mapping[str, str],
    guarded_registry: TestRegistry,
    project_name: str,
    python_image: str,
    free_port: int,
) -> Iterator[Student]:
    """A student, whose registry has the base image; what the docker commands made is removed in the end."""
    environment = {
        **docker_cli,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{docker_cli.get('PATH', os.environ['PATH'])}",
        "DOCKER_BUILDKIT": "1",
        "INVOKE_SEATRIAL_REGISTRY": guarded_registry.host,
        **{f"GIT_{who}_{what}": "t@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    found = Student(name=project_name, registry=guarded_registry, port=free_port, environment=environment)
    client.images.get(python_image).tag(found.base)
    for command in (f"docker login -u {_USER}", f"docker push {_BASE}", f"docker image rm {_BASE}"):
        code, output = found.type(command, ROOT)
        assert code == 0, output
    yield found
    made = {"label": f"seatrial.test={project_name}"}
    for container in client.containers.list(all=True, filters=made):
        container.remove(force=True)
    for image in client.images.list(filters=made):
        client.images.remove(image.id, force=True)
    if client.images.list(found.base):
        client.images.remove(found.base)


@pytest.mark.engine
@pytest.mark.container
@pytest.mark.slow
def test_a_student_follows_it(student: Student, client: docker.DockerClient, tmp_path: Path) -> None:
    """Every command works in its order; in the end two versions are published, and `latest` is the first again."""
    shutil.copytree(ROOT / "app", tmp_path / "seatrial/app")
    recipe = tmp_path / "seatrial/app/Dockerfile"
    recipe.write_text(recipe.read_text().replace(_BASE, student.base))
    folder = tmp_path
    printed = ""

    for block in _blocks(""):
        if block.kind in ("python", "html"):
            (folder / block.file).write_text(block.text)
        elif block.kind == "diff":
            old, new = (line[1:] for line in block.text.splitlines())
            text = (folder / block.file).read_text()
            assert text.count(old) == 1, f"{old!r} is not in {block.file}: {text}"
            (folder / block.file).write_text(text.replace(old, new))
        for command, comment in _commands(block) if block.kind == "sh" else ():
            if command.startswith("cd "):
                folder /= student.own(command.removeprefix("cd "))
                continue
            code, output = student.type(command, folder)
            assert code == (1 if comment.startswith("fails") else 0), f"{command}: {code}\n{output}"
            printed += output
            if re.search("docker run -d|invoke run", command):
                url = f"http://localhost:{student.port}"
                wait_until(partial(answers, url))
                assert requests.get(url, timeout=10).text == (folder / "templates/index.html").read_text().rstrip()

    assert "A /note.txt\n" in printed
    assert "False\n" in printed, "a new container does not have the file of the one before"
    repository = f"{student.registry.user}/{student.name}"
    assert student.registry.tags(repository) == ["1", "2", "latest"]
    digests = [student.registry.digest(repository, tag) for tag in ("1", "2", "latest")]
    assert digests[0] == digests[2] != digests[1]
    assert not client.images.list(f"{student.registry.host}/{repository}")
