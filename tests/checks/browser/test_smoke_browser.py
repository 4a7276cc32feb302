"""`smoke --browser` with the real engine and a real Chromium."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from xml.etree import ElementTree as ET

import docker
import pytest
import yaml

from tests.checks.browser.conftest import left_in
from tests.cli_project import Project, failed
from tests.servers.local_server import Reply, serve
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.container, pytest.mark.usefixtures("chromium")]


def test_this_repositorys_app(repository: Path, project: Project) -> None:
    """This repository's app passes, although it had a verdict without a visit; its screenshot is kept."""
    shutil.copytree(repository / "app", project.folder / "app", ignore=shutil.ignore_patterns("__pycache__"))
    settings = yaml.safe_load((repository / "invoke.yaml").read_text())
    assert settings["seatrial"]["apps"]["web"]["image_facts"] == "fail"
    settings["seatrial"]["project"] = project.name
    settings["seatrial"]["apps"]["web"] |= {"repository": f"{project.name}/page", "base_images": [project.base]}
    (project.folder / "invoke.yaml").write_text(yaml.safe_dump(settings))
    assert project.invoke("build", "--version", "1", "smoke").code == 0
    shots = project.folder / ".seatrial/screenshots"
    foretold = project.invoke("smoke", "--browser", "--check", "--json").document
    assert not shots.exists()

    done = project.invoke("smoke", "--browser", "--json")

    assert done.code == 0, done.all
    document = done.document
    assert foretold["steps"][0]["reason"] == document["steps"][0]["reason"]
    assert (foretold["status"], document["status"]) == ("changed", "changed")
    picture = shots / f"{document['image']['id'].removeprefix('sha256:')[:12]}.png"
    assert document["screenshot"] == str(picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert f"screenshot: {picture}" in done.err
    (stored,) = (project.folder / ".seatrial/verdicts").glob(f"{picture.stem}*.json")
    verdict = json.loads(stored.read_text())
    assert (verdict["passed"], verdict["visited"], verdict["screenshot"]) == (True, True, str(picture))
    assert project.invoke("smoke", "--browser", "--check", "--json").statuses == {"smoke": "ok"}
    assert project.invoke("smoke", "--check", "--json").statuses == {"smoke": "ok"}


def test_a_page_that_is_broken_for_people_only(project: Project) -> None:
    """A page that passes its checks but throws in a browser fails, with the error, its place, and a screenshot."""
    project.write(page="<script>throw new Error('broken')</script>hello")
    app = project.folder / "app.py"
    app.write_text(
        app.read_text().replace("self.end_headers", "self.send_header('Content-Type', 'text/html'); self.end_headers")
    )
    assert project.invoke("build", "--version", "1", "smoke").code == 0

    done = project.invoke("smoke", "--browser", "--junit", "smoke.xml")

    failed(done, "Uncaught Error: broken (/:1)", "screenshot: ")
    cases = ET.parse(project.folder / "smoke.xml").getroot().iter("testcase")  # noqa: S314  our own file
    assert [case.get("name") for case in cases if case.find("failure") is not None] == ["browser /"]
    (picture,) = (project.folder / ".seatrial/screenshots").iterdir()
    assert picture.read_bytes().startswith(b"\x89PNG")
    (stored,) = (project.folder / ".seatrial/verdicts").glob(f"{picture.stem}*.json")
    verdict = json.loads(stored.read_text())
    assert (verdict["passed"], verdict["visited"], verdict["screenshot"]) == (False, True, str(picture))


def test_an_app_that_dies_of_its_visitor(project: Project) -> None:
    """If an app ends during a browser's visit, its exit code is reported, not that the page does not load."""
    project.write(at_request="'Mozilla' in self.headers['User-Agent'] and os._exit(7)")
    assert project.invoke("build", "--version", "1", "smoke").code == 0

    failed(project.invoke("smoke", "--browser"), "exit code 7")


def test_what_is_deployed(project: Project) -> None:
    """With --url the browser opens the deployed app below its path, and the screenshot is named after the URL."""
    head = {"Content-Type": "text/html"}
    good = Reply(body=b"<title>Shop</title>hello 1", headers=head)
    bad = Reply(body=b"<script>console.error('sold out')</script>hello 1", headers=head)
    with serve(lambda asked: bad if asked.path.startswith("/bad/") else good) as served:
        url = f"http://{served.host}"
        done = project.invoke("smoke", "--browser", "--version", "1", "--url", f"{url}/shop", "--json")
        wrong = project.invoke("smoke", "--browser", "--version", "1", "--url", f"{url}/bad")

    assert done.code == 0, done.all
    picture = project.folder / f".seatrial/screenshots/http-127.0.0.1-{served.port}-shop.png"
    assert done.document["screenshot"] == str(picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    failed(wrong, "console.error: sold out (/bad/:1)", f"invoke smoke --browser --url {url}/bad --version 1")


def test_a_signal_during_a_visit(project: Project, profiles: Path, client: docker.DockerClient) -> None:
    """A signal during a visit ends the browser and the container, and the report is still printed."""
    asked = "'Mozilla' in self.headers['User-Agent'] and (print('visited'), time.sleep(600))"
    project.write(at_request=asked, timeout=60)
    assert project.invoke("build", "--version", "1").code == 0
    process = project.start("smoke", "--browser", "--json", TMPDIR=str(profiles))
    trials = {"label": [f"seatrial.project={project.name}", "seatrial.smoke"]}
    wait_until(lambda: any(b"visited" in one.logs() for one in client.containers.list(filters=trials)))

    done = project.interrupt(process, signal.SIGTERM)

    assert done.code == json.loads(done.out)["exit_code"] == 143
    assert done.seconds < 5
    assert list(profiles.iterdir()) == []
    assert left_in(profiles) == []
    assert not client.containers.list(all=True, filters=trials)
