"""Three engines that are the nodes of a swarm, for the tests of deployments, each in namespaces of its own.

Node 1 manages the swarm. Its network namespace has the bridge that connects them; published ports are on the 127.0.0.1
of their node, so that the tests run in there, too. The usual engine and this machine's network do not see any of it.
A registry for all of them is on node 2, at `localhost:5050` of each node.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import docker

from seatrial.errors import EngineUnavailable
from seatrial.host.subprocesses import run_command
from tests.servers.engine_process import end_engine, start_engine
from tests.servers.second_engine import IMAGES, furnish

__all__ = ["REGISTRY_PORT", "SwarmNode", "obstacle", "swarm_nodes"]

REGISTRY_PORT = 5050
_NODES = 3
_PREFIX = "seatrial-swarm-"
_BRIDGE = "nodes"
_PROGRAMS = ("dockerd", "docker-init", "ip", "iptables", "nsenter", "sysctl", "unshare")
_CGROUPS = Path("/sys/fs/cgroup")
_HEARTBEAT = 1_000_000_000
"""Nanoseconds between a node's signs of life; a node is down when three are missing."""


@dataclass(frozen=True, kw_only=True)
class SwarmNode:
    """A node of the swarm, with all that it has in one folder below that of the swarm."""

    swarm: Path
    number: int

    @classmethod
    def at(cls, docker_host: str) -> list[SwarmNode]:
        """Return the nodes of the swarm whose manager is at this address."""
        swarm = Path(docker_host.removeprefix("unix://")).parents[1]
        return [cls(swarm=swarm, number=number) for number in range(1, _NODES + 1)]

    @property
    def name(self) -> str:
        """Its host name."""
        return f"node{self.number}"

    @property
    def address(self) -> str:
        """Its address in the network of the nodes."""
        return f"10.215.0.{self.number}"

    @property
    def host(self) -> str:
        """Its engine's address, as in DOCKER_HOST."""
        return f"unix://{self.folder}/docker.sock"

    @property
    def folder(self) -> Path:
        """The folder with its data."""
        return self.swarm / self.name

    @property
    def inside(self) -> list[str]:
        """The words before a command in its network."""
        return ["nsenter", f"--net=/run/netns/{self._namespace}"]

    @property
    def _namespace(self) -> str:
        return f"{self.swarm.name}-{self.name}"

    def connect(self) -> None:
        """Make its network namespace, and let it reach the others, and the registry as a port of its own."""
        self._run("ip", "netns", "add", self._namespace)
        ip = ("ip", "-netns", self._namespace)
        device = "eth0"
        if self.number == 1:
            device = _BRIDGE
            self._run(*ip, "link", "add", _BRIDGE, "type", "bridge")
            # Docker lets nothing pass a bridge that is not its own.
            self._run(*self.inside, "iptables", "-I", "FORWARD", "-i", _BRIDGE, "-o", _BRIDGE, "-j", "ACCEPT")
        else:
            bridge = ("ip", "-netns", SwarmNode(swarm=self.swarm, number=1)._namespace)
            peer = ("peer", "name", device, "netns", self._namespace)
            self._run(*bridge, "link", "add", self.name, "type", "veth", *peer)
            self._run(*bridge, "link", "set", self.name, "master", _BRIDGE, "up")
        self._run(*ip, "link", "set", "lo", "up")
        self._run(*ip, "address", "add", f"{self.address}/24", "dev", device)
        self._run(*ip, "link", "set", device, "up")
        home = SwarmNode(swarm=self.swarm, number=2).address
        if self.address != home:
            to_registry = ("-p", "tcp", "--dport", str(REGISTRY_PORT))
            nat = (*self.inside, "iptables", "-t", "nat", "-A")
            self._run(*self.inside, "sysctl", "--quiet", "--write", "net.ipv4.conf.all.route_localnet=1")
            self._run(*nat, "OUTPUT", "-d", "127.0.0.1", *to_registry, "-j", "DNAT", "--to-destination", home)
            self._run(*nat, "POSTROUTING", "-s", "127.0.0.1", "-d", home, *to_registry, "-j", "MASQUERADE")

    def start(self) -> None:
        """Start its engine, as after a boot: what it has on disk is there, and nothing runs."""
        shutil.rmtree(self.folder / "exec", ignore_errors=True)
        self.folder.mkdir(exist_ok=True)
        unshare = ("unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc")
        named = ("sh", "-c", 'hostname "$1"; shift; exec "$@"', "sh", self.name)
        command = (
            "dockerd",
            f"--host={self.host}",
            "--group=root",
            f"--data-root={self.folder}/data",
            f"--exec-root={self.folder}/exec",
            f"--pidfile={self.folder}/exec/docker.pid",
            f"--bip=10.215.{self.number}.1/24",
            "--default-address-pool=base=10.215.128.0/17,size=24",
            f"--cgroup-parent=/{self.swarm.name}",
        )
        start_engine(self.name, (*self.inside, *unshare, *named), command, self.folder / "dockerd.log")

    def stop(self) -> None:
        """End it as a reboot does."""
        end_engine(self.name, self.host)

    def lose(self) -> None:
        """End it and its containers at once, as a power failure does."""
        end_engine(self.name, self.host, signal.SIGKILL)

    def disconnect(self) -> None:
        """Remove its network namespace."""
        subprocess.run(["ip", "netns", "delete", self._namespace], capture_output=True, check=False)

    def _run(self, *command: str) -> None:
        run_command(list(command), action=f"the network of {self.name} cannot be made")


