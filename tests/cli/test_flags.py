"""The flags of all tasks together."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from seatrial.cli.program import SeatrialProgram
from seatrial.tasks import ns


def test_a_flag_is_the_same_in_every_task() -> None:
    """A flag has one default, kind and help text; at most five letters stand for one flag each, -n for a dry run."""
    seen: dict[str, set[tuple[object, ...]]] = defaultdict(set)
    for argument in (one for context in ns.to_contexts() for one in context.args.values()):
        seen[argument.name].add((str(argument.default), argument.kind, argument.help))
        for letter in argument.nicknames:
            seen[letter].add((argument.name,))

    assert all(len(variants) == 1 for variants in seen.values()), seen
    assert seen["n"] == {("check",)}
    assert sum(len(name) == 1 for name in seen) <= 5


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
