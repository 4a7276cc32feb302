"""Requests lost while another version takes over: Seatrial's swap, with redirect and without, and docker stop and run.

    .venv/bin/python bench/swap.py [--rounds N] [--seconds N]

Two versions of this repository's app take turns on one port, under load from three kinds of clients, one after the
other: `wrk` on connections that are kept, `wrk` on a new one for each request (2 threads and 16 connections each), and
one client that asks every 2 ms and measures the longest time between two answers. It needs what `./inv up` makes, wrk,
and root for the redirect.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.timing import Command, CommandFailed, Row, say, table
from bench.workspace import REPOSITORY, Workspace, workspace
from seatrial.host.firewall import Iptables
from tests.servers.load_client import LoadClient
from tests.waiting import answers, wait_until

_BASE = "localhost/seatrial/python:3.13"
_INVOKE = str(Path(sys.executable).parent / "invoke")
_BEFORE_SECONDS = 1.0
_HEADS = ("medians", "lost, kept-alive", "lost, new each", "longest gap", "swap takes", "")
_SETTINGS = """\
seatrial:
  project: {name}
  apps:
    web:
      context: app
      repository: {name}/web
      host_port: {port}
      base_images: [{base}]
      checks: [{{path: /healthz, json: {{status: ok, version: "{{version}}"}}}}]
