"""Redirects in memory: put and taken away as those of the firewall, and nobody is redirected."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from seatrial.host.firewall import Redirect

__all__ = ["MemoryRedirects", "firewall_rules"]


class MemoryRedirects:
    """A twin of `Iptables`; `why_not` is what stands in its way, if anything does, and `told` all that was done."""

    def __init__(self, why_not: str | None = None) -> None:
        self.why_not = why_not
        self.rules: list[Redirect] = []
        self.told: list[str] = []

    def obstacle(self) -> str | None:
        """Say why connections cannot be redirected."""
        return self.why_not

    def put(self, redirect: Redirect) -> None:
        """Remember it."""
        if redirect not in self.rules:
            self.rules.append(redirect)
            self.told.append(f"put {redirect.port}")

    def remove(self, redirect: Redirect) -> None:
        """Forget it."""
        if redirect in self.rules:
            self.rules.remove(redirect)
            self.told.append(f"removed {redirect.port}")

    def there(self, owner: str) -> tuple[Redirect, ...] | None:
        """Give those of an owner."""
        return None if self.why_not else tuple(rule for rule in self.rules if rule.owner == owner)

    @contextmanager
    def past(self, redirect: Redirect) -> Iterator[int]:
        """Give the port itself: nobody is redirected."""
        yield redirect.port

    def forget(self, port: int) -> None:
        """Nothing was kept."""


def firewall_rules(project: str = "") -> list[str] | None:
    """Give the rules for this machine's own connections, or a project's; None where they cannot be looked at."""
    try:
        words = ["iptables-save", "-t", "nat"]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return [line for line in done.stdout.splitlines() if f"seatrial/{project}" in line]
