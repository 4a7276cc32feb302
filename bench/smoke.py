"""Measure the smoke test: delay of readiness, compared with polling every millisecond, and time to a failed verdict.

    .venv/bin/python bench/smoke.py [--rounds N] [--verdicts N] [--json FILE]

The app reports when it began to listen, by the monotonic clock that all processes of a machine share. So the delay
does not include the start of the container.
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from bench.timing import CommandFailed, Row, in_turns, say, table
from bench.workspace import BASE, Workspace, workspace
from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.probe import probe
from seatrial.checks.http.response import Expected
from seatrial.engine.docker.engine import DockerEngine
from seatrial.engine.model import ContainerSpec
from seatrial.model.app import Check
from tests.cli_project import Project, make_project
from tests.waiting import page

__all__ = ["main"]

_ROUNDS = 15
_VERDICTS = 5
_PORT = 5000
_POLL_SECONDS = 0.001
_GIVE_UP_SECONDS = 30.0
_READINESS_GOAL, _CRASH_GOAL, _WRONG_GOAL = 0.02, 2.0, 1.0
_APP = f"""\
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

time.sleep(0.2)


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"listens since {{since}}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = HTTPServer(("", {_PORT}), Page)
since = time.monotonic()
server.serve_forever()
"""
_SINCE = re.compile(r"listens since ([0-9]+\.[0-9]+)")


@contextmanager
def _started(engine: DockerEngine, image_id: str, label: str) -> Iterator[tuple[str, int]]:
    """Start a container; yield its id and its port."""
    key, _, value = label.partition("=")
    name = f"{value}-{secrets.token_hex(4)}"
    spec = ContainerSpec(name=name, image_id=image_id, labels={key: value}, port=_PORT)
    made = engine.create(spec, lambda _: None)
    try:
        engine.start(made)
        container = engine.container(made)
        if container is None or not container.ports:
            raise CommandFailed(f"{name} has no published port")
        yield made, container.ports[_PORT]
    finally:
        engine.remove(made)


def _delay(engine: DockerEngine, image_id: str, label: str, find: Callable[[DockerEngine, str, int], None]) -> float:
    """Return the seconds from when the app listened until `find` noticed it."""
    with _started(engine, image_id, label) as (made, port):
        find(engine, made, port)
        return time.monotonic() - _since(page(port) or "")


def _with_seatrial(engine: DockerEngine, made: str, port: int) -> None:
    def alive() -> bool:
        now = engine.container(made)
        return now is not None and now.running

    expected = Expected(version="1")
    (result,) = probe(BaseUrl(port=port), (Check(),), expected=expected, seconds=_GIVE_UP_SECONDS, alive=alive)
    if result.problem:
        raise CommandFailed(f"the app did not answer: {result.problem}")


def _with_a_poller(engine: DockerEngine, made: str, port: int) -> None:  # noqa: ARG001  the same signature as _with_seatrial
    began = time.monotonic()
    while page(port, timeout=_GIVE_UP_SECONDS) is None:
        if time.monotonic() - began > _GIVE_UP_SECONDS:
            raise CommandFailed("the app did not answer")
        time.sleep(_POLL_SECONDS)


def _readiness(place: Workspace, rounds: int) -> tuple[Row, dict[str, list[float]]]:
    say("readiness: building")
    context = place.folder / "ready"
    context.mkdir()
    (context / "app.py").write_text(_APP)
    (context / "Dockerfile").write_text(f'FROM {place.base}\nCOPY app.py /app.py\nCMD ["python3", "/app.py"]\n')
    place.build("ready:1", str(context)).output()
    image_id = place.image_id(f"{place.name}/ready:1")
    say("readiness: seconds from listening to detected")
    engine = DockerEngine()
    try:
        finders = {"seatrial": _with_seatrial, "poller": _with_a_poller}
        delay = partial(_delay, engine, image_id, place.label)
        taken = in_turns({name: partial(delay, find) for name, find in finders.items()}, rounds)
    finally:
        engine.close()
    ours, other = median(taken["seatrial"]), median(taken["poller"])
    row = Row(
        name="listening to detected",
        ours=_ms(ours),
        other=_ms(other),
        ratio=f"{_ms(ours - other)} more",
        goal=f"<= {_ms(_READINESS_GOAL)} more",
        met=ours - other <= _READINESS_GOAL,
    )
    return row, taken


def _verdicts(place: Workspace, rounds: int) -> tuple[list[Row], dict[str, list[float]]]:
    folder = place.folder / "project"
    folder.mkdir()
    project = make_project(folder, name=place.name, base=place.base, port=_PORT)
    say("verdicts: invoke smoke of an app that crashes at start")
    project.write(source="raise SystemExit(3)\n")
    crash = [_failed(project, "exit code 3").seconds for _ in range(_build(project, rounds))]
    say("verdicts: invoke smoke of an app with the wrong page")
    project.write(source=_APP)
    wrong = []
    for _ in range(_build(project, rounds)):
        done = _failed(project, "listens since")
        wrong.append(done.ended - _since(done.out))
    rows = [
        _verdict("crash at start: the whole command", crash, _CRASH_GOAL),
        _verdict("wrong page: from listening to the command's end", wrong, _WRONG_GOAL),
    ]
    return rows, {"crash": crash, "wrong": wrong}


@dataclass(frozen=True, kw_only=True)
class _Failed:
    """A command that failed as expected: its output, its seconds, and the monotonic time of its end."""

    out: str
    seconds: float
    ended: float


def _failed(project: Project, words: str) -> _Failed:
    done = project.invoke("smoke")
    ended = time.monotonic()
    if done.code != 1 or words not in done.all:
        raise CommandFailed(f"invoke smoke did not fail for {words!r}:\n{done.all}")
    say(f"  {done.seconds:.3f}")
    return _Failed(out=done.all, seconds=done.seconds, ended=ended)


def _build(project: Project, rounds: int) -> int:
    """Build the project; return `rounds`."""
    done = project.invoke("build", "--version", "1")
    if done.code:
        raise CommandFailed(done.all)
    return rounds


def _since(text: str) -> float:
    found = _SINCE.search(text)
    if not found:
        raise CommandFailed(f"the app did not report when it began to listen: {text}")
    return float(found[1])


def _verdict(name: str, taken: list[float], goal: float) -> Row:
    middle = median(taken)
    return Row(
        name=name,
        ours=f"{middle:.3f} s",
        other=f"{max(taken):.3f} s",
        ratio="",
        goal=f"< {goal:g} s",
        met=middle < goal,
    )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print the tables; return the exit code, 1 if a measurement failed."""
    parser = argparse.ArgumentParser(description="Measure how fast the smoke test decides.")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="number of apps each waits for, after one warm-up")
    parser.add_argument("--verdicts", type=int, default=_VERDICTS, help="number of smoke tests of each bad app")
    parser.add_argument("--base", default=BASE, help="the base image, which must exist in the engine")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the raw numbers in seconds to this file")
    given = parser.parse_args(words)
    try:
        with workspace(given.base) as place:
            ready, delays = _readiness(place, given.rounds)
            verdicts, taken = _verdicts(place, given.verdicts)
    except CommandFailed as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    print(table([ready], heads=("readiness", "seatrial", "1 ms poller", "", "goal", "")))
    print()
    print(table(verdicts, heads=("bad verdict", "median", "longest", "", "goal", "")))
    if given.json:
        given.json.write_text(json.dumps({"readiness": delays, "verdicts": taken}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
