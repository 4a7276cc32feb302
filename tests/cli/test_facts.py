"""The image checks in the real commands smoke and push."""

from __future__ import annotations

import json
import re
import secrets
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.cli_project import Done, Project, failed

pytestmark = pytest.mark.engine

_DOCKERFILE = """\
FROM {base}
ARG VERSION
ENV VERSION=$VERSION PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY app.py /app.py
RUN find / -xdev -type f -perm /6000 -exec chmod a-s {{}} +
EXPOSE 5000
HEALTHCHECK CMD ["true"]
USER 10001:10001
CMD ["python3", "/app.py"]
"""


def _build_and_smoke(project: Project) -> Done:
    assert project.invoke("build", "--version", "1").code == 0
    return project.invoke("smoke", "--version", "1", "--json")


def settings(project: Project, *lines: str) -> None:
    """Add settings to the app's."""
    path = project.folder / "invoke.yaml"
    project.write()
    path.write_text(path.read_text() + "".join(f"      {line}\n" for line in lines))


def test_smoke_under_fail(project: Project) -> None:
    """With `fail`, an image that fails its image checks fails smoke and is not pushed; a fixed image passes."""
    settings(project, "image_facts: fail")

    done = _build_and_smoke(project)

    failed(done, "USER 10001:10001", "EXPOSE 5000", cause="image-facts")
    refused = project.invoke("push", "--version", "1", "--user", "demo", "--registry", "localhost:1", "--json")
    failed(refused, "invoke smoke --version 1")
    (project.folder / "Dockerfile").write_text(_DOCKERFILE.format(base=project.base))
    fixed = _build_and_smoke(project)
    assert fixed.code == 0, fixed.all
    assert "notes" not in fixed.document["steps"][0]
    (verdict,) = [
        json.loads(path.read_text())
        for path in (project.folder / ".seatrial" / "verdicts").glob("*.json")
        if '"passed": true' in path.read_text()
    ]
    assert re.search(r"\b9\b", verdict["summary"])


def test_a_verdict_without_facts_does_not_count_under_fail(project: Project) -> None:
    """A verdict given while image checks only warned does not count once they can fail; each gives a warning."""
    settings(project)
    done = _build_and_smoke(project)
    assert done.code == 0, done.all
    notes = done.document["steps"][0]["notes"]
    assert len([note for note in notes if re.search(r"\buser\b.*10001:10001", note)]) == 1
    assert all(note in done.err for note in notes)
    registry = ("--version", "1", "--user", "demo", "--registry", "localhost:1", "--check", "--json")
    assert project.invoke("push", *registry).code == 3, "only the registry is missing"

    settings(project, "image_facts: fail")

    failed(project.invoke("push", *registry), "invoke smoke --version 1")


def test_off_looks_at_nothing(project: Project) -> None:
    """`off`, which YAML reads as false, turns the image checks off."""
    settings(project, "image_facts: off")

    done = _build_and_smoke(project)

    assert done.code == 0, done.all
    assert "notes" not in done.document["steps"][0]
    assert not (project.folder / ".seatrial" / "facts").exists()


def test_an_app_that_writes_to_its_root(project: Project) -> None:
    """An app that fails because its root is read-only also fails that image check."""
    project.write(at_start="open('/state', 'w')")
    assert project.invoke("build", "--version", "1").code == 0

    failed(project.invoke("smoke", "--junit", "smoke.xml", "--json"), "/state", cause="read-only-root")

    cases = ET.parse(project.folder / "smoke.xml").getroot().iter("testcase")  # noqa: S314  our own file
    bad = {case.get("name"): case.findtext("failure") or "" for case in cases if case.find("failure") is not None}
    check, fact = bad
    assert check == "GET /"
    assert "read-only" in (fact or "")
    assert all("tmpfs" in text for text in bad.values())


@pytest.mark.parametrize("mode", ["warn", "fail"])
def test_secrets_are_named_and_never_shown(project: Project, mode: str) -> None:
    """The name of a secret in the image is shown; its value is in no output and in no file."""
    value = secrets.token_hex(12)
    settings(project, f"image_facts: {mode}", "image_facts_allowed: [user, port, healthcheck, setuid, labels]")
    dockerfile = project.folder / "Dockerfile"
    dockerfile.write_text(f"{dockerfile.read_text()}ENV API_TOKEN={value}\nLABEL registry.password={value}\n")
    assert project.invoke("build", "--version", "1").code == 0

    shown = [project.invoke("--debug", "smoke", "--version", "1"), project.invoke("smoke", "--json")]

    for done in shown:
        assert done.code == (0 if mode == "warn" else 1), done.all
        assert "API_TOKEN" in done.all
        assert "registry.password" in done.all
        assert value not in done.all
    state = [path.read_bytes() for path in (project.folder / ".seatrial").rglob("*") if path.is_file()]
    assert any(b"API_TOKEN" in note for note in state)
    assert all(value.encode() not in note for note in state)


def test_this_repositorys_app(project_name: str, python_image: str, repository: Path, tmp_path: Path) -> None:
    """The app of this repository passes the image checks that its settings ask for."""
    shutil.copytree(repository / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    own = (repository / "invoke.yaml").read_text()
    assert "image_facts: fail" in own
    own = own.replace("flask-no-docker", project_name).replace("univesp-github", project_name)
    (tmp_path / "invoke.yaml").write_text(own)
    project = Project(folder=tmp_path, name=project_name, base=python_image, port=0)
    assert project.invoke("build", "--version", "1", program="seatrial").code == 0

    done = project.invoke("smoke", "--json", program="seatrial")

    assert done.code == 0, done.all
    assert "notes" not in done.document["steps"][0]
    (verdict,) = (tmp_path / ".seatrial" / "verdicts").glob("*.json")
    assert re.search(r"\b8\b", json.loads(verdict.read_text())["summary"])
