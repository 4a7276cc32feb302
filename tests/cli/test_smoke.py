"""The command smoke: of an image, of what is deployed somewhere, and as a file for CI systems."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.cli_project import Project, failed, make_project
from tests.servers.local_server import Asked, Reply, serve

CHECKS = '[{path: /, text: "hello {version}"}]'


@pytest.fixture
def bare(tmp_path: Path) -> Project:
    """A project of which no image was built, with an engine that is not there."""
    folder = tmp_path / "project"
    folder.mkdir()
    nobody = {"DOCKER_HOST": f"unix://{tmp_path}/nobody.sock"}
    project = make_project(folder, name="demo", base="python", port=5000)
    return replace(project, environment=nobody)


def page(asked: Asked) -> Reply:
    """Answer as version 1 of the app, below a prefix as well."""
    return Reply(body=b"hello 1") if asked.path in ("/", "/shop/") else Reply(status=404, body=b"no such page")


def suite(path: Path) -> ET.Element:
    """Return the one testsuite of a file."""
    (found,) = ET.parse(path).getroot()  # noqa: S314  our own file
    return found


def test_what_is_deployed(bare: Project) -> None:
    """The checks are put to what is deployed, without any engine, below the path that the URL has."""
    with serve(page) as server:
        done = bare.invoke("smoke", "--url", f"http://{server.host}/shop/", "--version", "1", "--json")
    assert done.code == 0, done.all
    assert "GET /: passed" in done.err
    assert done.statuses == {"smoke": "ok"}
    assert done.document["engine"] is None
    assert [(asked.method, asked.path) for asked in server.asked] == [("GET", "/shop/")]
    assert not (bare.folder / ".seatrial").exists()


def test_another_version_is_deployed(bare: Project) -> None:
    """Another version than the one that should be there fails with exit code 1."""
    with serve(page) as server:
        done = bare.invoke("smoke", "--url", f"http://{server.host}", "--version", "2", "--junit", "out/smoke.xml")
    failed(done, "expected version 2, got 1", f"smoke --url http://{server.host} --version 2")
    found = suite(bare.folder / "out" / "smoke.xml")
    assert (found.get("tests"), found.get("failures"), found.get("errors")) == ("1", "1", "0")


def test_nobody_is_there(bare: Project) -> None:
    """A deployment that does not come up within the time that an app has fails."""
    bare.write(timeout=1)
    done = bare.invoke("smoke", "--url", "http://127.0.0.1:1", "--version", "1")
    failed(done, "no answer: Connection refused")


def test_check_mode_says_what_would_be_asked(bare: Project) -> None:
    """Check mode asks nobody and writes nothing."""
    with serve(page) as server:
        words = ("smoke", "--url", f"http://{server.host}/shop", "--version", "1", "--junit", "smoke.xml", "--check")
        done = bare.invoke(*words)
    assert done.code == 0, done.all
    assert f"1 check put to http://{server.host}/shop: GET http://{server.host}/shop/" in done.out
    assert server.asked == []
    assert not (bare.folder / "smoke.xml").exists()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--url", "nowhere"), "a URL begins with https://"),
        (("--url", "https://shop.example/?a=b"), "no ?"),
        (("--url", "https://shop.example"), "the check GET / asks for {version}"),
        (("--url", "https://shop.example", "--version", "-1"), "version"),
        (("--junit", "."), "it is a folder"),
        (("--junit", "tasks.py/smoke.xml"), "tasks.py is no folder"),
        (("--junit", "/dev/null"), "it is no plain file"),
        (("--junit", ""), "it names no file"),
    ],
)
def test_wrong_words(bare: Project, words: tuple[str, ...], reason: str) -> None:
    """What cannot be asked or written is told with exit code 2, before anybody is asked."""
    done = bare.invoke("smoke", *words)
    assert done.code == 2, done.all
    assert reason in done.err
    assert "next: invoke smoke " in done.err


def test_a_file_although_there_is_no_engine(bare: Project) -> None:
    """The file is written also when the surroundings are not there: a step that failed, and none that passed."""
    done = bare.invoke("smoke", "--junit", "smoke.xml")
    assert done.code == 3, done.all
    found = suite(bare.folder / "smoke.xml")
    assert (found.get("tests"), found.get("failures"), found.get("errors")) == ("1", "0", "1")
    error = found.find("testcase/error")
    assert error is not None
    assert error.get("type") == "EngineUnavailable"


@pytest.mark.engine
def test_a_file_of_an_image(project: Project) -> None:
    """Of an image the file holds every check with its time, what the app wrote, and which image it was."""
    project.write(at_request="print('asked for', self.path); time.sleep(self.path == '/other')")
    settings = project.folder / "invoke.yaml"
    settings.write_text(settings.read_text().replace(CHECKS, f"{CHECKS[:-1]}, {{path: /other, text: hello}}]"))
    assert project.invoke("build", "--version", "1").code == 0
    link, file = project.folder / "link.xml", project.folder / "smoke.xml"
    file.write_text("an older one")
    link.symlink_to(file.name)

    done = project.invoke("smoke", "--junit", "link.xml")

    assert done.code == 0, done.all
    assert link.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert not list(project.folder.glob(".*.tmp"))
    found = suite(file)
    names = [case.get("name") or "" for case in found.iter("testcase")]
    assert names[:2] == ["GET /", "GET /other"]
    assert [name[:10] for name in names[2:]] == ["image fact"] * 9
    assert "image fact user (CIS 4.1, a user for the container): it runs as root" in (
        found.findtext("system-err") or ""
    )
    assert all(float(case.get("time", "x")) >= 0 for case in found.iter("testcase"))
    assert not list(found.iter("failure"))
    log = found.findtext("system-out") or ""
    assert "asked for /other" in log  # a second before it was answered: the engine has got it by now
    properties = {one.get("name"): one.get("value") for one in found.iter("property")}
    assert (properties["identity"] or "").startswith("passed sha256:")


@pytest.mark.engine
def test_a_file_of_an_app_that_died(project: Project) -> None:
    """When the container died the file says so, with its last words, and the command fails as it does without."""
    project.write(at_start=r"print('\x1b[31mno \ud800 \x00rum\x1b[0m'.encode('utf-8', 'ignore').decode()); sys.exit(3)")
    assert project.invoke("build", "--version", "1").code == 0

    done = project.invoke("smoke", "--junit", "smoke.xml")

    failed(done, "exit code 3")
    found = suite(project.folder / "smoke.xml")
    trouble = [*found.iter("failure"), *found.iter("error")]
    assert [one.get("type") for one in trouble] == ["ContainerFailed"]
    assert found.findtext("system-out") == "no  rum"


def test_a_file_whose_folder_goes_meanwhile(bare: Project) -> None:
    """What cannot be written in the end fails the command, and there is still one JSON document."""
    out = bare.folder / "out"

    def takes_it_away(_: Asked) -> Reply:
        out.rmdir()
        return Reply(body=b"hello 1")

    with serve(takes_it_away) as server:
        words = ("--url", f"http://{server.host}", "--version", "1", "--junit", "out/smoke.xml", "--json")
        done = bare.invoke("smoke", *words)
    assert done.code == 1, done.all
    assert "cannot be written" in done.document["error"]["message"]
    assert done.statuses == {"smoke": "ok"}
