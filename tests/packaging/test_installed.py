"""Seatrial in a venv where nothing else is."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

import seatrial
import tasks
from tests.packaging.distribution import ROOT, Python, run


@pytest.mark.parametrize("flag", ["--version", "--help", "--list"])
def test_program(installed: Python, tmp_path: Path, flag: str) -> None:
    """The program and the module say the same, in a folder where nothing is."""
    program = run(installed.program("seatrial"), flag, cwd=tmp_path)
    module = run(installed.program("python"), "-m", "seatrial", flag, cwd=tmp_path)

    assert (program.returncode, program.stderr) == (0, "")
    assert (module.returncode, module.stdout, module.stderr) == (0, program.stdout, "")
    wanted = {
        "--version": f"seatrial {seatrial.__version__}\n",
        "--help": "Usage: seatrial ",
        "--list": "  release ",
    }
    assert wanted[flag] in program.stdout


def test_what_to_type(installed: Python, tmp_path: Path) -> None:
    """The module names the program in what it tells people to type."""
    program = run(installed.program("seatrial"), "tag", "--version", "1", cwd=tmp_path)
    module = run(installed.program("python"), "-m", "seatrial", "tag", "--version", "1", cwd=tmp_path)

    assert (module.returncode, module.stderr) == (program.returncode, program.stderr)
    assert program.returncode == 2
    assert "__main__" not in module.stdout + module.stderr


def test_two_lines(installed: Python, tmp_path: Path) -> None:
    """Invoke finds the tasks through the two lines that the README shows."""
    lines = "from seatrial.tasks import ns as seatrial\nfrom invoke import Collection\n\nns = Collection(seatrial)\n"
    (tmp_path / "tasks.py").write_text(lines)

    listed = run(installed.program("python"), "-m", "invoke", "--list", cwd=tmp_path)

    assert "seatrial.release" in listed.stdout


def test_repository(required: Python, unpacked: Path) -> None:
    """In the repository requirements.txt is enough for Invoke: the package is found beside tasks.py."""
    assert not (required.modules / "seatrial").exists()

    listed = run(required.program("invoke"), "--list", cwd=unpacked)
    built = run(required.program("invoke"), "build", "--check", "--json", cwd=unpacked, DOCKER_HOST="tcp://127.0.0.1:1")

    assert (listed.returncode, listed.stderr) == (0, "")
    assert "dev.lock" in listed.stdout
    assert built.returncode == 3, "there is no engine, and it says just that"
    assert "ModuleNotFoundError" not in built.stdout + built.stderr


@pytest.mark.parametrize("name", tasks.NEEDED)
def test_missing_module(required: Python, unpacked: Path, tmp_path: Path, name: str) -> None:
    """A missing module is told in three lines, with the Python that has not got it and what to type."""
    python = Python.make(tmp_path / "venv")
    for path in required.modules.iterdir():
        if path.name != name:
            (python.modules / path.name).symlink_to(path)

    done = run(python.program("python"), "-m", "invoke", "build", cwd=unpacked / "docs")

    assert (done.returncode, done.stdout) == (3, "")
    what, why, following = done.stderr.splitlines()
    assert what == "seatrial: the tasks cannot be loaded"
    assert why.startswith(f"  why:  No module named '{name}', says {python.program('python')}, Python 3.")
    assert following.startswith(f"  next: {python.program('python')} -m pip install -r ../requirements.txt ")


def test_old_python() -> None:
    """To a Python that is too old pip is no help: ./inv is what to type."""
    told = tasks._cannot_load(ImportError("Python 3.11 or later is needed", name="python"))

    assert told.splitlines()[1].startswith("  why:  Python 3.11 or later is needed, says ")
    assert told.splitlines()[2].startswith("  next: ./inv ")


def test_a_slip_in_the_package(required: Python, unpacked: Path, tmp_path: Path) -> None:
    """A module of the package that is not there is a slip of whoever changed it, and no matter of installing."""
    shutil.copytree(unpacked / "seatrial", tmp_path / "seatrial")
    shutil.copy2(unpacked / "tasks.py", tmp_path)
    (tmp_path / "seatrial/tasks.py").write_text("from seatrial import gone_away\n")

    done = run(required.program("invoke"), "--list", cwd=tmp_path)

    assert "Traceback" in done.stderr
    assert "pip install" not in done.stderr


def test_every_dependency_is_looked_for() -> None:
    """tasks.py looks for each module that pyproject.toml declares."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {one.partition(">=")[0] for one in project["dependencies"]}
    assert declared - {"invoke", "pyyaml"} | {"yaml"} == set(tasks.NEEDED)


def test_only_what_runs_the_pipeline(required: Python) -> None:
    """requirements.txt stays small: under 20 MB without bytecode, and no tool of the tests is in it."""
    files = [path for path in required.modules.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert sum(path.stat().st_size for path in files) < 20_000_000
    assert not {"playwright", "mypy", "ruff", "uv", "pytest"} & {path.name for path in required.modules.iterdir()}
