"""Redirects in the real firewall: what they do to connections, and that nothing of them stays."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from seatrial.errors import StepFailed
from seatrial.host.firewall import Iptables, Redirect
from tests.host.memory_redirects import firewall_rules

needs_root = pytest.mark.skipif(firewall_rules() is None, reason="only root may redirect connections")


@contextmanager
def _answering(word: bytes) -> Iterator[int]:
    """Yield the port of a server that answers every line with its word, as long as the connection lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def converse(line: socket.socket) -> None:
            with line, suppress(OSError):
                while line.recv(100):
                    line.sendall(word)

        def loop() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=converse, args=(listener.accept()[0],), daemon=True).start()

        threading.Thread(target=loop, daemon=True).start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)


def _asked(line: socket.socket) -> bytes:
    line.sendall(b"who?")
    return line.recv(100)


def _who(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        return _asked(line)


@pytest.fixture
def redirect() -> Iterator[Redirect]:
    """A redirect between two servers that answer `old` and `new`; in the end the firewall holds nothing of it."""
    with _answering(b"old") as old, _answering(b"new") as new:
        found = Redirect(owner=f"test-{old}", run="0badcafe", port=old, to_port=new)
        yield found
        Iptables().remove(found)
        assert firewall_rules(found.owner) == []


@needs_root
def test_new_connections_go_elsewhere(redirect: Redirect) -> None:
    """While it is there new connections are redirected; those that are established stay, then and afterwards."""
    firewall = Iptables()
    with socket.create_connection(("127.0.0.1", redirect.port)) as early:
        assert _asked(early) == b"old"
        firewall.put(redirect)
        with socket.create_connection(("127.0.0.1", redirect.port)) as late:
            assert (_asked(early), _asked(late)) == (b"old", b"new")
            firewall.remove(redirect)
            assert (_asked(early), _asked(late)) == (b"old", b"new")
    assert _who(redirect.port) == b"old"


@needs_root
def test_it_is_found_by_its_owner(redirect: Redirect) -> None:
    """A redirect is found again with all it says, and only by whose it is."""
    firewall = Iptables()
    assert firewall.list(redirect.owner) == ()
    firewall.put(redirect)

    assert firewall.list(redirect.owner) == (redirect,)
    assert firewall.list(redirect.owner[:-1]) == ()


@needs_root
def test_twice_is_as_once(redirect: Redirect) -> None:
    """Putting one that is there, and taking away one that is not, change nothing."""
    firewall = Iptables()
    firewall.put(redirect)
    firewall.put(redirect)
    assert firewall.list(redirect.owner) == (redirect,)

    firewall.remove(redirect)
    firewall.remove(redirect)

    assert firewall.list(redirect.owner) == ()


@needs_root
def test_past_a_redirect(redirect: Redirect) -> None:
    """A side entrance leads to who listens on the redirected port, as long as it is needed."""
    firewall = Iptables()
    firewall.put(redirect)
    with firewall.bypass(redirect) as entrance:
        assert (_who(redirect.port), _who(entrance)) == (b"new", b"old")
    with pytest.raises(ConnectionRefusedError):
        _who(entrance)


@needs_root
@pytest.mark.skipif(shutil.which("conntrack") is None, reason="needs conntrack")
def test_a_connection_that_was_reset(redirect: Redirect) -> None:
    """A new connection from the port of one that was reset goes where it should, once that one is forgotten."""
    firewall = Iptables()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        rule = replace(redirect, port=listener.getsockname()[1])
        line = socket.create_connection(listener.getsockname())
        place = line.getsockname()
        taken, _ = listener.accept()
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        taken.close()
        line.close()
        try:
            firewall.put(rule)
            firewall.drop_connections(rule.port)
            with socket.create_connection(("127.0.0.1", rule.port), timeout=5, source_address=place) as again:
                assert _asked(again) == b"new"
        finally:
            firewall.remove(rule)


@needs_root
def test_nothing_stands_in_its_way() -> None:
    """Where root may look at the firewall there is no obstacle."""
    assert Iptables().unavailable_reason() is None


def test_without_iptables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where there is no iptables that is said, and nobody claims to know what is redirected."""
    monkeypatch.setenv("PATH", str(tmp_path))

    assert Iptables().unavailable_reason() == "there is no iptables on PATH"
    assert Iptables().list("anybody") is None


@pytest.fixture
def iptables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An iptables that does not list its rules, as without root or while its lock is held; it notes its session."""
    program = tmp_path / "iptables"
    program.write_text(
        f"#!/bin/sh\nread -r _ _ _ _ _ session _ </proc/$$/stat; echo $session >{tmp_path}/session\nexit 4\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return program


def test_rules_that_are_not_listed(iptables: Path) -> None:
    """Where iptables does not list its rules that is an obstacle, and no redirect is taken for absent."""
    rule = Redirect(owner="anybody", run="0badcafe", port=5000, to_port=5001)
    reason = "iptables does not list its rules (only root may look, and not while another program holds its lock)"

    assert iptables.exists()
    assert Iptables().unavailable_reason() == reason
    with pytest.raises(StepFailed, match="port 5000 cannot be redirected") as putting:
        Iptables().put(rule)
    with pytest.raises(StepFailed, match="the redirect of port 5000 cannot be taken away") as removing:
        Iptables().remove(rule)
    assert (putting.value.reason, removing.value.reason) == (reason, reason)


def test_ctrl_c_does_not_reach_it(iptables: Path) -> None:
    """It runs in a session of its own: Ctrl-C in the terminal goes past it."""
    Iptables().unavailable_reason()

    assert int((iptables.parent / "session").read_text()) != os.getsid(0)
