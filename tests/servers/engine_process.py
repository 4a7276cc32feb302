"""The process of an engine for tests, in a PID namespace: everything of the engine ends with its first process.

An engine is known by the address of its socket, which stands in its command: another process finds it, too.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

import docker
from docker.errors import DockerException

from seatrial.errors import EngineUnavailable

__all__ = ["end_engine", "engine_command", "start_engine"]

_FIRST = "docker-init"
_START_SECONDS = 60.0
_STOP_SECONDS = 40.0


def start_engine(name: str, entrance: Sequence[str], command: Sequence[str], log: Path) -> None:
    """Start dockerd with a command that names its socket, and wait until it answers; `name` is for errors.

    `entrance` are the words before the command, which make the namespaces.
    """
    (host,) = (word.removeprefix("--host=") for word in command if word.startswith("--host="))
    with log.open("wb") as file:
        daemon = subprocess.Popen(
            [*entrance, _FIRST, "--", *command],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(name, host, daemon, log)
    except BaseException:
        daemon.kill()
        daemon.wait()
        raise


def end_engine(name: str, host: str, *signals: signal.Signals) -> None:
    """End an engine by the first of these signals that does it in time; by default as a reboot does."""
    pid = _first_process(host)
    if pid and not any(_ends(pid, one) for one in signals or (signal.SIGTERM, signal.SIGKILL)):
        raise EngineUnavailable(
            f"{name} does not stop", reason=f"its first process, {pid}, is still there", hint=f"ps -fp {pid}"
        )


def engine_command(host: str) -> list[str] | None:
    """Return the command of the running engine, or None if it does not answer."""
    pid = _first_process(host)
    return _command_line(pid)[2:] if pid and _answers(host) else None


def _wait(name: str, host: str, daemon: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _answers(host):
        if daemon.poll() is not None or time.monotonic() > deadline:
            raise EngineUnavailable(
                f"{name} cannot be started",
                reason=f"no answer within {_START_SECONDS:g} s" if daemon.returncode is None else "it has ended",
                hint=f"look at {log}",
            )
        time.sleep(0.05)


def _answers(host: str) -> bool:
    try:
        with closing(docker.APIClient(host)) as client:
            return bool(client.ping())
    except DockerException:
        return False


def _ends(pid: int, how: signal.Signals) -> bool:
    """Send a signal, and return whether the process, the last of its PID namespace, ends in time."""
    deadline = time.monotonic() + _STOP_SECONDS
    with suppress(ProcessLookupError):
        os.kill(pid, how)
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
    return not Path(f"/proc/{pid}").exists()


def _first_process(host: str) -> int | None:
    """Return the PID of the engine's first process, or None."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            command = _command_line(int(entry.name))
            if command[:1] == [_FIRST] and f"--host={host}" in command:
                return int(entry.name)
    return None


def _command_line(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")[:-1]
    except OSError:
        return []
