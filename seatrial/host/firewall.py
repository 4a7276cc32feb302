"""A short-lived redirect of this machine's own connections, from one port on 127.0.0.1 to another."""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from seatrial.errors import StepFailed
from seatrial.host.signals import deferred
from seatrial.host.subprocesses import output_of, run_command

__all__ = ["Iptables", "Redirect", "Redirects"]

_PROGRAM = "iptables"
_CONNECTIONS_PROGRAM = "conntrack"
_LOCK_SECONDS = "5"
_UNLISTED = "only root may look, and not while another program holds its lock"
_RULE = re.compile(r"--dport (\d+)\b.*--comment \"?seatrial/([^/\s\"]+)/([^/\s\"]+)\"?\s.*--to-ports (\d+)\b")


@dataclass(frozen=True, kw_only=True)
class Redirect:
    """New connections to `port` go to `to_port`; `owner` is the container name it is for, `run` who put it there."""

    owner: str
    run: str
    port: int
    to_port: int


class Redirects(Protocol):
    """Who can redirect connections on this machine."""

    def unavailable_reason(self) -> str | None:
        """Say why connections cannot be redirected here; None when they can."""
        ...

    def put(self, redirect: Redirect) -> None:
        """Send new connections on from now on; one that is there already is fine. `StepFailed` otherwise."""
        ...

    def remove(self, redirect: Redirect) -> None:
        """Send them on no more; connections that are established go on, an absent redirect is fine.

        `StepFailed` when it may still be there.
        """
        ...

    def list(self, owner: str) -> tuple[Redirect, ...] | None:
        """Return the redirects that are there for an owner; None where they cannot be looked at."""
        ...

    def bypass(self, redirect: Redirect) -> AbstractContextManager[int]:
        """Return a port that leads, meanwhile, to whoever listens on the redirected port itself."""
        ...

    def drop_connections(self, port: int) -> None:
        """Let no connection to a port that was reset decide where a new one goes, as far as that can be had."""
        ...


class Iptables:
    """Redirects as rules of the firewall, which the kernel carries out; only root may look at them.

    Each rule says in a comment whose it is. It is asked of the first packet of a connection only: what is established
    stays where it is, when the rule comes and when it goes.
    """

    def unavailable_reason(self) -> str | None:
        """Say why connections cannot be redirected here; None when they can."""
        if shutil.which(_PROGRAM) is None:
            return f"there is no {_PROGRAM} on PATH"
        return None if self._listed() is not None else f"{_PROGRAM} does not list its rules ({_UNLISTED})"

    def put(self, redirect: Redirect) -> None:
        """Send new connections on from now on; one that is there already is fine. `StepFailed` otherwise."""
        action = f"port {redirect.port} cannot be redirected"
        if not self._is_present(redirect, action):
            run_command(_words("-I", redirect), action=action, own_session=True)

    def remove(self, redirect: Redirect) -> None:
        """Send them on no more; connections that are established go on, an absent redirect is fine.

        `StepFailed` when it may still be there.
        """
        action = f"the redirect of port {redirect.port} cannot be taken away"
        with deferred():
            if self._is_present(redirect, action):
                run_command(_words("-D", redirect), action=action, own_session=True)

    def list(self, owner: str) -> tuple[Redirect, ...] | None:
        """Return the redirects that are there for an owner; None where they cannot be looked at."""
        listed = self._listed()
        return None if listed is None else tuple(one for one in _redirects(listed) if one.owner == owner)

    @contextmanager
    def bypass(self, redirect: Redirect) -> Iterator[int]:
        """Yield a port that leads, meanwhile, to whoever listens on the redirected port itself.

        A packet is redirected once: what comes by the other port is not asked of the first rule.
        """
        with socket.socket() as reserved:
            reserved.bind(("127.0.0.1", 0))  # so that nobody else takes it
            bypass_port = int(reserved.getsockname()[1])
            bypass_rule = replace(redirect, port=bypass_port, to_port=redirect.port)
            try:
                self.put(bypass_rule)
                yield bypass_port
            finally:
                self.remove(bypass_rule)

    def drop_connections(self, port: int) -> None:
        """Let no connection to a port that was reset decide where a new one goes, as far as that can be had.

        For ten seconds the kernel would send one that comes from the same client's port where that one went: only the
        program conntrack can tell it otherwise.
        """
        closed = ["-p", "tcp", "-d", "127.0.0.1", "--dport", str(port), "--state", "CLOSE"]
        output_of([_CONNECTIONS_PROGRAM, "-D", *closed], own_session=True)

    def _is_present(self, redirect: Redirect, action: str) -> bool:
        """Return whether it is there; `StepFailed(action)` where that cannot be told."""
        listed = self._listed()
        if listed is None:
            reason = f"{_PROGRAM} does not list its rules ({_UNLISTED})"
            raise StepFailed(
                action, reason=reason, hint=f"see what {_PROGRAM} -t nat -S OUTPUT says, then run it again"
            )
        return redirect in _redirects(listed)

    def _listed(self) -> str | None:
        """Return the rules for this machine's own connections as iptables writes them; None where it does not."""
        return output_of([_PROGRAM, "-w", _LOCK_SECONDS, "-t", "nat", "-S", "OUTPUT"], own_session=True)


def _redirects(listed: str) -> tuple[Redirect, ...]:
    """Read the redirects out of iptables' list; its other rules are somebody else's."""
    found = (_RULE.search(line) for line in listed.splitlines())
    return tuple(
        Redirect(owner=rule[2], run=rule[3], port=int(rule[1]), to_port=int(rule[4])) for rule in found if rule
    )


def _words(action: str, redirect: Redirect) -> list[str]:
    """Return the command that puts a rule (-I) or takes it away (-D)."""
    match = ["-p", "tcp", "-d", "127.0.0.1", "--dport", str(redirect.port), "--syn"]
    comment = ["-m", "comment", "--comment", f"seatrial/{redirect.owner}/{redirect.run}"]
    target = ["-j", "REDIRECT", "--to-ports", str(redirect.to_port)]
    return [_PROGRAM, "-w", _LOCK_SECONDS, "-t", "nat", action, "OUTPUT", *match, *comment, *target]
