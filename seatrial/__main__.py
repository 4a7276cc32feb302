"""The program `seatrial`, also `python -m seatrial`: the tasks in a folder without a tasks.py."""

from __future__ import annotations

import sys
from pathlib import Path

from seatrial import __version__

__all__ = ["main"]


def main() -> None:
    """Run the program on the process's arguments."""
    if Path(sys.argv[0]).name == "__main__.py":
        sys.argv[0] = "seatrial"  # hints name the program by it
    from seatrial.cli.program import SeatrialProgram
    from seatrial.tasks import ns

    SeatrialProgram(name="Seatrial", binary="seatrial", namespace=ns, version=__version__).run()


if __name__ == "__main__":
    main()
