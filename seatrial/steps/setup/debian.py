"""Debian packages: install programs on this machine, and build root file systems for images."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from seatrial.engine.protocol import Emit
from seatrial.errors import EngineUnavailable
from seatrial.events import Info
from seatrial.host.subprocesses import run_command

__all__ = ["install", "may_install", "root_file_system"]

_SUITE = "trixie"
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_WITHOUT = ("doc", "man", "info", "locale", "lintian")


def may_install() -> bool:
    """Return whether we are root on Debian or Ubuntu."""
    return os.geteuid() == 0 and Path("/etc/debian_version").exists() and shutil.which("apt-get") is not None


def install(program: str, package: str, emit: Emit) -> None:
    """Install a package if its program is missing; raise `EngineUnavailable` with the command if we may not."""
    if shutil.which(program):
        return
    if not may_install():
        raise EngineUnavailable(
            f"{program} is not installed",
            reason="Seatrial can install it only as root on Debian or Ubuntu",
            hint=f"sudo apt-get install {package}",
        )
    emit(Info(text=f"installing {package}"))
    action = f"cannot install {package}"
    apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=120"]
    run_command([*apt, "update"], action=action)
    run_command([*apt, "install", "-y", "--no-install-recommends", package], action=action)


@contextmanager
def root_file_system(packages: Sequence[str], hooks: Sequence[str], emit: Emit) -> Iterator[Path]:
    """Yield a tar archive of a small Debian with these packages and this machine's certificate authorities.

    `hooks` are shell commands in which "$1" is the root.
    """
    install("mmdebstrap", "mmdebstrap", emit)
    emit(Info(text=f"building a root file system of Debian {_SUITE} with {', '.join(packages)} (about 30 s)"))
    certificates = [f"copy-in {_CERTIFICATES} {_CERTIFICATES.parent}"] if _CERTIFICATES.exists() else []
    with tempfile.TemporaryDirectory(prefix="seatrial-") as folder:
        Path(folder).chmod(0o755)
        archive = Path(folder) / "root.tar"
        run_command(
            [
                "mmdebstrap",
                "--quiet",
                "--variant=minbase",
                f"--include={','.join((*packages, 'ca-certificates'))}",
                *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _WITHOUT),
                *(f"--customize-hook={hook}" for hook in (*certificates, *hooks)),
                _SUITE,
                str(archive),
            ],
            action="cannot build a root file system of Debian packages",
        )
        yield archive
