"""Server certificates from a new, unknown authority, and a way to make the engine trust it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.servers.host_name import etc_lock

__all__ = ["Certificate", "issue", "trusting"]

_DOCKER = Path("/etc/docker")
_TIME = "%Y%m%d%H%M%SZ"
_EC_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
# `openssl ca`, as `x509 -req` has no option for the start date before OpenSSL 3.4.
_SETTINGS = """
[ca]
default_ca = tests
[tests]
database = {folder}/database
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = names
[names]
commonName = supplied
[req]
distinguished_name = subject
[subject]
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:false
extendedKeyUsage = serverAuth
subjectAltName = {kind}:{name}
authorityKeyIdentifier = keyid
"""


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """PEM files: a server's certificate and key, and the certificate of the authority that signed it."""

    authority: Path
    certificate: Path
    key: Path


def issue(folder: Path, name: str, *, ended: bool = False) -> Certificate:
    """Create an authority and a server's certificate for `name` in an empty folder.

    It is valid until tomorrow, or until yesterday if `ended`. The server's files are in a subfolder of their own.
    """
    issued = Certificate(
        authority=folder / "ca.pem",
        certificate=folder / "server/certificate.pem",
        key=folder / "server/key.pem",
    )
    issued.key.parent.mkdir()
    settings = folder / "openssl.cnf"
    settings.write_text(_SETTINGS.format(folder=folder, name=name, kind="IP" if name[:1].isdigit() else "DNS"))
    (folder / "database").touch()
    (folder / "serial").write_text("01\n")
    authority_key, request = str(folder / "ca.key"), str(folder / "request.pem")
    day = timedelta(days=1)
    end = datetime.now(UTC) + (-day if ended else day)
    times = ["-startdate", f"{end - 2 * day:{_TIME}}", "-enddate", f"{end:{_TIME}}"]
    new = ["req", "-config", str(settings), "-new", *_EC_KEY]
    own = ["-x509", "-days", "1", "-extensions", "authority", "-subj", "/CN=tests"]
    signing = ["-cert", str(issued.authority), "-keyfile", authority_key, "-extensions", "server", *times]
    _openssl(*new, *own, "-keyout", authority_key, "-out", str(issued.authority))
    _openssl(*new, "-subj", f"/CN={name}", "-keyout", str(issued.key), "-out", request)
    _openssl(
        *("ca", "-batch", "-notext", "-config", str(settings), *signing),
        *("-in", request, "-out", str(issued.certificate)),
    )
    return issued


@contextmanager
def trusting(host: str, authority: Path) -> Iterator[None]:
    """Make this machine's engine trust the authority for this registry host during the block."""
    folder = _DOCKER / "certs.d" / host
    with etc_lock():
        folder.mkdir(parents=True)
        shutil.copyfile(authority, folder / "ca.crt")
    try:
        yield
    finally:
        with etc_lock():
            shutil.rmtree(folder)
            if not any(folder.parent.iterdir()):
                folder.parent.rmdir()


def _openssl(*arguments: str) -> None:
    done = subprocess.run(
        ["openssl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
