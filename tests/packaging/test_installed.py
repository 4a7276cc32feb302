"""Seatrial in a venv of its own."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import seatrial
import tasks
from tests.packaging.distribution import ROOT, Python, run


def test_hints_name_the_program(installed: Python, tmp_path: Path) -> None:
    """In an empty folder the program prints its version; hints name it, also if the module was started."""
    version = run(installed.program("seatrial"), "--version", cwd=tmp_path)
    assert (version.returncode, version.stdout, version.stderr) == (0, f"Seatrial {seatrial.__version__}\n", "")
    program = run(installed.program("seatrial"), "tag", "--version", "1", cwd=tmp_path)
    module = run(installed.program("python"), "-m", "seatrial", "tag", "--version", "1", cwd=tmp_path)

    assert (module.returncode, module.stderr) == (program.returncode, program.stderr)
    assert program.returncode == 2
    assert "__main__" not in module.stdout + module.stderr


def test_two_lines(installed: Python, tmp_path: Path) -> None:
    """Invoke finds the tasks through the two lines shown in the README."""
    lines = "from seatrial.tasks import ns as seatrial\nfrom invoke import Collection\n\nns = Collection(seatrial)\n"
    (tmp_path / "tasks.py").write_text(lines)

    listed = run(installed.program("python"), "-m", "invoke", "--list", cwd=tmp_path)

    assert "seatrial.release" in listed.stdout


def test_repository(required: Python, unpacked: Path) -> None:
    """In the repository, Invoke needs only requirements.txt: it finds the package beside tasks.py."""
    assert not (required.modules / "seatrial").exists()

    built = run(required.program("invoke"), "build", "--check", "--json", cwd=unpacked, DOCKER_HOST="tcp://127.0.0.1:1")

    assert built.returncode == 3, "there is no engine, so the exit code is 3"
    assert "ModuleNotFoundError" not in built.stdout + built.stderr


def test_missing_module(required: Python, unpacked: Path, tmp_path: Path) -> None:
    """A missing module is reported with the Python that lacks it and the command that installs it."""
    python = Python.make(tmp_path / "venv")
    for path in required.modules.iterdir():
        if path.name != "google":
            (python.modules / path.name).symlink_to(path)

    done = run(python.program("python"), "-m", "invoke", "build", cwd=unpacked / "docs")

    assert (done.returncode, done.stdout) == (3, "")
    _, reason, hint = done.stderr.splitlines()
    assert "No module named 'google'" in reason
    assert str(python.program("python")) in reason
    assert hint.startswith(f"  next: {python.program('python')} -m pip install -r ../requirements.txt ")


def test_old_python() -> None:
    """If Python is too old, the hint is ./inv, because pip cannot help."""
    message = tasks._cannot_load(ImportError("Python 3.11 or later is needed", name="python"))

    _, reason, hint = message.splitlines()
    assert "Python 3.11 or later is needed" in reason
    assert hint.startswith("  next: ./inv ")


def test_a_broken_import_in_the_package(required: Python, unpacked: Path, tmp_path: Path) -> None:
    """A module missing from the package itself is a programming error: the traceback is shown, without a pip hint."""
    shutil.copytree(unpacked / "seatrial", tmp_path / "seatrial")
    shutil.copy2(unpacked / "tasks.py", tmp_path)
    (tmp_path / "seatrial/tasks.py").write_text("from seatrial import gone_away\n")

    done = run(required.program("invoke"), "--list", cwd=tmp_path)

    assert "Traceback" in done.stderr
    assert "pip install" not in done.stderr


def test_every_dependency_is_checked() -> None:
    """tasks.py checks for the module of each dependency in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {one.partition(">=")[0] for one in project["dependencies"]}
    modules = {"pyyaml": "yaml", "protobuf": "google"}
    assert {modules.get(name, name) for name in declared - {"invoke"}} == set(tasks.NEEDED)


def test_requirements_are_small(required: Python) -> None:
    """requirements.txt takes less than 20 MB without bytecode, and contains none of the tests' tools."""
    files = [path for path in required.modules.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert sum(path.stat().st_size for path in files) < 20_000_000
    assert not {"playwright", "mypy", "ruff", "uv", "pytest"} & {path.name for path in required.modules.iterdir()}
