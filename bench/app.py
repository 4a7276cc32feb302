"""The rows about this repository's app against the tutorial's, whose image has the same base."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import docker

from bench.comparison import Comparison, megabytes, seconds
from bench.setup import Setup
from bench.timing import Command, CommandFailed, in_turns, say
from bench.workspace import REPOSITORY, Workspace
from tests.waiting import page

__all__ = ["app_load", "app_size", "app_start"]

_ROUNDS, _LOAD_ROUNDS = 7, 3
_LOAD_SECONDS, _CONNECTIONS = 5, 8
_POLL_SECONDS, _GIVE_UP_SECONDS = 0.005, 30.0
_CONTEXTS = {"seatrial": REPOSITORY / "app", "tutorial": Path(__file__).resolve().parent / "tutorial"}
_UNITS = {"B": 1.0, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30}
_TEXT = "Eu amo Docker"


def app_size(setup: Setup) -> list[Comparison]:
    """Compare the bytes over the base image."""
    base = _size(setup.workspace, setup.workspace.base)
    sizes = {name: [float(_size(setup.workspace, image) - base)] for name, image in _images(setup).items()}
    checked = "both have the same base image; sizes as `docker image inspect` shows them"
    return [_row("bytes over the base", sizes, goal=0.9, checked=checked, as_text=megabytes)]


def app_start(setup: Setup) -> list[Comparison]:
    """Compare the seconds from `docker run` to the first 200."""
    starts = {name: partial(_first_answer, setup.workspace, image) for name, image in _images(setup).items()}
    taken = in_turns(starts, setup.rounds_or(_ROUNDS))
    checked = f"the answer has the status 200 and the text `{_TEXT}`"
    return [_row("docker run to the first 200", taken, goal=1.0, checked=checked)]


def app_load(setup: Setup) -> list[Comparison]:
    """Compare requests per second, what a request costs, and the memory after them."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise CommandFailed("wrk is not on PATH: apt-get install wrk")
    images = _images(setup)
    costs = {name: _Costs() for name in images}
    loads = {name: partial(_load, setup.workspace, image, wrk, costs[name]) for name, image in images.items()}
    rates = in_turns(loads, setup.rounds_or(_LOAD_ROUNDS))
    cpu = {name: one.cpu[1:] for name, one in costs.items()}
    memory = {name: one.memory[1:] for name, one in costs.items()}
    how = f"`wrk` with {_CONNECTIONS} connections for {_LOAD_SECONDS} s; no answer had another status, no error"
    counted = "of all processes in the container, as the engine counts it, during the requests of the row above"
    shown = "as `docker stats` shows it, right after these requests"
    return [
        _row("requests per second", rates, goal=3.0, checked=how, more_is_better=True, as_text="{:,.0f}".format),
        _row("processor's time per request", cpu, goal=1.0, checked=counted, as_text=_milliseconds),
        _row("memory after the requests", memory, goal=2.0, checked=shown, as_text=megabytes),
    ]


def _row(  # noqa: PLR0913  what a row says
    name: str,
    taken: Mapping[str, Sequence[float]],
    *,
    goal: float,
    checked: str,
    more_is_better: bool = False,
    as_text: Callable[[float], str] = seconds,
) -> Comparison:
    return Comparison(
        name=f"app: {name}",
        peer="the tutorial's image",
        ours=taken["seatrial"],
        other=taken["tutorial"],
        goal=goal,
        checked=checked,
        more_is_better=more_is_better,
        as_text=as_text,
    )


def _milliseconds(value: float) -> str:
    return f"{value * 1000:.2f} ms"


@dataclass(frozen=True, kw_only=True)
class _Costs:
    """What each load of an image cost: seconds of processor per request, and bytes of memory after it."""

    cpu: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


def _images(setup: Setup) -> dict[str, str]:
    """Build both images, unless that was done; return their names."""
    names = {name: f"{setup.workspace.name}/image-{name}:1" for name in _CONTEXTS}
    for name, context in _CONTEXTS.items():
        if not setup.workspace.docker("images", "--quiet", names[name]).output():
            say(f"building the image of {name}")
            setup.workspace.build(f"image-{name}:1", str(context)).output(attempts=2)  # a RUN needs the network
    return names


def _size(workspace: Workspace, image: str) -> int:
    return int(workspace.docker("image", "inspect", "--format", "{{.Size}}", image).output())


@contextmanager
def _answering(workspace: Workspace, image: str) -> Iterator[tuple[str, int]]:
    """Start a container and yield its id and port once its page comes; remove it."""
    began = time.monotonic()
    run = workspace.docker("run", "--detach", "--label", workspace.label, "--publish", "127.0.0.1::5000", image)
    container = run.output().strip()
    try:
        port = workspace.port(container)
        while _TEXT not in (page(port, timeout=_GIVE_UP_SECONDS) or ""):
            if time.monotonic() - began > _GIVE_UP_SECONDS:
                raise CommandFailed(f"{image} did not answer:\n{workspace.docker('logs', container).output()}")
            time.sleep(_POLL_SECONDS)
        yield container, port
    finally:
        workspace.docker("rm", "--force", "--volumes", container).output()


def _first_answer(workspace: Workspace, image: str) -> float:
    began = time.perf_counter()
    with _answering(workspace, image):
        return time.perf_counter() - began


def _load(workspace: Workspace, image: str, wrk: str, costs: _Costs) -> float:
    """Return the requests per second of a new container, and add what they cost to `costs`."""
    with _answering(workspace, image) as (container, port):
        words = (wrk, "--threads", "1", "--connections", str(_CONNECTIONS), "--duration", f"{_LOAD_SECONDS}s")
        before = _cpu_seconds(container)
        printed = Command(words=(*words, f"http://127.0.0.1:{port}/")).output()
        taken = _cpu_seconds(container) - before
        requests = re.search(r"^ *([0-9]+) requests in", printed, re.MULTILINE)
        rate = re.search(r"^Requests/sec: +([0-9.]+)", printed, re.MULTILINE)
        if rate is None or requests is None or "Non-2xx" in printed or "Socket errors" in printed:
            raise CommandFailed(f"wrk against {image}:\n{printed}")
        shown = workspace.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", container).output()
        number, unit = re.findall(r"([0-9.]+)([KMG]?i?B)", shown)[0]
        costs.cpu.append(taken / int(requests[1]))
        costs.memory.append(float(number) * _UNITS[unit])
        return float(rate[1])


def _cpu_seconds(container: str) -> float:
    """Return the seconds of processor that a container's processes have taken."""
    with closing(docker.from_env()) as client:
        found = client.api.stats(container, stream=False, one_shot=True)
    return int(found["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9
