"""Measure the memory that a long build and a long push take, beside short ones.

    .venv/bin/python bench/memory.py [--megabytes N] [--events N] [--only WORD]

The engine ends a step's output at 2 MiB, and a push reports each layer some ten times a second. So a proxy before the
engine sends one of the engine's own messages again and again: a piece of a build's output until the build has printed
500 MB, a layer's progress until a push has reported it 100,000 times. Everything else is the engine's. The memory is
the process's resident set at its peak.
"""

from __future__ import annotations

import argparse
import base64
import compileall
import json
import os
import pty
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import seatrial
from bench.growing import INVOKE, GrowingProject
from bench.timing import CommandFailed, say
from bench.workspace import Workspace, workspace
from seatrial.engine.builders.buildkit_status import status_from_protobuf
from tests.servers.engine_proxy import EngineFault, Repeat, engine_proxy

__all__ = ["Peak", "measure", "memory_table"]

_BASE = "localhost/seatrial/python:3.13"
_MEGABYTES, _EVENTS = 500, 100_000
_ALLOWED = 10e6  # bytes that a long run may take beyond a short one
_PRINTED = 1_000_000
_DOCKERFILE = """\
FROM {base}
COPY . /srv
RUN python3 -c "for _ in range({lines}): print('x' * 79)"
CMD ["python3", "/srv/app.py"]
"""
# A small process between: the kernel counts the memory of the one that starts a program as the program's, too.
_RUNNER = """
import os, resource, sys
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as file:
    print(usage.ru_maxrss, usage.ru_utime + usage.ru_stime, file=file)
sys.exit(status)
"""


@dataclass(frozen=True, kw_only=True)
class Peak:
    """What a run took: its bytes of memory at the peak, and its seconds of processor."""

    name: str
    shown: str
    memory: float
    cpu: float
    beyond: float = 0.0

    @property
    def flat(self) -> bool:
        """Whether a long run takes hardly more than a short one."""
        return self.beyond <= _ALLOWED


