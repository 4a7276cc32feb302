"""`init` writes what is missing, and what it writes is what Seatrial and Docker can read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from unittest.mock import Mock

import pytest
import yaml

from seatrial.cli.session import How, carry_out, open_world
from seatrial.detection.search import search
from seatrial.pipeline.report import Report
from seatrial.pipeline.state import StateFolder
from seatrial.settings.settings import Settings
from seatrial.sources.dockerfile import base_images
from seatrial.sources.dockerfile_ports import exposed_ports
from seatrial.sources.dockerignore import IgnoreRules
from seatrial.steps.init.plan import init_steps
from tests.detection.folders import FLASK, write

_NODE = '{"scripts": {"start": "node a.js", "build": "tsc"}}'
_GO = 'package main\nimport "net/http"\nfunc main() { http.ListenAndServe(":9000", nil) }\n'
_UV = {"pyproject.toml": '[project]\ndependencies = ["flask"]\n', "uv.lock": ""}
_APPS = {
    "flask": {"app.py": FLASK},
    "uv": {"app.py": FLASK, **_UV},
    "poetry": {"app.py": FLASK, "pyproject.toml": "", "poetry.lock": ""},
    "fastapi": {"main.py": "from fastapi import FastAPI\napp = FastAPI()\n", "requirements.txt": "fastapi\npsycopg2\n"},
    "node": {"package.json": _NODE, "a.js": "x.listen(3000)"},
    "go": {"go.mod": "module x\n", "main.go": _GO, "static/a.css": ""},
    "static": {"index.html": '<title>"Hi" & {bye}: # one</title>'},
    "vite": {"package.json": '{"scripts": {"build": "vite build"}}', "index.html": ""},
}


def _init(folder: Path, *, check: bool = False) -> Report:
    world = open_world(StateFolder(folder / ".seatrial"))
    return carry_out(How("init", check=check), init_steps(search(folder)), world, Mock())[0]


def _files(folder: Path) -> Mapping[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _statuses(report: Report) -> dict[str, str]:
    return {one.step: one.status.value for one in report.outcomes}


@pytest.mark.parametrize("name", _APPS)
def test_what_is_written_can_be_read(tmp_path: Path, name: str) -> None:
    """Check mode writes nothing, the first run all files, the second none; settings and Dockerfile are valid."""
    folder = write(tmp_path / "My Shop", _APPS[name])
    before = _files(folder)
    planned = _init(folder, check=True)
    assert _files(folder) == before

    done = _init(folder)
    written = _files(folder)
    again = _init(folder)

    new = {"invoke.yaml", "tasks.py", "Dockerfile", ".dockerignore"}
    assert set(written) - set(before) == new
    assert (
        _statuses(planned)
        == _statuses(done)
        == {"app": "ok", **dict.fromkeys(("settings", "tasks", "image", "ignore"), "changed")}
    )
    assert set(_statuses(again).values()) == {"ok"}
    assert _files(folder) == written
    raw = yaml.safe_load(written["invoke.yaml"])["seatrial"]
    app = Settings.load(raw, folder).app()
    (found,) = search(folder).apps
    text = written["Dockerfile"].decode()
    assert app.name == "my-shop"
    assert exposed_ports(text) == (f"{found.port}/tcp",)
    assert "stand-in:1" in base_images(text, {"BASE_IMAGE": "stand-in:1"})
    assert all(
        line.partition("  # ")[2] or line.startswith("#") or line.endswith(":")
        for line in written["invoke.yaml"].decode().splitlines()
    )
    rules = IgnoreRules.parse(written[".dockerignore"])
    assert not [path for path in before if rules.excludes(path)]
    assert all(rules.excludes(path) for path in (".git", ".env", "sub/.env", "tasks.py", "invoke.yaml"))


def test_text_of_a_page_survives_the_settings(tmp_path: Path) -> None:
    """Quotes, colons and braces in a title are the same in the check."""
    _init(write(tmp_path, _APPS["static"]))

    (check,) = Settings.load(yaml.safe_load((tmp_path / "invoke.yaml").read_text())["seatrial"], tmp_path).app().checks
    assert check.text == '"Hi" & {bye}: # one'


def test_several_apps_get_a_section_each(tmp_path: Path) -> None:
    """Each app has its context and a port of its own on this machine, and its files lie in its folder."""
    _init(write(tmp_path, {"api/app.py": FLASK, "my web/app.py": FLASK}))

    apps = Settings.load(yaml.safe_load((tmp_path / "invoke.yaml").read_text())["seatrial"], tmp_path).apps
    assert {name: (app.context.name, app.host_port) for name, app in apps.items()} == {
        "api": ("api", 5000),
        "my-web": ("my web", 5001),
    }
    assert (tmp_path / "api/Dockerfile").exists()
    assert (tmp_path / "my web/.dockerignore").exists()


@pytest.mark.parametrize(
    ("tasks", "advice"),
    [
        ("from invoke import task\n@task\ndef lint(c): ...\n", "ns = Collection(lint, seatrial)"),
        ("from invoke import Collection\nns = Collection()\n", "ns.add_collection(seatrial)"),
        ("from celery import Celery\n", "it is not one of Invoke's: type seatrial instead of invoke"),
    ],
)
def test_files_of_the_users_own_are_kept(tmp_path: Path, tasks: str, advice: str) -> None:
    """Whatever is there is kept, and the lines to add are shown; a Dockerfile's COPY is not taken from the context."""
    own = {"Dockerfile": "FROM x\nCOPY .github /x\n", "tasks.py": tasks, "invoke.yaml": "run: {echo: true}\n"}
    before = _files(write(tmp_path, {"app.py": FLASK, **own}))

    report = _init(tmp_path)

    notes = [note for one in report.outcomes for note in one.notes]
    assert _files(tmp_path).items() >= before.items()
    assert advice in notes
    assert "seatrial:" in notes
    ignored = (tmp_path / ".dockerignore").read_text().splitlines()
    assert "**/.github" not in ignored
    assert "tasks.py" not in ignored


def test_a_link_to_nowhere_is_kept(tmp_path: Path) -> None:
    """A name that is taken is not written through."""
    (write(tmp_path, {"app.py": FLASK}) / "Dockerfile").symlink_to(tmp_path / "elsewhere")

    assert _statuses(_init(tmp_path))["image"] == "ok"
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    """The step fails with the system's reason, and the next ones are skipped."""
    steps = init_steps(search(write(tmp_path / "gone", {"app.py": FLASK})))
    (tmp_path / "gone/app.py").unlink()
    (tmp_path / "gone").rmdir()

    world = open_world(StateFolder(tmp_path / ".seatrial"))
    report = carry_out(How("init", check=False), steps, world, Mock())[0]

    assert report.exit_code == 1
    assert report.failure
    assert report.failure.reason == "No such file or directory"
    assert [one.status.value for one in report.outcomes][-1] == "skipped"
