"""Redirects in memory: put and taken away as those of the firewall, and nobody is redirected."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from seatrial.host.firewall import Redirect

__all__ = ["MemoryRedirects", "firewall_rules"]


class MemoryRedirects:
    """`Iptables` in memory; `unavailable` is why it cannot redirect, `calls` is all that was done."""

    def __init__(self, unavailable: str | None = None) -> None:
        self.unavailable = unavailable
        self.rules: list[Redirect] = []
        self.calls: list[str] = []

    def unavailable_reason(self) -> str | None:
        """Say why connections cannot be redirected."""
        return self.unavailable

    def put(self, redirect: Redirect) -> None:
        """Remember it."""
        if redirect not in self.rules:
            self.rules.append(redirect)
            self.calls.append(f"put {redirect.port}")

    def remove(self, redirect: Redirect) -> None:
        """Forget it."""
        if redirect in self.rules:
            self.rules.remove(redirect)
            self.calls.append(f"removed {redirect.port}")

    def list(self, owner: str) -> tuple[Redirect, ...] | None:
        """Return those of an owner."""
        return None if self.unavailable else tuple(rule for rule in self.rules if rule.owner == owner)

    @contextmanager
    def bypass(self, redirect: Redirect) -> Iterator[int]:
        """Yield the port itself: nobody is redirected."""
        yield redirect.port

    def drop_connections(self, port: int) -> None:
        """Nothing was kept."""


def firewall_rules(project: str = "") -> list[str] | None:
    """Return the rules for this machine's own connections, or a project's; None where they cannot be looked at."""
    try:
        words = ["iptables-save", "-t", "nat"]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return [line for line in done.stdout.splitlines() if f"seatrial/{project}" in line]
