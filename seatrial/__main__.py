"""The program `seatrial`, also `python -m seatrial`, and the start of ./inv."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from seatrial import __version__

__all__ = ["main", "run_playbook"]

_CTRL_C = 130


def main() -> None:
    """Run the program on the process's arguments."""
    if Path(sys.argv[0]).name == "__main__.py":
        sys.argv[0] = "seatrial"  # hints name the program by it
    with _ended_by_ctrl_c():
        with _without_mock():
            from seatrial.cli.program import SeatrialProgram
        from seatrial.tasks import ns

        SeatrialProgram(name="Seatrial", binary="seatrial", namespace=ns, version=__version__).run()


def run_playbook() -> None:
    """Run the tasks of a tasks.py, as `invoke` does."""
    with _ended_by_ctrl_c():
        with _without_mock():
            from seatrial.cli.program import PlaybookProgram
        from seatrial.settings.variables import environment

        names = [environment().command, "inv"]  # also for completion: the process's own name is Python's
        PlaybookProgram(name="Seatrial", binary="invoke", binary_names=names, version=__version__).run()


@contextmanager
def _without_mock() -> Iterator[None]:
    """Let Invoke be imported without unittest.mock, which only its MockContext for tests needs.

    It brings asyncio along, and takes a fifth of the time that Invoke takes to start.
    """
    module: Any = ModuleType("unittest.mock")
    module.Mock = _mock
    name = module.__name__
    known = sys.modules.setdefault(name, module) is not module
    try:
        yield
    finally:
        if not known:
            del sys.modules[name]


def _mock(**options: Any) -> Any:  # noqa: ANN401  Mock's own
    from unittest.mock import Mock

    return Mock(**options)


@contextmanager
def _ended_by_ctrl_c() -> Iterator[None]:
    """Let Ctrl-C before the first task end the process without a traceback; Invoke would end it with 1."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, SystemExit) and not isinstance(end.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # pressed twice
        sys.exit(_CTRL_C)


if __name__ == "__main__":
    main()
