"""The environment variables of this process, and what they say: no other room reads them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

__all__ = ["Environment", "GitHub", "environment", "variables"]


def variables(**more: str) -> dict[str, str]:
    """Return this process's environment variables, with `more` instead of those of the same name."""
    return {**os.environ, **more}


class GitHub(NamedTuple):
    """A job on GitHub Actions: the files in which it takes outputs and summary, and the folder of its repository."""

    output: Path | None
    summary: Path | None
    workspace: Path | None


class Environment(NamedTuple):
    """What the environment variables say; every command reads them, and a dataclass takes long to make.

    `docker_config` is Docker's configuration folder, `command` is the program's name as the user typed it. `plain`
    turns off colours and animations: in CI, with NO_COLOR, on a dumb terminal. `terminal` True treats the output as a
    terminal; None detects it. `github` is set in a job on GitHub Actions, `gitlab` in one of GitLab CI. `auth_config`
    holds the credentials of DOCKER_AUTH_CONFIG. The others say where the engine is, as for the docker CLI; `proxies`
    are by scheme, and `no` are the hosts without one. `settings` is the environment that SEATRIAL_ENV names, such as
    staging. `desktop` is whether somebody sees windows: not in CI.
    """

    docker_config: Path
    command: str
    plain: bool
    terminal: bool | None
    github: GitHub | None = None
    gitlab: bool = False
    docker_host: str | None = None
    docker_context: str | None = None
    docker_tls: bool = False
    docker_tls_verify: bool = False
    docker_cert_path: Path | None = None
    proxies: Mapping[str, str] = {}
    auth_config: str = ""
    settings: str = ""
    desktop: bool = False


def environment() -> Environment:
    """Return the environment of this process."""
    given = variables()
    folder = given.get("DOCKER_CONFIG")
    certificates = given.get("DOCKER_CERT_PATH")
    proxies = {
        scheme: given.get(f"{scheme}_proxy".upper()) or given.get(f"{scheme}_proxy")
        for scheme in ("http", "https", "no")
    }
    return Environment(
        docker_config=Path(folder) if folder else _home() / ".docker",
        command=given.get("SEATRIAL_COMMAND") or Path(sys.argv[0]).name,
        plain=bool(given.get("CI") or given.get("NO_COLOR")) or given.get("TERM") == "dumb",
        terminal=True if given.get("FORCE_COLOR") or given.get("TTY_COMPATIBLE") == "1" else None,
        github=_github(given) if given.get("GITHUB_ACTIONS") == "true" else None,
        gitlab=bool(given.get("GITLAB_CI")),
        docker_host=given.get("DOCKER_HOST"),
        docker_context=given.get("DOCKER_CONTEXT"),
        auth_config=given.get("DOCKER_AUTH_CONFIG", ""),
        settings=given.get("SEATRIAL_ENV", ""),
        desktop=not given.get("CI")
        and (bool(given.get("DISPLAY") or given.get("WAYLAND_DISPLAY")) or sys.platform in ("darwin", "win32")),
        docker_tls=bool(given.get("DOCKER_TLS")),
        docker_tls_verify=bool(given.get("DOCKER_TLS_VERIFY")),
        docker_cert_path=Path(certificates) if certificates else None,
        proxies={scheme: value for scheme, value in proxies.items() if value},
    )


def _github(given: Mapping[str, str]) -> GitHub:
    output, summary, workspace = (
        Path(path) if (path := given.get(f"GITHUB_{name}")) else None
        for name in ("OUTPUT", "STEP_SUMMARY", "WORKSPACE")
    )
    return GitHub(output=output, summary=summary, workspace=workspace)


def _home() -> Path:
    """Return the user's folder; one that does not exist for a user who has none, as in many containers."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/nonexistent")
