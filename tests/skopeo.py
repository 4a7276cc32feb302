"""Read a registry with skopeo, which is independent of Seatrial, Docker and requests."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.servers.registries import TestRegistry

__all__ = ["digest", "manifest", "tags"]

_SECONDS = 60
# Its exit code is 1 for every failure. These are the registry's texts for a missing image, and its own for a 404.
_NOT_FOUND = ("manifest unknown", "repository name not known", "404 (Not Found)")


def digest(registry: TestRegistry, repository: str, tag: str) -> str | None:
    """Return the digest of what the registry holds under a tag, computed from its bytes; None without such a tag."""
    raw = _inspect(registry, repository, tag)
    return None if raw is None else f"sha256:{hashlib.sha256(raw).hexdigest()}"


def manifest(registry: TestRegistry, repository: str, tag: str) -> dict[str, Any] | None:
    """Return the manifest or the index that the registry holds under a tag; None if there is no such tag."""
    raw = _inspect(registry, repository, tag)
    return None if raw is None else dict(json.loads(raw))


def tags(registry: TestRegistry, repository: str) -> list[str]:
    """Return all tags of a repository, sorted."""
    raw = _skopeo(registry, "list-tags", f"docker://{registry.host}/{repository}")
    return [] if raw is None else sorted(json.loads(raw)["Tags"])


def _inspect(registry: TestRegistry, repository: str, tag: str) -> bytes | None:
    return _skopeo(registry, "inspect", "--raw", f"docker://{registry.host}/{repository}:{tag}")


def _skopeo(registry: TestRegistry, command: str, *words: str) -> bytes | None:
    """Return what skopeo prints; None if the registry does not have it; fail on any other error."""
    if shutil.which("skopeo") is None:
        if os.environ.get("CI"):
            pytest.fail("there is no skopeo, and under CI no test may be skipped for that: ./inv test installs it")
        pytest.skip("there is no skopeo: ./inv test installs it")
    with tempfile.TemporaryDirectory() as folder:
        options = ["--authfile", str(_logins(registry, Path(folder)))]
        if registry.ca:
            shutil.copyfile(registry.ca, Path(folder) / "ca.crt")
            options += ["--cert-dir", folder]
        else:
            options.append("--tls-verify=false")
        done = subprocess.run(
            ["skopeo", command, *options, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    if done.returncode == 0:
        return done.stdout
    problem = done.stderr.decode("utf-8", "replace")
    assert any(text in problem for text in _NOT_FOUND), problem
    return None


def _logins(registry: TestRegistry, folder: Path) -> Path:
    """Return a file with the login, as everybody can read a process's arguments; the file is empty without a login."""
    entry = base64.b64encode(f"{registry.user}:{registry.password}".encode()).decode()
    file = folder / "auth.json"
    file.write_text(json.dumps({"auths": {registry.host: {"auth": entry}} if registry.user else {}}))
    return file
