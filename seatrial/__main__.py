"""The program `seatrial`, which is `python -m seatrial` as well: the tasks in a folder that has no tasks.py."""

from __future__ import annotations

import sys
from pathlib import Path

from invoke.exceptions import Exit
from invoke.program import Program

from seatrial import __version__
from seatrial.cli.project import find_root

__all__ = ["main"]


class _Seatrial(Program):
    """Invoke's program with our tasks, and the settings file of the folder it is called in."""

    def parse_collection(self) -> None:
        """Load the project's settings, which Invoke does only where it loads a tasks.py."""
        root = str(find_root())
        self.config.set_project_location(root)
        self.config.load_project()
        super().parse_collection()


def main() -> None:
    """Run the program on the process's arguments."""
    if Path(sys.argv[0]).name == "__main__.py":
        sys.argv[0] = "seatrial"  # what messages tell people to type next
    try:
        from seatrial.tasks import ns
    except Exit as error:
        sys.exit(error.code)
    _Seatrial(name="seatrial", binary="seatrial", namespace=ns, version=__version__).run()


if __name__ == "__main__":
    main()
