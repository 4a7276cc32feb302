"""Several tasks in one command: which of them are ours, and the one document that they print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seatrial.cli.chain import read_chain
from seatrial.cli.task import known_flags
from tests.cli_project import make_project
from tests.faults.test_input import INVOKE, invoke


@pytest.mark.parametrize(
    ("words", "typed", "is_json"),
    [
        ("build smoke --json", ["build", "smoke"], True),
        ("-f smoke build --version push tag", ["build", "tag"], False),
        ("build -v 1 --no-cache smoke -v=1 --json", ["build", "smoke"], True),
        ("ship.build --build-arg --json -f other.yaml own --json ship.logs -f", ["build", "logs"], False),
        ("build --json -- smoke", ["build"], True),
    ],
)
def test_which_tasks_were_typed(words: str, typed: list[str], *, is_json: bool) -> None:
    """Values of flags are no tasks, --json counts behind a task of ours, and `--` ends the tasks."""
    chain = read_chain(words.split(), known_flags(), lambda word: word.rpartition(".")[2] in known_flags())
    assert (chain.typed, chain.json) == (typed, is_json)


def test_a_chain_that_is_explained(tmp_path: Path) -> None:
    """--explain behind one task explains all: nothing is built, wherever it stands, and without an engine."""
    make_project(tmp_path, name="demo", base="python", port=5000)

    done = invoke(tmp_path, "build", "--version", "1", "--explain", "smoke", "--version", "1")

    assert done.returncode == 0, done.stderr
    assert {"build web", "smoke web"} <= set(done.stdout.splitlines())
    assert not (tmp_path / ".seatrial").exists()


@pytest.mark.parametrize("program", ["invoke", "seatrial"])
def test_one_document(tmp_path: Path, program: str) -> None:
    """A chain prints one document wherever --json stands; what did not start is skipped, and the first failure counts.

    A task that prints no JSON writes to standard error.
    """
    make_project(tmp_path, name="demo", base="python", port=5000)
    words = ["doctor", "build", "--version", "1", "smoke", "--json", "logs"]
    done = invoke(tmp_path, *words[1:], program=INVOKE.replace("invoke", program))
    document = json.loads(done.stdout)

    assert (document["command"], document["status"]) == ("build smoke logs", "failed")
    assert (done.returncode, document["exit_code"]) == (3, 3)
    assert [(step["step"], step["status"]) for step in document["steps"]] == [
        ("build", "failed"),
        ("smoke", "skipped"),
        ("logs", "skipped"),
    ]

    done = invoke(tmp_path, *words, program=INVOKE.replace("invoke", program))
    document = json.loads(done.stdout)

    assert (done.returncode, document["exit_code"], document["error"]["message"]) == (3, 3, "doctor: engine failed")
    assert document["documents"]["doctor"]["schema"] == "seatrial.doctor/1"


def test_a_task_of_the_users_own_fails(tmp_path: Path) -> None:
    """A chain that another task ends, before or behind the last one of ours, has the exit code of the process."""
    make_project(tmp_path, name="demo", base="python", port=5000)
    tasks = "from invoke import Collection, task\nfrom seatrial import tasks as ours\n"
    tasks += "@task\ndef build(c):\n    c.run('exit 5')\n"
    tasks += "ns = Collection(Collection.from_module(ours, name='ship'), own=build)\n"
    (tmp_path / "tasks.py").write_text(tasks)

    for words, skipped in (
        ("ship.apps --quiet own ship.build --json", ["build"]),
        ("ship.apps ship.build --explain --version 1 --json own", []),
    ):
        done = invoke(tmp_path, *words.split())

        document = json.loads(done.stdout)
        assert (done.returncode, document["exit_code"], document["status"]) == (5, 5, "failed")
        assert [app["name"] for app in document["documents"]["apps"]["apps"]] == ["web"]
        assert [step["step"] for step in document["steps"]] == skipped