def _peak(words: Sequence[str], folder: Path, docker_host: str, *, terminal: bool) -> tuple[float, float]:
    """Run a program; return its bytes of memory and its seconds of processor."""
    environment = {**os.environ, "DOCKER_HOST": docker_host, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    with tempfile.NamedTemporaryFile() as note, _drained(terminal=terminal) as output:
        runner = [sys.executable, "-I", "-S", "-c", _RUNNER, note.name, *words]
        done = subprocess.run(
            runner, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
        )
        if done.returncode:
            raise CommandFailed(f"{' '.join(words)} exited with {done.returncode}")
        kilobytes, seconds = note.read().split()
    return int(kilobytes) * 1024, float(seconds)


@contextmanager
def _drained(*, terminal: bool) -> Iterator[int]:
    """Yield a terminal or a pipe to write to, whose output is dropped."""
    reader, writer = pty.openpty() if terminal else os.pipe()

    def drain() -> None:
        with suppress(OSError):
            while os.read(reader, 65536):
                pass

    thread = threading.Thread(target=drain, daemon=True)
    thread.start()
    try:
        yield writer
    finally:
        os.close(writer)
        thread.join()
        os.close(reader)


def _output_until(size: float) -> Callable[[bytes], int]:
    """Return how often a message with output must be sent so that the build has printed `size` bytes."""

    def copies(message: bytes) -> int:
        found = json.loads(message)
        if found.get("id") != "moby.buildkit.trace":
            return 0
        status = status_from_protobuf(base64.b64decode(found["aux"]))
        # Not a message that also ends the step.
        ends = status is None or any(vertex.completed for vertex in status.vertexes)
        printed = 0 if status is None or ends else sum(len(log.data) for log in status.logs)
        return int(size / printed) if printed > _PRINTED / 1000 else 0

    return copies


def _progress(events: int) -> Callable[[bytes], int]:
    """Return how often a message about a layer in transfer must be sent."""
    return lambda message: events if json.loads(message).get("status") == "Pushing" else 0


@dataclass(frozen=True, kw_only=True)
class _Runs:
    """The runs of one project, short and long."""

    project: GrowingProject

    def build(self, *flags: str, terminal: bool = False, fault: EngineFault | None = None) -> tuple[float, float]:
        """Build with a step that prints a megabyte."""
        self.project.change()
        text = _DOCKERFILE.format(base=self.project.workspace.base, lines=_PRINTED // 80)
        (self.project.context / "Dockerfile").write_text(text)
        return self._run(("build", "--version", "dev", *flags), terminal=terminal, fault=fault)

    def push(self, *flags: str, terminal: bool = False, fault: EngineFault | None = None) -> tuple[float, float]:
        """Push an image with a new layer of some megabytes."""
        (self.project.context / "random").write_bytes(secrets.token_bytes(4_000_000))
        self.project.write_dockerfile()
        version = f"1.{secrets.randbelow(10**6) + 1}.0"
        self.project.run("build", "--version", version, "smoke", "tag")
        return self._run(("push", "--version", version, *flags), terminal=terminal, fault=fault)

    def _run(self, words: Sequence[str], *, terminal: bool, fault: EngineFault | None) -> tuple[float, float]:
        with engine_proxy(*filter(None, [fault])) as proxy:
            return _peak((INVOKE, *words), self.project.folder, proxy.docker_host, terminal=terminal)


def measure(place: Workspace, megabytes: int, events: int, only: str) -> Iterator[Peak]:
    """Measure builds and pushes: in a pipe, on a terminal, with --json and with --verbose."""
    project = GrowingProject(workspace=place, name="memory", host=place.registry()).make("layers", 1)
    runs = _Runs(project=project)
    output = Repeat(path=r"/build\b", copies=_output_until(megabytes * 1e6))
    pushed = Repeat(copies=_progress(events))
    kinds = (
        ("build", f"{megabytes} MB printed", runs.build, output),
        ("push", f"{events:,} events", runs.push, pushed),
    )
    for name, long, run, fault in kinds:
        if only not in name:
            continue
        for shown, flags, terminal in (
            ("in a pipe", (), False),
            ("on a terminal", (), True),
            ("--json", ("--json",), False),
        ):
            memory, cpu = run(*flags, terminal=terminal)
            yield Peak(name=f"{name}, short", shown=shown, memory=memory, cpu=cpu)
            more, cpu = run(*flags, terminal=terminal, fault=fault)
            yield Peak(name=f"{name}, {long}", shown=shown, memory=more, cpu=cpu, beyond=more - memory)


def memory_table(peaks: Sequence[Peak]) -> str:
    """Return the peaks as a table in Markdown."""
    lines = ["| run | output | memory | beyond the short one | processor |", "|---|---|---|---|---|"]
    for one in peaks:
        beyond = f"{one.beyond / 1e6:+.1f} MB" if one.beyond else ""
        lines.append(f"| {one.name} | {one.shown} | {one.memory / 1e6:.1f} MB | {beyond} | {one.cpu:.1f} s |")
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print the table; return the exit code, 1 if a run failed or took more memory than it may."""
    parser = argparse.ArgumentParser(description="Measure the memory of long builds and pushes.")
    parser.add_argument("--megabytes", type=int, default=_MEGABYTES, help="what the long build prints")
    parser.add_argument("--events", type=int, default=_EVENTS, help="what the long push reports")
    parser.add_argument("--only", default="", metavar="WORD", help="measure only build or push")
    parser.add_argument("--base", default=_BASE, help="the base image, which must exist in the engine")
    given = parser.parse_args(words)
    compileall.compile_dir(Path(seatrial.__file__).parent, quiet=1)  # as pip and ./inv do
    peaks: list[Peak] = []
    try:
        with workspace(given.base) as place:
            for peak in measure(place, given.megabytes, given.events, given.only):
                say(f"{peak.name}, {peak.shown}: {peak.memory / 1e6:.1f} MB, {peak.cpu:.1f} s")
                peaks.append(peak)
    except CommandFailed as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    print(memory_table(peaks))
    return not all(one.flat for one in peaks)


if __name__ == "__main__":
    sys.exit(main())
