"""Read the program that a container runs, from the container's files."""

from __future__ import annotations

import base64
import json
import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from seatrial.engine.connection import api_url
from seatrial.engine.inspection import is_in_container
from seatrial.engine.program import HEAD_BYTES, Program, program_of

if TYPE_CHECKING:
    from docker import APIClient

__all__ = ["head_in_host_proc", "read_program"]

_TAR_BLOCK = 512
_LINKS = 8
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_EXECUTABLE = 0o111
# Go's os.FileMode: bits of what is not a regular file.
_NOT_REGULAR = 1 << 31 | 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21


def read_program(client: APIClient, raw: dict[str, Any]) -> Program | None:
    """Return the program of a container, given its `docker inspect` output; None if the file is not there."""
    for path in _candidates(raw):
        file = _executable(client, raw["Id"], path)
        if file and (running := head_in_host_proc(raw["State"].get("Pid") or 0, raw["Id"], file)):
            return program_of(path, running)
        head = _head(client, raw["Id"], file) if file else None
        if head is None:
            continue
        program = program_of(path, head)
        needed, *_ = program.interpreter.split() or [""]
        if not needed.startswith("/") or "\r" in program.interpreter:
            return program
        return replace(program, lacks_interpreter=_executable(client, raw["Id"], needed) is None)
    return None


def _candidates(raw: dict[str, Any]) -> Iterator[str]:
    """Yield the paths that the command may mean, in the order of the container's PATH."""
    command, config = raw.get("Path") or "", raw.get("Config") or {}
    workdir = config.get("WorkingDir") or "/"
    if "/" in command:
        yield posixpath.join(workdir, command)
    elif command:
        environment = dict(str(one).partition("=")[::2] for one in config.get("Env") or ())
        for folder in environment.get("PATH", _PATH).split(":"):
            yield posixpath.join(workdir, folder, command)


def _executable(client: APIClient, container_id: str, path: str) -> str | None:
    """Return the path of an executable file in a container behind all symbolic links; None if there is none."""
    for _ in range(_LINKS):
        # The engine only looks at the file; to send it, it starts another program.
        response = client.head(_url(client, container_id), params={"path": path}, timeout=client.timeout)
        if not response.ok:
            return None
        stat = _stat(response)
        if link := stat.get("linkTarget"):
            path = posixpath.join(posixpath.dirname(path), link)
            continue
        mode = int(stat.get("mode") or 0)
        return None if mode & _NOT_REGULAR or not mode & _EXECUTABLE else path
    return None


def _head(client: APIClient, container_id: str, path: str) -> bytes | None:
    """Return the first bytes of a file in a container; None if it is gone."""
    request = client.get(
        _url(client, container_id),
        params={"path": path},
        headers={"Accept-Encoding": "identity"},
        stream=True,
        timeout=client.timeout,
    )
    with request as response:
        if not response.ok:
            return None
        # A tar of one file: a header of 512 bytes, then the file.
        content = response.raw.read(_TAR_BLOCK + HEAD_BYTES)[_TAR_BLOCK:]
        return bytes(content[: int(_stat(response).get("size") or 0)])


def head_in_host_proc(pid: int, container_id: str, path: str, *, proc: Path = Path("/proc")) -> bytes | None:
    """Return the first bytes of a file that the container's first process, or one that this has started, runs.

    None if none does, or the processes are not this machine's or not to be seen: for a script they run its interpreter.
    """
    try:
        if not is_in_container(pid, container_id, proc=proc):
            return None
        started = (proc / f"{pid}/task/{pid}/children").read_text().split()
        files = (proc / one / "exe" for one in (str(pid), *started))
        if file := next((file for file in files if str(file.readlink()) == path), None):
            with file.open("rb") as program:
                return program.read(HEAD_BYTES)
    except OSError:
        pass
    return None


def _stat(response: Any) -> dict[str, Any]:
    """Return what the engine says about the file that was asked for."""
    found = json.loads(base64.b64decode(response.headers.get("X-Docker-Container-Path-Stat") or "e30="))
    return found if isinstance(found, dict) else {}


def _url(client: APIClient, container_id: str) -> str:
    return api_url(client, f"containers/{container_id}/archive")
