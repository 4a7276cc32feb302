"""What a measurement ran on."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path

from bench import ansible
from bench.timing import Command, CommandFailed
from bench.workspace import REPOSITORY, Workspace

__all__ = ["commit", "machine"]


def machine(workspace: Workspace, *, with_ansible: bool) -> dict[str, str]:
    """Return the parts of the machine that matter for the numbers, by name."""
    info = json.loads(workspace.docker("info", "--format", "{{json .}}").output())
    client = workspace.docker("version", "--format", "{{.Client.Version}}").output().strip()
    found = {
        "processors": f"{os.cpu_count()}, {_processor()}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{info['OperatingSystem']}, Linux {'.'.join(platform.release().split('.')[:2])}",
        "engine": f"Docker {info['ServerVersion']}, image store {info['Driver']}",
        "docker CLI": f"{client}, with BuildKit",
        "Python": f"{platform.python_version()} ({platform.python_implementation()})",
    }
    return {**found, "Ansible": ansible.version()} if with_ansible else found


def commit() -> str:
    """Return what git calls the current commit."""
    words = ("git", "-C", str(REPOSITORY), "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*")
    try:
        return Command(words=words).output().strip()
    except (CommandFailed, OSError):
        return "unknown"


def _processor() -> str:
    """Return the processor's name."""
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
