"""The network of a second engine: a bridge, and the firewall rules that connect its containers."""

from __future__ import annotations

import json
import subprocess

from seatrial.host.subprocesses import run_command
from seatrial.steps.setup.engine import widest_mtu

__all__ = ["connect", "disconnect"]


def connect(bridge: str, network: str) -> None:
    """Create a bridge and firewall rules for a network; `network` is the first two numbers of its addresses."""
    action = f"the bridge {bridge} of the second engine cannot be created"
    run_command(["ip", "link", "add", bridge, "address", _hardware_address(network), "type", "bridge"], action=action)
    run_command(["ip", "address", "add", f"{network}.0.1/24", "dev", bridge], action=action)
    run_command(["ip", "link", "set", bridge, "mtu", str(widest_mtu()), "up"], action=action)
    for table, chain, rule in _rules(network):
        run_command(["iptables", "--wait", "-t", table, "-I", chain, *rule], action=action)


def disconnect(bridge: str, network: str) -> None:
    """Remove the rules, the bridge, and all other bridges with addresses of the network."""
    for table, chain, rule in _rules(network):
        if _succeeds(["iptables", "--wait", "-t", table, "-C", chain, *rule]):
            run_command(["iptables", "--wait", "-t", table, "-D", chain, *rule], action="a rule cannot be removed")
    listing = subprocess.run(["ip", "-json", "address", "show", "type", "bridge"], capture_output=True, check=True)
    for found in json.loads(listing.stdout or b"[]"):
        addresses = [address.get("local", "") for address in found.get("addr_info", ())]
        if found.get("ifname") == bridge or any(one.startswith(f"{network}.") for one in addresses):
            run_command(["ip", "link", "delete", found["ifname"]], action="a bridge cannot be removed")


def _hardware_address(network: str) -> str:
    """Return a fixed address; otherwise a bridge uses one of its ports' and loses packets when ports change."""
    return ":".join(["02", "42", *(f"{int(number):02x}" for number in network.split(".")), "00", "01"])


def _rules(network: str) -> tuple[tuple[str, str, list[str]], ...]:
    ours = f"{network}.0.0/16"
    return (
        ("filter", "FORWARD", ["-s", ours, "-j", "ACCEPT"]),
        ("filter", "FORWARD", ["-d", ours, "-j", "ACCEPT"]),
        ("nat", "POSTROUTING", ["-s", ours, "!", "-d", ours, "-j", "MASQUERADE"]),
    )


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0
