"""Ansible in a venv of its own beside this file, made when it is first needed; git ignores it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from bench.timing import Command, CommandFailed, say

__all__ = ["playbook", "version"]

_VENV = Path(__file__).parent / ".venv-ansible"
_STAMP = _VENV / "complete"
# `ansible` holds the collection community.docker, which needs requests.
_PACKAGES = ("ansible", "requests")


def playbook(file: Path, home: Path, **values: object) -> Command:
    """Return the run of a playbook with these values of its variables; Ansible's own files go to `home`."""
    environment = {
        "ANSIBLE_HOME": str(home),
        "ANSIBLE_REMOTE_TEMP": str(home / "tmp"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
    }
    return Command(
        words=(_program("ansible-playbook"), str(file), "--extra-vars", json.dumps(values)), environment=environment
    )


def version() -> str:
    """Return the versions of Ansible and of its collection for Docker."""
    core = Command(words=(_program("ansible"), "--version")).output().partition("]")[0].partition("[")[2]
    listed = Command(words=(_program("ansible-galaxy"), "collection", "list", "community.docker")).output()
    collection = next(line.split()[1] for line in listed.splitlines() if line.startswith("community.docker "))
    return f"ansible-{core.replace(' ', ' ')}, community.docker {collection}"


def _program(name: str) -> str:
    """Return the path of a program of the venv, which is made first if it is not complete."""
    if not _STAMP.exists():
        say("installing Ansible into bench/.venv-ansible (about a minute, once)")
        shutil.rmtree(_VENV, ignore_errors=True)
        Command(words=(sys.executable, "-m", "venv", str(_VENV))).output()
        pip = (str(_VENV / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        Command(words=(*pip, *_PACKAGES)).output(attempts=2)
        _STAMP.touch()
    program = _VENV / "bin" / name
    if not program.exists():
        raise CommandFailed(f"bench/.venv-ansible has no {name}: delete the folder and try again")
    return str(program)
