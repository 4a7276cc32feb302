"""The Tab key, in a real bash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

COMPLETE = """
source <({name} --print-completion-script bash)
complete_words() {{
    COMP_WORDS=({name} "$@")
    function=$(complete -p {name} | sed 's/.*-F \\([^ ]*\\).*/\\1/')
    "$function" {name} "${{@: -1}}"
    echo "${{COMPREPLY[@]}}"
}}
complete_words rel
complete_words release --re
"""


@pytest.mark.parametrize("name", ["./inv", "seatrial"])
def test_tasks_and_flags(repository: Path, name: str) -> None:
    """Both programs complete the name of a task, and then its flags."""
    script = f"PATH={Path(sys.executable).parent}:$PATH{COMPLETE.format(name=name)}"
    done = subprocess.run(["bash", "-c", script], cwd=repository, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["release", "--registry --report"]
