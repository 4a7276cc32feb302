"""The engine over TCP or TLS, and a network from which it is elsewhere."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import pytest

from tests.servers.certificates import Certificate
from tests.servers.local_server import accepting

__all__ = ["OtherNetwork", "engine_over_tcp", "other_network"]


@dataclass(frozen=True, kw_only=True)
class OtherNetwork:
    """A network namespace; `host` is this machine's address from there."""

    name: str
    host: str

    def command(self, *words: str) -> list[str]:
        """Return a command that runs there."""
        return ["netns", "exec", self.name, *words]


@contextmanager
def other_network() -> Iterator[OtherNetwork]:
    """Yield a network namespace that is connected to this machine by a cable; skip the test without root."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("only root can make a network namespace")
    name = f"seatrial-{secrets.token_hex(3)}"
    cable = f"st{secrets.token_hex(4)}"
    third, fourth = secrets.randbelow(256), secrets.randbelow(64) * 4
    here, there = f"10.212.{third}.{fourth + 1}", f"10.212.{third}.{fourth + 2}"
    _ip("netns", "add", name)
    try:
        _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("address", "add", f"{here}/30", "dev", cable)
        _ip("link", "set", cable, "up")
        _ip("-n", name, "address", "add", f"{there}/30", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", name, "link", "set", device, "up")
        yield OtherNetwork(name=name, host=here)
    finally:
        _ip("netns", "delete", name)  # the cable goes with it


@contextmanager
def engine_over_tcp(address: str, certificate: Certificate | None = None) -> Iterator[int]:
    """Pass on what comes to a port of this address to the engine's socket, and yield the port."""
    upstream = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    if certificate:
        context.load_cert_chain(certificate.certificate, certificate.key)

    def converse(accepted: socket.socket) -> None:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as engine:
            client = context.wrap_socket(accepted, server_side=True) if certificate else accepted
            with client:
                engine.connect(upstream)
                threading.Thread(target=_pass_on, args=(client, engine), daemon=True).start()
                _pass_on(engine, client)

    with accepting(address, converse) as port:
        yield port


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
