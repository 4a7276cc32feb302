"""Measure the memory that a long build and a long push take, beside short ones.

The engine ends a step's output at 2 MiB, and a push reports each layer some ten times a second. So a proxy before the
engine sends one of the engine's own messages again and again: a piece of a build's output until the build has printed
500 MB, a layer's progress until a push has reported it 100,000 times. Everything else is the engine's. The memory is
the process's resident set at its peak.
"""

from __future__ import annotations

import base64
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

from bench.growing import GrowingProject, killed_in_time
from bench.timing import CommandFailed
from bench.workspace import INVOKE, Workspace
from seatrial.engine.builders.buildkit_status import status_from_protobuf
from tests.servers.engine_proxy import EngineFault, Repeat, engine_proxy

__all__ = ["Peak", "memory_table", "peaks_of", "resources"]

_MEGABYTES, _EVENTS = 500, 100_000
_ALLOWED = 10e6  # bytes that a long run may take beyond a short one
_PRINTED, _LINE = 1_000_000, 400  # bytes of a step, and of each of its lines
_LEAST = 1000  # bytes of a message that is sent again
_DOCKERFILE = """\
FROM {base}
COPY . /srv
RUN python3 -c "for _ in range({lines}): print('x' * {width})"
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


def resources(words: Sequence[str], folder: Path, docker_host: str, *, terminal: bool) -> tuple[float, float]:
    """Run a program; return its bytes of memory and its seconds of processor."""
    environment = {**os.environ, "DOCKER_HOST": docker_host, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    with tempfile.NamedTemporaryFile() as note, _drained(terminal=terminal) as output:
        runner = [sys.executable, "-I", "-S", "-c", _RUNNER, note.name, *words]
        process = subprocess.Popen(
            runner,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        with killed_in_time(process):
            exit_code = process.wait()
        if exit_code:
            raise CommandFailed(f"{' '.join(words[1:])} exited with {exit_code}")
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
        return int(size / printed) if printed >= _LEAST else 0

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
        text = _DOCKERFILE.format(base=self.project.workspace.base, lines=_PRINTED // _LINE, width=_LINE - 1)
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
            return resources((INVOKE, *words), self.project.folder, proxy.docker_host, terminal=terminal)


def peaks_of(place: Workspace, host: str, *, megabytes: int = _MEGABYTES, events: int = _EVENTS) -> Iterator[Peak]:
    """Measure builds and pushes: in a pipe, on a terminal, and with --json."""
    project = GrowingProject(workspace=place, name="memory", host=host).make("layers", 1)
    runs = _Runs(project=project)
    output = Repeat(path=r"/build\b", copies=_output_until(megabytes * 1e6))
    pushed = Repeat(copies=_progress(events))
    kinds = (
        ("build", f"{megabytes} MB printed", runs.build, output),
        ("push", f"{events:,} events", runs.push, pushed),
    )
    for name, long, run, fault in kinds:
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
