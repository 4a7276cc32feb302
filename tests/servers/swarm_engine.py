"""An engine that is a swarm of its own, in a network namespace, for the tests of deployments.

Nothing of it is left afterwards, and the usual engine does not see it. Its published ports are on the 127.0.0.1 of its
namespace, so that the tests run in there, too.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import docker
from docker.errors import DockerException

from seatrial.errors import EngineUnavailable
from seatrial.host.subprocesses import run_command
from tests.servers.second_engine import furnish

__all__ = ["swarm_engine"]

_ADDRESS = "10.215.0.1"
_ARGUMENTS = ("--bip=10.215.1.1/24", "--default-address-pool=base=10.215.128.0/17,size=24", "--group=root")
_START_SECONDS = 60.0
_STOP_SECONDS = 40


@contextmanager
def swarm_engine() -> Iterator[tuple[list[str], str]]:
    """Run an engine that manages a swarm of one node; yield the words before a command in its network, and its address.

    Raise `EngineUnavailable` if that cannot be done here.
    """
    if os.geteuid() != 0:
        raise EngineUnavailable(
            "there is no swarm for tests here", reason="only root can make a network", hint="run it as root, on Linux"
        )
    namespace = f"seatrial-swarm-{os.getpid()}"
    inside = ["nsenter", f"--net=/run/netns/{namespace}"]
    with tempfile.TemporaryDirectory(prefix="seatrial-swarm-", dir="/var/lib") as folder:
        try:
            _connect(namespace)
            with _dockerd(inside, Path(folder)) as host:
                furnish(host)
                with closing(docker.APIClient(host)) as client:
                    client.init_swarm(advertise_addr=_ADDRESS)
                yield inside, host
        finally:
            subprocess.run(["ip", "netns", "delete", namespace], capture_output=True, check=False)


def _connect(namespace: str) -> None:
    """Make a network namespace with a loopback device and one address, which the swarm needs."""
    action = "the network of the swarm cannot be made"
    run_command(["ip", "netns", "add", namespace], action=action)
    ip = ["ip", "-netns", namespace]
    run_command([*ip, "link", "set", "lo", "up"], action=action)
    run_command([*ip, "link", "add", "node0", "type", "bridge"], action=action)
    run_command([*ip, "address", "add", f"{_ADDRESS}/24", "dev", "node0"], action=action)
    run_command([*ip, "link", "set", "node0", "up"], action=action)


@contextmanager
def _dockerd(inside: list[str], folder: Path) -> Iterator[str]:
    """Run dockerd with all that it has in a folder, and yield its address."""
    host, log = f"unix://{folder}/docker.sock", folder / "dockerd.log"
    places = (f"--data-root={folder}/data", f"--exec-root={folder}/exec", f"--pidfile={folder}/docker.pid")
    with log.open("wb") as file:
        daemon = subprocess.Popen(
            [*inside, "dockerd", f"--host={host}", *places, *_ARGUMENTS],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(host, daemon, log)
        yield host
    finally:
        daemon.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            daemon.wait(_STOP_SECONDS)
        daemon.kill()
        daemon.wait()


def _wait(host: str, daemon: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while daemon.poll() is None and time.monotonic() < deadline:
        with suppress(DockerException), closing(docker.APIClient(host)) as client:
            client.ping()
            return
        time.sleep(0.1)
    last = log.read_text("utf-8", "replace").splitlines()[-1:]
    raise EngineUnavailable("the engine of the swarm cannot be started", reason=" ".join(last), hint="docker info")