def obstacle() -> str:
    """Return why no such engines can be started here; empty if they can."""
    if os.geteuid() != 0:
        return "only root can make network namespaces"
    if missing := [name for name in _PROGRAMS if shutil.which(name) is None]:
        return f"these programs are missing: {', '.join(missing)}"
    probe = ["unshare", "--net", "--mount", "--pid", "--uts", "--fork", "true"]
    done = subprocess.run(probe, capture_output=True, text=True, check=False)
    return done.stderr.strip()


@contextmanager
def swarm_nodes() -> Iterator[list[SwarmNode]]:
    """Start the engines and join them; afterwards remove all that they left, and check that nothing is left."""
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir="/var/lib") as folder:
        nodes = [SwarmNode(swarm=Path(folder), number=number) for number in range(1, _NODES + 1)]
        try:
            for node in nodes:
                node.connect()
            with ThreadPoolExecutor() as pool:
                list(pool.map(SwarmNode.start, nodes))
                list(pool.map(furnish, [one.host for one in nodes], [IMAGES, IMAGES[1:], ()]))
            _join(nodes)
            yield nodes
        finally:
            with ThreadPoolExecutor() as pool:
                list(pool.map(SwarmNode.lose, nodes))
            for node in nodes:
                node.disconnect()
            _remove_cgroups(nodes[0].swarm.name)
    if left := list(_left(nodes[0].swarm.name)):
        raise EngineUnavailable("the nodes of the swarm left something", reason="; ".join(left), hint="remove it")


def _join(nodes: list[SwarmNode]) -> None:
    manager, *workers = nodes
    with closing(docker.APIClient(manager.host)) as client:
        spec = client.create_swarm_spec(dispatcher_heartbeat_period=_HEARTBEAT)
        client.init_swarm(advertise_addr=manager.address, swarm_spec=spec)
        token = client.inspect_swarm()["JoinTokens"]["Worker"]
    for node in workers:
        with closing(docker.APIClient(node.host)) as client:
            client.join_swarm([manager.address], token, advertise_addr=node.address)


def _remove_cgroups(name: str) -> None:
    for parent in _CGROUPS.glob(f"**/{name}"):
        for folder, _, _ in os.walk(parent, topdown=False):
            with suppress(OSError):  # a process is still in it, which is told below
                Path(folder).rmdir()


def _left(name: str) -> Iterator[str]:
    """Yield what still has the swarm's name: processes and those in its control groups, mounts, folders, networks."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            if any(name.encode() in (process / file).read_bytes() for file in ("cmdline", "cgroup")):
                yield f"process {process.name}"
    if name in Path("/proc/mounts").read_text("utf-8"):
        yield "a mount"
    for found in (*Path("/run/netns").glob(f"{name}*"), *Path("/var/lib").glob(name), *_CGROUPS.glob(f"**/{name}")):
        yield str(found)
