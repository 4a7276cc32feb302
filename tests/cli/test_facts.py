"""The facts of an image through the real commands: what smoke and push make of them."""

from __future__ import annotations

import json
import secrets
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.cli_project import Project, failed

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


def settings(project: Project, *lines: str) -> None:
    """Add settings to the app's."""
    path = project.folder / "invoke.yaml"
    project.write()
    path.write_text(path.read_text() + "".join(f"      {line}\n" for line in lines))


def test_smoke_under_fail(project: Project) -> None:
    """Under `fail` an image with bad facts fails its smoke test; mended it passes, and only that verdict counts."""
    settings(project, "image_facts: fail")

    done = project.invoke("build", "--version", "1", "smoke", "--version", "1")

    failed(done, "facts of the image do not hold", "user: it runs as root", "USER 10001:10001", "EXPOSE 5000")
    refused = project.invoke("push", "--version", "1", "--user", "demo", "--registry", "localhost:1")
    failed(refused, "it has not passed its smoke test")
    (project.folder / "Dockerfile").write_text(_DOCKERFILE.format(base=project.base))
    mended = project.invoke("build", "--version", "1", "smoke", "--version", "1")
    assert mended.code == 0, mended.all
    assert "warning" not in mended.all
    (verdict,) = [
        json.loads(path.read_text())
        for path in (project.folder / ".seatrial" / "verdicts").glob("*.json")
        if '"passed": true' in path.read_text()
    ]
    assert verdict["summary"].endswith("9 image facts hold")


def test_a_verdict_without_facts_does_not_count_under_fail(project: Project) -> None:
    """What passed while facts only warned has not passed once they decide; the warning names each."""
    settings(project)
    assert project.invoke("build", "--version", "1").code == 0
    done = project.invoke("smoke", "--version", "1", "--json")
    assert done.code == 0, done.all
    fact = "image fact user (CIS 4.1, a user for the container): it runs as root; end"
    assert f"warning: {fact}" in done.err
    assert any(note.startswith(fact) for note in done.document["steps"][0]["notes"])
    registry = ("--version", "1", "--user", "demo", "--registry", "localhost:1", "--check")
    assert "it has not passed" not in project.invoke("push", *registry).all

    settings(project, "image_facts: fail")

    failed(project.invoke("push", *registry), "it has not passed its smoke test")


def test_off_looks_at_nothing(project: Project) -> None:
    """`off`, which YAML reads as false, is off."""
    settings(project, "image_facts: off")

    done = project.invoke("build", "--version", "1", "smoke", "--version", "1")

    assert done.code == 0, done.all
    assert "image fact" not in done.all
    assert not (project.folder / ".seatrial" / "facts").exists()


def test_an_app_that_writes_to_its_root(project: Project) -> None:
    """An app whose checks fail as its root is read-only fails that fact as well."""
    project.write(at_start="open('/state', 'w')")
    assert project.invoke("build", "--version", "1").code == 0

    failed(project.invoke("smoke", "--junit", "smoke.xml"), "'/state'")

    cases = ET.parse(project.folder / "smoke.xml").getroot().iter("testcase")  # noqa: S314  our own file
    bad = {case.get("name"): case.findtext("failure") or "" for case in cases if case.find("failure") is not None}
    assert list(bad) == ["GET /", "image fact read-only (CIS 5.13, a root file system that is read-only)"]
    assert all("tmpfs" in words for words in bad.values())


@pytest.mark.parametrize("mode", ["warn", "fail"])
def test_secrets_are_named_and_never_shown(project: Project, mode: str) -> None:
    """The name of a secret in the image is told, its value nowhere: on no screen, in no JSON, in no note."""
    value = secrets.token_hex(12)
    settings(project, f"image_facts: {mode}", "image_facts_allowed: [user, port, healthcheck, setuid, labels]")
    dockerfile = project.folder / "Dockerfile"
    dockerfile.write_text(f"{dockerfile.read_text()}ENV API_TOKEN={value}\nLABEL registry.password={value}\n")
    assert project.invoke("build", "--version", "1").code == 0

    shown = [project.invoke("--debug", "smoke", "--version", "1"), project.invoke("smoke", "--json")]

    for done in shown:
        assert done.code == (0 if mode == "warn" else 1), done.all
        assert "ENV API_TOKEN, LABEL registry.password" in done.all
        assert value not in done.all
    state = [path.read_bytes() for path in (project.folder / ".seatrial").rglob("*") if path.is_file()]
    assert any(b"API_TOKEN" in note for note in state)
    assert all(value.encode() not in note for note in state)


def test_this_repositorys_app(project_name: str, python_image: str, repository: Path, tmp_path: Path) -> None:
    """The app that is shipped here stands the facts that its settings ask for."""
    shutil.copytree(repository / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    own = (repository / "invoke.yaml").read_text()
    assert "image_facts: fail" in own
    own = own.replace("flask-no-docker", project_name).replace("univesp-github", project_name)
    (tmp_path / "invoke.yaml").write_text(own)
    project = Project(folder=tmp_path, name=project_name, base=python_image, port=0)
    assert project.invoke("build", "--version", "1", program="seatrial").code == 0

    done = project.invoke("smoke", program="seatrial")

    assert done.code == 0, done.all
    assert "image fact" not in done.all
    (verdict,) = (tmp_path / ".seatrial" / "verdicts").glob("*.json")
    assert "8 image facts hold" in json.loads(verdict.read_text())["summary"]
