"""A running engine: found, or installed and started on Debian and Ubuntu."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from seatrial.engine.planned import planned_engine
from seatrial.engine.protocol import Emit
from seatrial.errors import EngineUnavailable
from seatrial.events import Info
from seatrial.host.subprocesses import run_command
from seatrial.model.shell import ShellCommand
from seatrial.pipeline.outcome import Difference
from seatrial.pipeline.step import Change, Explanation, NoChange, Step
from seatrial.pipeline.world import PlannedState, World
from seatrial.steps.setup.debian import install, may_install

__all__ = ["EngineRunning", "EngineStopped", "widest_mtu"]

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_SYSTEMD = Path("/run/systemd/system")
_USUAL_MTU = 1500
_OUR_ENDPOINTS = ("unix:///var/run/docker.sock", "unix:///run/docker.sock")


@dataclass(frozen=True, kw_only=True)
class EngineRunning(Step):
    """A Docker Engine is running."""

    name: str = "engine"

    def plan(self, world: World) -> Change | NoChange:
        """Ask the engine for its version."""
        try:
            info = world.engine.info()
        except EngineUnavailable as error:
            if world.engine.endpoint not in _OUR_ENDPOINTS:
                raise error.but(hint="start the engine there, or unset DOCKER_HOST, then: invoke up") from error
            if not may_install():
                hint = "install and start Docker (https://docs.docker.com/engine/install/), then: invoke up"
                raise error.but(hint=hint) from error
            return Change(
                diff=(Difference(name=world.engine.endpoint, before=None, after="a Docker engine"),),
                would=f"start dockerd at {world.engine.endpoint}",
                done=f"started dockerd at {world.engine.endpoint}",
                planned=PlannedState(engine=planned_engine(world.engine.endpoint)),
            )
        return NoChange(message=f"Docker {info.version} answers at {info.endpoint}", identity=info.endpoint)

    def explain(self, world: World) -> Explanation:
        """Return the start of the engine as a command."""
        start = ShellCommand(
            argv=("systemctl", "start", "docker"),
            unless=("docker", "info"),
            object="the Docker Engine",
            effect="is started, unless it answers",
        )
        return Explanation(
            commands=(start,),
            notes=(
                "installs Docker where it is missing (on Debian and Ubuntu), and starts dockerd where systemd does not",
            ),
        )

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Install Debian's engine if there is none, start it, and wait until it answers."""
        install("dockerd", "docker.io", emit)
        if _SYSTEMD.is_dir():
            run_command(["systemctl", "start", "docker"], action="cannot start the engine")
            _wait(world, None, Path("journalctl -u docker"))
            return
        log = world.state.folder / "dockerd.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        emit(Info(text=f"starting dockerd, log in {log}"))
        with log.open("ab") as file:
            daemon = subprocess.Popen(
                ["dockerd", f"--mtu={widest_mtu()}"],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        world.state.save_started_engine(daemon.pid)
        _wait(world, daemon, log)


@dataclass(frozen=True, kw_only=True)
class EngineStopped(Step):
    """The engine that `up` started is not running; any other one is left alone."""

    name: str = "engine"

    def plan(self, world: World) -> Change | NoChange:
        """Look for its process."""
        pid = world.state.started_engine()
        if pid is None or not _is_dockerd(pid):
            return NoChange(message="no engine that up started is running")
        diff = (Difference(name="dockerd", before=f"pid {pid}", after=None),)
        return Change(
            would=f"stop dockerd (pid {pid})", done=f"stopped dockerd (pid {pid})", before=str(pid), diff=diff
        )

    def explain(self, world: World) -> Explanation:
        """Return the end of the engine as a command, if `up` started one."""
        pid = world.state.started_engine()
        if pid is None:
            return Explanation(notes=("stops an engine only if up started it",))
        stop = ShellCommand(argv=("kill", str(pid)), object="the Docker Engine", effect="that up started is stopped")
        return Explanation(commands=(stop,))

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Send SIGTERM, and wait until it ends."""
        world.engine.close()
        pid = world.state.started_engine()
        if pid is None:
            return
        with suppress(ProcessLookupError):  # it has just ended by itself
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while _is_dockerd(pid) and time.monotonic() < deadline:
            time.sleep(0.1)
        world.state.save_started_engine(pid if _is_dockerd(pid) else None)


def widest_mtu() -> int:
    """Return the MTU of the default route, which Docker's bridge must not exceed: larger packets would be lost."""
    try:
        routes = [line.split() for line in Path("/proc/net/route").read_text().splitlines()[1:]]
        device = next(fields[0] for fields in routes if fields[1] == "00000000")
        return min(int(Path(f"/sys/class/net/{device}/mtu").read_text()), _USUAL_MTU)
    except (OSError, StopIteration, ValueError, IndexError):
        return _USUAL_MTU


def _wait(world: World, daemon: subprocess.Popen[bytes] | None, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            world.engine.info()
        except EngineUnavailable as error:
            if daemon and daemon.poll() is not None:
                reason = f"dockerd ended with exit code {daemon.returncode}"
                details = tuple(log.read_text("utf-8", "replace").splitlines()[-10:])
            elif time.monotonic() < deadline:
                time.sleep(0.1)
                continue
            else:
                reason, details = f"it did not answer within {_START_SECONDS:g} s: {error.reason}", ()
            raise EngineUnavailable(
                "cannot start the engine", reason=reason, hint=f"look at {log}", details=details
            ) from error
        return


def _is_dockerd(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return "(dockerd)" in status and ") Z " not in status
