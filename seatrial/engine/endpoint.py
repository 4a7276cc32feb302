"""Where the engine is, found by the docker CLI's rules: DOCKER_HOST, else a context, else the default socket."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from seatrial.errors import CredentialsError, UsageError, sanitize
from seatrial.host.docker_config import DockerConfig
from seatrial.host.subprocesses import output_of
from seatrial.settings.variables import Environment

__all__ = ["LOOPBACK", "Endpoint", "TlsFiles", "find_endpoint", "is_loopback"]

LOOPBACK = "127.0.0.1"

_SOCKET = "unix:///var/run/docker.sock"
_TLS_ENGINE = "tcp://localhost:2376"
_TCP_PORT = 2375
_HINT = "for example unix:///var/run/docker.sock, tcp://HOST:2376 or ssh://USER@HOST"


class TlsFiles(Struct, frozen=True, kw_only=True):
    """How the client speaks TLS: `authority` None means this machine's; without `verify` any server is accepted."""

    authority: Path | None
    client: tuple[Path, Path] | None
    verify: bool


class Endpoint(Struct, frozen=True, kw_only=True):
    """An engine's address: `url` as in DOCKER_HOST, complete and without credentials; `chosen_by` is what named it."""

    url: str
    chosen_by: str
    tls: TlsFiles | None = None

    @property
    def socket(self) -> str | None:
        """The path of a Unix socket; None for an engine that is reached otherwise."""
        return self.url.removeprefix("unix://") if self.url.startswith("unix://") else None

    @property
    def host(self) -> str | None:
        """The host of an engine that is reached over the network; None for a Unix socket."""
        return None if self.socket else urlsplit(self.url).hostname

    @property
    def published_host(self) -> str:
        """The host at which published ports answer: 127.0.0.1, or that of an engine on another machine."""
        host = _ssh_host(self.host) if self.host and self.url.startswith("ssh:") else self.host
        return LOOPBACK if host is None or is_loopback(host) else host


@cache
def _ssh_host(name: str) -> str:
    """Return the host's name or address, for which `name` may be another word in ssh's own configuration."""
    lines = (output_of(["ssh", "-G", "--", name]) or "").splitlines()
    return next((line.partition(" ")[2] for line in lines if line.startswith("hostname ")), name)


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def find_endpoint(environment: Environment) -> Endpoint:
    """Return the engine's endpoint; raise `UsageError` for an unknown context or an address that is not valid."""
    if environment.docker_host:
        return _default(environment, "DOCKER_HOST")
    if environment.docker_context:
        name, chosen_by = environment.docker_context, f"DOCKER_CONTEXT={environment.docker_context}"
    else:
        name = _current_context(environment.docker_config)
        chosen_by = f"context {name}"
    return (
        _default(environment, chosen_by) if name == "default" else _context(environment.docker_config, name, chosen_by)
    )


def _current_context(folder: Path) -> str:
    try:
        return DockerConfig.read(folder / "config.json").context
    except CredentialsError:
        return "default"  # as the docker CLI, which warns of the damaged file


def _default(environment: Environment, chosen_by: str) -> Endpoint:
    """Return what the variables name, with TLS if one of them asks for it."""
    tls = _tls_of_variables(environment) if environment.docker_tls or environment.docker_tls_verify else None
    text = (environment.docker_host or "").strip() or (_TLS_ENGINE if tls else _SOCKET)
    return Endpoint(url=_url(text, chosen_by), chosen_by=chosen_by, tls=tls)


def _tls_of_variables(environment: Environment) -> TlsFiles:
    folder = environment.docker_cert_path or environment.docker_config
    authority, certificate, key = (folder / f"{name}.pem" for name in ("ca", "cert", "key"))
    if not authority.is_file():
        variable = "DOCKER_TLS_VERIFY" if environment.docker_tls_verify else "DOCKER_TLS"
        raise UsageError(
            f"{variable} needs certificates",
            reason=f"there is no {authority}",
            hint=f"set DOCKER_CERT_PATH to the folder with ca.pem, cert.pem and key.pem, or: unset {variable}",
        )
    return TlsFiles(authority=authority, client=_pair(certificate, key), verify=environment.docker_tls_verify)


