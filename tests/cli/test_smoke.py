"""The command `smoke`: of an image, of a URL, and with a JUnit file."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.cli_project import Project, failed, make_project
from tests.servers.local_server import Asked, Reply, serve

CHECKS = '[{path: /, text: "hello {version}"}]'


@pytest.fixture
def bare(tmp_path: Path) -> Project:
    """A project without an image and without an engine."""
    nobody = {"DOCKER_HOST": f"unix://{tmp_path}/nobody.sock"}
    project = make_project(tmp_path / "project", name="demo", base="python", port=5000)
    return replace(project, environment=nobody)


def page(asked: Asked) -> Reply:
    """Answer as version 1 of the app, at / and at /shop/."""
    return Reply(body=b"hello 1") if asked.path in ("/", "/shop/") else Reply(status=404, body=b"no such page")


def suite(path: Path) -> ET.Element:
    """Return the one testsuite of a file."""
    (found,) = ET.parse(path).getroot()  # noqa: S314  our own file
    return found


def test_what_is_deployed(bare: Project) -> None:
    """With --url the checks run against that URL and below its path, without an engine."""
    with serve(page) as server:
        done = bare.invoke("smoke", "--url", f"http://{server.host}/shop/", "--version", "1", "--json")
    assert done.code == 0, done.all
    assert "GET /" in done.err
    assert done.statuses == {"smoke": "ok"}
    assert done.document["engine"] is None
    assert [(asked.method, asked.path) for asked in server.asked] == [("GET", "/shop/")]
    assert not (bare.folder / ".seatrial").exists()


def test_another_version_is_deployed(bare: Project) -> None:
    """A URL that serves another version fails with exit code 1."""
    with serve(page) as server:
        words = ("--url", f"http://{server.host}", "--version", "2", "--junit", "out/smoke.xml", "--json")
        done = bare.invoke("smoke", *words)
    failed(done, f"invoke smoke --url http://{server.host} --version 2", cause="wrong-version")
    assert re.findall(r"\b[12]\b", done.error["reason"]) == ["2", "1"]
    found = suite(bare.folder / "out" / "smoke.xml")
    assert (found.get("tests"), found.get("failures"), found.get("errors")) == ("1", "1", "0")


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("--url", "https://shop.example/?a=b"), "?"),
        (("--url", "https://shop.example"), "{version}"),
        (("--junit", "tasks.py/smoke.xml"), "tasks.py"),
    ],
)
def test_usage_errors(bare: Project, words: tuple[str, ...], name: str) -> None:
    """A bad URL, version or file is refused with exit code 2, before any request and without an engine."""
    done = bare.invoke("smoke", *words, "--json")
    assert done.code == 2, done.all
    assert name in f"{done.error['message']}: {done.error['reason']}"
    assert done.error["hint"].startswith("invoke smoke --")
    assert done.document["steps"] == []


def test_a_file_without_an_engine(bare: Project) -> None:
    """The JUnit file is written without an engine, too: it holds one error and no passed check."""
    done = bare.invoke("smoke", "--junit", "smoke.xml")
    assert done.code == 3, done.all
    found = suite(bare.folder / "smoke.xml")
    assert (found.get("tests"), found.get("failures"), found.get("errors")) == ("1", "0", "1")
    error = found.find("testcase/error")
    assert error is not None
    assert error.get("type") == "EngineUnavailable"


@pytest.mark.engine
def test_a_file_of_an_image(project: Project) -> None:
    """The JUnit file of an image has every check with its time, the app's log, and the image's id."""
    project.write(at_request="print('asked for', self.path); time.sleep(self.path == '/other')", facts="warn")
    settings = project.folder / "invoke.yaml"
    settings.write_text(settings.read_text().replace(CHECKS, f"{CHECKS[:-1]}, {{path: /other, text: hello}}]"))
    assert project.invoke("build", "--version", "1").code == 0

    done = project.invoke("smoke", "--junit", "smoke.xml")

    assert done.code == 0, done.all
    found = suite(project.folder / "smoke.xml")
    names = [case.get("name") or "" for case in found.iter("testcase")]
    assert names[:2] == ["GET /", "GET /other"]
    assert len(names) == 2 + 9
    (user,) = [name for name in names[2:] if re.search(r"\buser \(", name)]
    assert user in (found.findtext("system-err") or "")
    assert all(float(case.get("time", "x")) >= 0 for case in found.iter("testcase"))
    assert not list(found.iter("failure"))
    log = found.findtext("system-out") or ""
    assert "asked for /other" in log  # written a second before the answer, so the engine has it by now
    properties = {one.get("name"): one.get("value") for one in found.iter("property")}
    assert re.search(r"\bsha256:[0-9a-f]{64}\b", properties["identity"] or "")


def test_a_file_whose_folder_disappears(bare: Project) -> None:
    """If the JUnit file cannot be written at the end, the command fails, still with one JSON document."""
    out = bare.folder / "out"

    def remove_folder(_: Asked) -> Reply:
        out.rmdir()
        return Reply(body=b"hello 1")

    with serve(remove_folder) as server:
        words = ("--url", f"http://{server.host}", "--version", "1", "--junit", "out/smoke.xml", "--json")
        done = bare.invoke("smoke", *words)
    assert done.code == 1, done.all
    assert str(out / "smoke.xml") in done.document["error"]["message"]
    assert done.statuses == {"smoke": "ok"}
