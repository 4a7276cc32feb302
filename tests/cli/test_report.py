"""The page about a release of a real image, during the run and later."""

from __future__ import annotations

import html
import re
from pathlib import Path

import docker
import pytest

from seatrial.wording import spaced_size
from tests.cli_project import Project, failed
from tests.git import git
from tests.servers.registries import TestRegistry

pytestmark = pytest.mark.engine


def _text(page: Path) -> str:
    """Return a page's text without its markup, in one line."""
    body = re.sub("<style>.*?</style>", "", page.read_text("utf-8"), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", body)).split())


def test_releases(project: Project, open_registry: TestRegistry, client: docker.DockerClient) -> None:
    """Pages name what engine and registry hold, what moved and changed; a failed release has one with its cause."""
    project.write()
    (project.folder / ".dockerignore").write_text(".git\n__pycache__\n.dockerignore\n")
    git(project.folder, "init", "--quiet")
    git(project.folder, "add", "--all")
    git(project.folder, "commit", "--quiet", "--message", "Say hello")
    release = ["release", "--user", "demo", "--registry", open_registry.host, "--report", "out/page.html", "--version"]
    page = project.folder / "out" / "page.html"
    assert project.invoke(*release, "1").code == 0
    project.write(page="hello <b>again</b>, hello")
    git(project.folder, "commit", "--quiet", "--all", "--message", "Say hello <script>again")
    done = project.invoke(*release, "2", "--json")

    image = client.images.get(f"{project.repository}:2")
    document, text = done.document, _text(page)
    assert done.code == 0, done.all
    assert str(open_registry.digest(project.published, "2")) in text
    assert f"Image size {spaced_size(image.attrs['Size'])}" in text
    shown = [layer["size"] for layer in document["image"]["layers"]]
    assert shown == [layer["Size"] for layer in reversed(image.history())]
    moved = {one["reference"].rpartition(":")[2]: one.get("version_before") for one in document["image"]["references"]}
    assert moved == {"2": None, "latest": "1"}
    changes = document["changes"]
    assert (changes["version"], changes["changed"], changes["removed"]) == ("1", ["file app.py"], [])
    assert [one["subject"] for one in changes["commits"]] == ["Say hello <script>again"]
    assert "Say hello <script>again" in text

    later = project.invoke("report", "--version", "2", "--output", "later.html")
    assert (later.code, page.read_bytes()) == (0, (project.folder / "later.html").read_bytes())

    project.write(page="good bye")
    failed(project.invoke(*release, "3", "--json"), cause="wrong-answer")
    assert "Release of web 3 failed" in _text(page)
    assert "wrong-answer" in _text(page)
    assert "good bye" in _text(page)


def test_nothing_was_released(project: Project) -> None:
    """Without a run that published, and for a file that cannot be written, report is wrong use and writes nothing."""
    failed_at = project.invoke("report")
    assert (failed_at.code, (project.folder / ".seatrial" / "report.html").exists()) == (2, False)
    assert project.invoke("report", "--output", "tasks.py/x.html").code == 2