def _context(folder: Path, name: str, chosen_by: str) -> Endpoint:
    """Return the endpoint of a context of the docker CLI, which keeps it under the hash of its name."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    file = folder / "contexts/meta" / digest / "meta.json"
    try:
        found = json.loads(file.read_text("utf-8"))
        endpoint: Mapping[str, Any] = found["Endpoints"]["docker"]
        text, skip = str(endpoint.get("Host") or _SOCKET), bool(endpoint.get("SkipTLSVerify"))
    except FileNotFoundError as error:
        shown = sanitize(repr(name), limit=60)
        config = folder / "config.json"
        named = "DOCKER_CONTEXT" if chosen_by.startswith("DOCKER_CONTEXT") else f"currentContext in {config}"
        raise UsageError(
            f"context {shown}: context not found",
            reason=f"{named} names it",
            hint="docker context ls, then: docker context use NAME",
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"the docker context {name} cannot be read",
            reason=f"{file}: {type(error).__name__}: {error}",
            hint=f"docker context rm {name}, then create it again",
        ) from error
    files = folder / "contexts/tls" / digest / "docker"
    authority, client = files / "ca.pem", _pair(files / "cert.pem", files / "key.pem")
    tls = None
    if skip or authority.is_file() or client:
        tls = TlsFiles(authority=authority if authority.is_file() else None, client=client, verify=not skip)
    return Endpoint(url=_url(text, chosen_by), chosen_by=chosen_by, tls=tls)


def _pair(certificate: Path, key: Path) -> tuple[Path, Path] | None:
    return (certificate, key) if certificate.is_file() and key.is_file() else None


def _url(text: str, chosen_by: str) -> str:
    """Return a complete address, as the docker CLI understands it; raise `UsageError` for one that it refuses."""
    scheme, separator, rest = text.strip().partition("://")
    if not separator:
        scheme, rest = "tcp", scheme
    try:
        if scheme == "unix" and "://" not in rest:
            return f"unix://{Path(rest).absolute()}" if rest else _SOCKET
        if scheme in ("tcp", "ssh") and "://" not in rest:
            return _network_url(scheme, urlsplit(f"{scheme}://{rest}"))
        raise ValueError("its scheme is not unix, tcp or ssh")  # noqa: TRY301  the same sentence around it
    except ValueError as error:
        shown = sanitize(repr(_masked(text)), limit=100)
        what = "DOCKER_HOST" if chosen_by == "DOCKER_HOST" else f"the host of the docker {chosen_by}"
        raise UsageError(f"{what} is not a valid address", reason=f"{shown}: {error}", hint=_HINT) from None


def _network_url(scheme: str, parts: SplitResult) -> str:
    host = parts.hostname or ""
    port = parts.port  # raises ValueError
    shown = f"[{host}]" if ":" in host else host
    if parts.query or parts.fragment:
        raise ValueError("an address has no query")
    if scheme == "tcp":
        return f"tcp://{shown or 'localhost'}:{_TCP_PORT if port is None else port}{parts.path}"
    if not host:
        raise ValueError("it names no host")
    if parts.password is not None:
        raise ValueError("a password cannot be given in it")
    user = f"{parts.username}@" if parts.username else ""
    return f"ssh://{user}{shown}{'' if port is None else f':{port}'}{parts.path.rstrip('/')}"


def _masked(text: str) -> str:
    """Return an address without the password in it."""
    login, separator, host = text.rpartition("@")
    if not separator:
        return text
    scheme, separator, _ = login.partition("://")
    return f"{scheme}://***@{host}" if separator else f"***@{host}"
