"""Compare the app's image with the tutorial's on the same base: bytes over the base, seconds to the first answer."""

from __future__ import annotations

import http.client
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench.timing import CommandFailed, Row, in_turns, ratio, say
from bench.workspace import REPOSITORY, Workspace

__all__ = ["ImageResult", "measure_image"]

_GOAL_BYTES = 6_000_000
_POLL_SECONDS = 0.005
_GIVE_UP_SECONDS = 30.0
_CONTEXTS = {"seatrial": REPOSITORY / "app", "tutorial": Path(__file__).resolve().parent / "tutorial"}


@dataclass(frozen=True, kw_only=True)
class ImageResult:
    """Bytes over the base and seconds from `docker run` to the first 200, for the app and the tutorial's app."""

    added: dict[str, int]
    seconds: dict[str, list[float]]

    @property
    def rows(self) -> list[Row]:
        """The lines of the report."""
        ours, other = self.added["seatrial"], self.added["tutorial"]
        first = {name: median(taken) for name, taken in self.seconds.items()}
        slower = ratio(self.seconds["seatrial"], self.seconds["tutorial"])
        return [
            Row(
                name="bytes over the base",
                ours=_megabytes(ours),
                other=_megabytes(other),
                ratio=f"{ours / other:.2f}",
                goal=f"<= {_megabytes(_GOAL_BYTES)}, <= 1.00",
                met=ours <= min(_GOAL_BYTES, other),
            ),
            Row(
                name="docker run to the first 200",
                ours=f"{first['seatrial']:.3f} s",
                other=f"{first['tutorial']:.3f} s",
                ratio=f"{slower:.2f}",
                goal="<= 1.00",
                met=slower <= 1,
            ),
        ]

    @property
    def raw(self) -> dict[str, Any]:
        """The numbers as measured."""
        return asdict(self)


def measure_image(workspace: Workspace, rounds: int) -> ImageResult:
    """Build both images, and start both in turns."""
    say("images: building")
    base = _size(workspace, workspace.base)
    for name, context in _CONTEXTS.items():
        workspace.build(f"image-{name}:1", str(context)).output(attempts=2)  # a RUN needs the network
    added = {name: _size(workspace, f"{workspace.name}/image-{name}:1") - base for name in _CONTEXTS}
    say("images: docker run to the first 200")
    starts = {name: partial(_first_answer, workspace, f"{workspace.name}/image-{name}:1") for name in _CONTEXTS}
    return ImageResult(added=added, seconds=in_turns(starts, rounds))


def _size(workspace: Workspace, image: str) -> int:
    return int(workspace.docker("image", "inspect", "--format", "{{.Size}}", image).output())


def _first_answer(workspace: Workspace, image: str) -> float:
    """Start a container; return the seconds until its page answers with 200."""
    began = time.perf_counter()
    run = workspace.docker("run", "--detach", "--label", workspace.label, "--publish", "127.0.0.1::5000", image)
    container = run.output().strip()
    port = int(workspace.docker("port", container, "5000/tcp").output().rpartition(":")[2])
    while not _answers(port):
        if time.perf_counter() - began > _GIVE_UP_SECONDS:
            raise CommandFailed(f"{image} did not answer:\n{workspace.docker('logs', container).output()}")
        time.sleep(_POLL_SECONDS)
    taken = time.perf_counter() - began
    workspace.docker("rm", "--force", "--volumes", container).output()
    return taken


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_GIVE_UP_SECONDS)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.2f} MB"
