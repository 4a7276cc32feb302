"""The flags of all tasks together."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from invoke.collection import Collection

from seatrial import tasks
from seatrial.cli.program import SeatrialProgram
from seatrial.tasks import ns

CONTEXTS = ns.to_contexts()


def test_a_short_flag_means_one_thing_everywhere() -> None:
    """A letter stands for the same flag in every task, and there are at most five; -n is a dry run, as in make."""
    meanings: dict[str, set[str]] = defaultdict(set)
    for context in CONTEXTS:
        for argument in context.args.values():
            for letter in argument.nicknames:
                meanings[letter].add(argument.name)

    assert all(len(names) == 1 for names in meanings.values()), meanings
    assert len(meanings) <= 5
    assert meanings["n"] == {"check"}


def test_a_flag_is_the_same_in_every_task() -> None:
    """A flag has one default, one kind and one help text."""
    seen: dict[str, set[tuple[object, ...]]] = defaultdict(set)
    for context in CONTEXTS:
        for argument in context.args.values():
            seen[argument.name].add((str(argument.default), argument.kind, argument.help))

    assert all(len(variants) == 1 for variants in seen.values()), seen


def test_the_tasks_can_be_part_of_another_collection() -> None:
    """A tasks.py may take them over with its own values: Invoke copies the tasks for that."""
    copied = Collection.from_module(tasks, config={"seatrial": {"user": "alice"}})

    assert {context.name for context in copied.to_contexts()} == {context.name for context in CONTEXTS}


def test_a_build_that_lacks_the_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A version behind the last of several tasks is refused if a build before it would build another one."""
    monkeypatch.chdir(tmp_path)
    program = SeatrialProgram(name="Seatrial", binary="seatrial", namespace=ns, version="1")

    with pytest.raises(SystemExit) as ended:
        program.run(["seatrial", "build", "smoke", "--version", "1"])

    assert ended.value.code == 2
    assert "build --version 1 smoke --version 1" in capsys.readouterr().err
