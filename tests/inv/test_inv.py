"""`./inv`: what it makes on first use, and what it keeps afterwards."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from pathlib import Path

import pytest

from tests.inv.checkout import Project


def test_first_use(project: Project) -> None:
    """First use makes .venv, installs the lock with its hashes, then the package, and prints one line about it.

    The second use starts no Python itself and prints nothing; it exits with the exit code of Invoke.
    """
    done = project.inv("build", "--version", "1")

    assert done.stdout == f"in {project.root}: --search-root {project.root} build --version 1\n"
    assert re.fullmatch(r".*\.venv.*\n", done.stderr)
    venv, lock, package, compiled = project.calls()
    assert venv == f"-m venv --clear {project.root}/.venv"
    assert lock == f"-m pip install --quiet --require-hashes -r {project.root}/requirements.txt"
    assert package == f"-m pip install --quiet --no-deps --no-build-isolation -e {project.root}"
    assert compiled.startswith("-m compileall")
    done = project.inv(INVOKE_EXIT="4")
    assert (done.returncode, done.stderr) == (4, "")
    assert done.stdout.endswith(" --list\n")
    assert project.calls() == []


def test_empty_argument(project: Project) -> None:
    """Arguments are passed on unchanged: an empty one, spaces, a star."""
    project.inv()
    (project.root / ".venv/bin/invoke").write_text('#!/bin/sh\nprintf "<%s>" "$@"\n')

    assert project.inv("", "a  b", "*").stdout.endswith("<><a  b><*>")


def test_changed_lock(project: Project) -> None:
    """A changed lock is installed into the existing .venv; a new modification time alone changes nothing."""
    project.inv()
    project.calls()
    for name in ("requirements.txt", "pyproject.toml"):
        os.utime(project.root / name, (0, 0))
        assert project.inv().stderr == ""
        with (project.root / name).open("a") as file:
            file.write("# changed\n")
        assert re.fullmatch(r".*\.venv.*\n", project.inv().stderr)
        assert [call.split()[1] for call in project.calls()] == ["pip", "pip", "compileall"]
    assert project.inv().stderr == ""


def test_interrupted(project: Project) -> None:
    """A .venv that an interrupted first use or update left incomplete is made again, even if the lock is restored."""
    (project.root / ".venv/bin").mkdir(parents=True)
    (project.root / ".venv/bin/leftover").touch()
    assert project.inv(BROKEN="venv").returncode == 3
    _made_again(project)
    assert not (project.root / ".venv/bin/leftover").exists()

    before = (project.root / "requirements.txt").read_text()
    (project.root / "requirements.txt").write_text("invoke==3.0.4\n")
    assert project.inv(BROKEN="pip").returncode == 3
    (project.root / "requirements.txt").write_text(before)
    _made_again(project)


def _made_again(project: Project) -> None:
    project.calls()
    assert project.inv().returncode == 0
    assert project.calls()[0] == f"-m venv --clear {project.root}/.venv"


def test_what_makes_it_again(project: Project) -> None:
    """If .venv's Python is gone, or the project has moved, .venv is made again: its scripts contain the old folder."""
    project.inv()
    (project.root / ".venv/bin/python").unlink()
    (project.root / ".venv/bin/python").symlink_to("/nowhere/python3.11")
    _made_again(project)
    moved = project.root.rename(project.root.parent / "moved")

    done = project.inv("smoke", inv=moved / "inv", cwd=moved)

    assert done.stdout == f"in {moved}: --search-root {moved} smoke\n"
    assert project.calls()[0] == f"-m venv --clear {moved}/.venv"


def test_other_folder(project: Project, tmp_path: Path) -> None:
    """Called from another folder it stays there and finds this repository's tasks."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    for inv in ("../a project/inv", project.root / "inv"):
        done = project.inv("build", inv=inv, cwd=elsewhere)
        assert done.stdout == f"in {elsewhere}: --search-root {project.root} build\n"


def test_on_path(project: Project, tmp_path: Path) -> None:
    """Found on PATH through a symlink to a relative symlink, it still finds its folder."""
    (project.path / "deliver").symlink_to("../hop")
    (tmp_path / "hop").symlink_to("a project/inv")

    done = project.inv("-c", "deliver build", inv=project.path / "sh", cwd=tmp_path)
    assert done.stdout == f"in {tmp_path}: --search-root {project.root} build\n"


@pytest.mark.skipif(not shutil.which("flock"), reason="two first uses need flock(1) to wait for each other")
def test_two_at_once(project: Project) -> None:
    """Of two first uses at the same time one installs, the other waits, and both run their command."""
    both = [project.start("build", PIP_SECONDS="0.5") for _ in range(2)]
    ends = [process.communicate(timeout=60) for process in both]

    assert [process.returncode for process in both] == [0, 0]
    assert [stdout.endswith(" build\n") for stdout, _ in ends] == [True, True]
    assert sorted("./inv" in stderr for _, stderr in ends) == [False, True]
    assert sum(call.startswith("-m venv") for call in project.calls()) == 1


def test_for_real(project: Project) -> None:
    """With a real Python, venv and pip, first use runs the project's own command."""
    (project.path / "python3").unlink()
    (project.path / "python3").symlink_to(sys.executable)
    (project.root / "requirements.txt").write_text("# nothing\n")
    (project.root / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (project.root / "backend.py").write_text(
        textwrap.dedent('''
            """Builds a wheel with a stand-in for our program, without a network."""
            import zipfile

            def build_editable(folder, config_settings=None, metadata_directory=None):
                name, info = "made_up-1-py3-none-any.whl", "made_up-1.dist-info/"
                with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
                    program = "import sys\\ndef run_playbook(): print('real', sys.argv[1:])\\n"
                    wheel.writestr("seatrial/__main__.py", program)
                    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: made-up\\nVersion: 1\\n")
                    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\n")
                    wheel.writestr(info + "RECORD", "")
                return name
        ''')
    )

    done = project.inv("build", PIP_CONFIG_FILE=os.devnull, PIP_NO_INDEX="1")

    assert done.stdout == f"real ['--search-root', '{project.root}', 'build']\n", done.stderr
    assert project.inv("build").stderr == ""