"""
_TASKS = """\
from seatrial import tasks as seatrial_tasks
from invoke import Collection; ns = Collection.from_module(seatrial_tasks)
"""


@dataclass(frozen=True, kw_only=True)
class Place:
    """The app in a folder of its own, and where it is served."""

    workspace: Workspace
    port: int

    @property
    def url(self) -> str:
        """What the clients ask for."""
        return f"http://127.0.0.1:{self.port}/healthz"

    @property
    def container(self) -> str:
        """The container that serves."""
        return f"{self.workspace.name}-web"

    def seatrial(self, version: str, *, redirect: bool) -> None:
        """Let Seatrial serve a version; without a redirect, iptables is out of its sight."""
        path = os.get_exec_path() if redirect else [one for one in os.get_exec_path() if "sbin" not in one]
        said = "were redirected" if redirect else "s without service"
        environment = {"PATH": os.pathsep.join(path)}
        words = (_INVOKE, "run", "--version", version)
        Command(words=words, folder=self.workspace.folder, environment=environment, must_say=said).output()

    def docker(self, version: str) -> None:
        """Let a version be served as people do it by hand, with the same protection, and wait until it answers."""
        image = f"{self.workspace.name}/web:{version}"
        protected = ("--init", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
        limited = ("--memory", "512m", "--pids-limit", "256", "--tmpfs", "/tmp")  # noqa: S108  in the container
        labelled = ("--label", self.workspace.label, "--label", "seatrial.app=web")  # so that Seatrial may end it
        named = ("--name", self.container, *labelled, "--publish", f"127.0.0.1:{self.port}:5000")
        self.workspace.docker("stop", self.container).output()
        self.workspace.docker("rm", self.container).output()
        self.workspace.docker("run", "--detach", *named, *protected, *limited, image).output()
        wait_until(lambda: answers(self.url))


@dataclass(frozen=True, kw_only=True)
class Load:
    """What came of one swap under load: seconds it took, requests that were answered, requests that were lost."""

    seconds: float
    answered: int
    lost: int
    gap: float = 0.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report."""
    given = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    given.add_argument("--rounds", type=int, default=3, help="swaps by each, under each kind of load")
    given.add_argument("--seconds", type=int, default=12, help="how long wrk asks, around one swap")
    options = given.parse_args(arguments)
    if unavailable_reason := Iptables().unavailable_reason():
        say(f"without redirect only: {unavailable_reason}")
    try:
        with workspace(_BASE) as place:
            print(_report(_prepared(place), options.rounds, options.seconds, redirect=not unavailable_reason))
    except CommandFailed as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _prepared(place: Workspace) -> Place:
    """Return the app with both versions built and the first one served."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    (place.folder / "app").symlink_to(REPOSITORY / "app")
    (place.folder / "invoke.yaml").write_text(_SETTINGS.format(name=place.name, port=port, base=place.base))
    (place.folder / "tasks.py").write_text(_TASKS)
    for version in ("1", "2"):
        Command(words=(_INVOKE, "build", "--version", version), folder=place.folder).output()
    Command(words=(_INVOKE, "run", "--version", "1"), folder=place.folder).output()
    return Place(workspace=place, port=port)


def _report(place: Place, rounds: int, seconds: int, *, redirect: bool) -> str:
    """Let all swap in turns, and give the medians as a table."""
    ways: dict[str, Callable[[str], None]] = {
        "seatrial, redirect": lambda version: place.seatrial(version, redirect=True),
        "seatrial, plain": lambda version: place.seatrial(version, redirect=False),
        "docker stop, rm, run": place.docker,
    }
    if not redirect:
        del ways["seatrial, redirect"]
    came: dict[str, list[tuple[Load, Load, Load]]] = {name: [] for name in ways}
    versions = iter(["2", "1"] * (rounds * len(ways) * 3))
    for number in range(rounds):
        for name in list(ways)[:: -1 if number % 2 else 1]:
            kept = _under_wrk(place, ways[name], next(versions), seconds, "keep-alive")
            new = _under_wrk(place, ways[name], next(versions), seconds, "close")
            gap = _under_visits(place, ways[name], next(versions))
            came[name].append((kept, new, gap))
            say(f"  {number}  {name}: lost {kept.lost} and {new.lost}, gap {gap.gap * 1000:.0f} ms")
    return table([_row(name, loads) for name, loads in came.items()], heads=_HEADS)


def _row(name: str, loads: list[tuple[Load, Load, Load]]) -> Row:
    kept, new, visits = zip(*loads, strict=True)
    return Row(
        name=name,
        ours=_lost(kept),
        other=_lost(new),
        ratio=f"{median(one.gap for one in visits) * 1000:,.0f} ms",
        goal=f"{median(one.seconds for one in visits):.1f} s",
        met=all(one.lost == 0 for one in (*kept, *new, *visits)) if name.endswith("redirect") else None,
    )


def _lost(loads: Sequence[Load]) -> str:
    return f"{median(one.lost for one in loads):,.0f} of {median(one.answered for one in loads):,.0f}"


def _under_wrk(place: Place, swap: Callable[[str], None], version: str, seconds: int, connection: str) -> Load:
    """Swap while wrk asks; what it counts as an error or as another status than 200 is lost."""
    words = ["wrk", "-t2", "-c16", f"-d{seconds}s", "--timeout", "5s", "-H", f"Connection: {connection}", place.url]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as wrk:
        try:
            time.sleep(_BEFORE_SECONDS)
            began = time.perf_counter()
            swap(version)
            took = time.perf_counter() - began
            if wrk.poll() is not None:
                raise CommandFailed(f"the swap outlasted wrk ({took:.1f} s): --seconds {2 * seconds}")
            printed, _ = wrk.communicate(timeout=seconds + 30)
        finally:
            wrk.kill()
    answered = re.search(r"(\d+) requests in", printed)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", printed)
    others = re.search(r"Non-2xx or 3xx responses: (\d+)", printed)
    if answered is None:
        raise CommandFailed(f"wrk said:\n{printed}")
    lost = sum(map(int, errors.groups() if errors else ())) + (int(others[1]) if others else 0)
    return Load(seconds=took, answered=int(answered[1]), lost=lost)


def _under_visits(place: Place, swap: Callable[[str], None], version: str) -> Load:
    """Swap while one client asks every 2 ms, each time by a new connection."""
    with LoadClient(port=place.port, path="/healthz", pause=0.002) as load_client:
        time.sleep(_BEFORE_SECONDS)
        began = time.perf_counter()
        swap(version)
        took = time.perf_counter() - began
        time.sleep(_BEFORE_SECONDS)
    return Load(seconds=took, answered=load_client.count, lost=len(load_client.lost), gap=load_client.longest_gap)


if __name__ == "__main__":
    sys.exit(main())
