"""Causes that the engine and the kernel know of: memory, platform, command, sockets."""

from __future__ import annotations

from seatrial.diagnosis.evidence import Cause, Evidence
from seatrial.engine.inspection import Socket

__all__ = [
    "bound_to_loopback",
    "command_not_found",
    "ended_at_once",
    "not_executable",
    "other_platform",
    "out_of_memory",
    "removed",
    "surely_wrong_port",
    "wrong_architecture",
    "wrong_port",
]

_MIB = 1024 * 1024
_KILLED = 137
# What runs as process 1 (the engine's --init) says of a command it cannot run.
_INIT = r"exec (?P<command>.+) failed: "
# How shells begin what they say of a command, with the name of the script that they run.
_SHELL = (
    r"^(?:\S*sh|\S+(?=: (?:exec: )?(?:line )?\d)): (?:exec: )?(?:(?:line )?\d+: )?(?:exec: )?(?P<command>[^\s:]+): "
)


def removed(evidence: Evidence) -> Cause | None:
    """Tell when the container is not there any more, or will not be in a moment: to be removed, it was killed."""
    seen = evidence.inspection
    going = seen.state in ("removing", "dead") if seen else not evidence.words or "No such container" in evidence.words
    if not going:
        return None
    return Cause(
        name="container-removed",
        reason="somebody removed its container while it was proved",
        hint="run it again (docker events shows who removes it)",
    )


def out_of_memory(evidence: Evidence) -> Cause | None:
    """Tell when the kernel killed the app, or one of its workers, at the memory limit."""
    seen = evidence.inspection
    if seen is None or evidence.answered:
        return None
    worker = evidence.last(
        r"Worker \(pid:(?P<pid>\d+)\) was sent SIGKILL",
        r"Worker with pid (?P<pid>\d+) was terminated due to signal 9",
        r"worker (?P<pid>\d+) .*killed by signal 9",
    )
    if worker and evidence.last(rf"WORKER TIMEOUT \(pid:{worker['pid']}\)"):
        worker = None  # gunicorn killed it itself
    gave_up = evidence.last(r"JavaScript heap out of memory", r"java\.lang\.OutOfMemoryError", r"^MemoryError\b")
    limit = _mebibytes(seen.memory or evidence.app.memory)
    if seen.oom_killed:
        reason = f"it was killed for memory, limit {limit} MiB"
    elif seen.exit_code == _KILLED and not seen.running:
        reason = f"it was killed (exit code {_KILLED}), as the kernel does at the memory limit of {limit} MiB"
    elif worker:
        reason = f"the app's worker was killed, as the kernel does at the memory limit of {limit} MiB"
    elif gave_up:
        reason = f"it ran out of memory ({gave_up[0]}); the limit is {limit} MiB"
    else:
        return None
    return Cause.to_set("out-of-memory", reason, f"memory: {2 * limit}m", evidence.app)


def wrong_architecture(evidence: Evidence) -> Cause | None:
    """Tell when the kernel cannot run the program: it is for another processor."""
    seen, engine = evidence.inspection, evidence.engine_platform
    foreign = bool(seen and seen.program and engine and seen.program != engine)
    if not foreign and not evidence.last(r"(?i)exec format error"):
        return None
    if cause := other_platform(evidence):
        return cause
    compiled = f": it was compiled for {seen.program}" if seen and foreign else " (exec format error)"
    return Cause.to_build(
        "wrong-architecture",
        f"{_program(evidence)} is no program for {engine or 'this engine'}{compiled}",
        f"take the one for {engine}" if foreign else "take the one that was compiled for it; a script begins with #!",
    )


def other_platform(evidence: Evidence) -> Cause | None:
    """Tell when the image is for another platform than the engine's, and its process has ended."""
    image, engine = evidence.image_platform, evidence.engine_platform
    if not evidence.dead or not image or not engine or image == engine:
        return None
    return Cause(
        name="wrong-architecture",
        reason=f"the image is for {image}, and the engine runs {engine}",
        hint=f"invoke build --platform {engine} smoke",
    )


def command_not_found(evidence: Evidence) -> Cause | None:
    """Tell when CMD or ENTRYPOINT names a program that is not in the image."""
    if not evidence.dead and not evidence.words:
        return None
    found = evidence.last(
        _INIT + r"No such file or directory",
        r"exec: \"(?P<command>[^\"]+)\": (?:executable file not found|stat .*no such file)",
    ) or evidence.said(
        _SHELL + r"(?:command )?not found$",
        r"can't open file '(?P<command>[^']+)': \[Errno 2\]",
        r"Cannot find module '(?P<command>/[^']+)'(?! imported)",
    )
    if not found:
        return None
    command = found["command"]
    if command.startswith("/") or "/" in command:
        reason, hint = f"there is no {command} in the image", f"COPY it there, or mend CMD (now: {evidence.typed})"
        if command == _program(evidence):
            hint += "; a script's first line must name a shell that is there, with Unix line ends"
    else:
        reason = f"the program {command} is not in the image"
        hint = f"install {command} in the Dockerfile, or mend CMD (now: {evidence.typed})"
    return Cause.to_build("command-not-found", reason, hint)


def not_executable(evidence: Evidence) -> Cause | None:
    """Tell when CMD or ENTRYPOINT names a file that may not be run."""
    found = evidence.last(
        _INIT + r"Permission denied",
        r"exec: \"(?P<command>[^\"]+)\": permission denied",
        r"^(?:/bin/)?\w*sh: (?:line )?(?:\d+: )?(?:exec: )?(?P<command>[^\s:]+): Permission denied",
    )
    if not found or evidence.running:
        return None
    command = found["command"]
    return Cause.to_build(
        "permission-denied",
        f"{command} may not be run by {_user(evidence)}: it is not executable",
        f"COPY --chmod=755, or let CMD name its interpreter first (now: {evidence.typed})",
    )


def bound_to_loopback(evidence: Evidence) -> Cause | None:
    """Tell when the app listens on the right port of 127.0.0.1, which nobody outside of the container reaches."""
    sockets, port = _sockets(evidence), evidence.app.port
    right = [one for one in sockets if one.port == port]
    if not right or not all(one.loopback for one in right):
        return None
    return Cause.to_build(
        "bound-to-loopback",
        f"inside the container it listens on {right[0]} only, which nobody outside can reach",
        f"let the app listen on 0.0.0.0:{port}",
    )


def wrong_port(evidence: Evidence) -> Cause | None:
    """Tell when the app listens, on another port than the one it is to listen on."""
    sockets, app = _sockets(evidence), evidence.app
    if not sockets or any(one.port == app.port for one in sockets):
        return None
    other = next((one for one in sockets if not one.loopback), sockets[0])
    honour = "let it listen on $PORT" + (" and on 0.0.0.0" if other.loopback else "")
    return Cause(
        name="wrong-port",
        reason=f"it listens on port {other.port}, and port {app.port} is the one in the settings (and in $PORT)",
        hint=f"port: {other.port} under apps.{app.name} in invoke.yaml, then: invoke smoke; or {honour}, then: "
        "invoke build smoke",
    )


def surely_wrong_port(evidence: Evidence) -> Cause | None:
    """Tell of a wrong port where it cannot be a helper's: a debugger's, or what the app listens on before it fails."""
    if evidence.traced or all(one.loopback for one in _sockets(evidence)):
        return None
    return wrong_port(evidence)


def ended_at_once(evidence: Evidence) -> Cause | None:
    """Tell when the command came to its end without an error: it is no server, or went to the background."""
    seen = evidence.inspection
    if seen is None or seen.state != "exited" or seen.exit_code or evidence.words:
        return None
    return Cause.to_build(
        "ended",
        f"its process ended by itself, with exit code 0: {evidence.typed} is no server that stays",
        "let CMD start the server in the foreground",
    )


def _sockets(evidence: Evidence) -> list[Socket]:
    seen = evidence.inspection
    return list(seen.sockets or ()) if seen and seen.running and evidence.silent else []


def _mebibytes(size: int) -> int:
    return max(size // _MIB, 1)


def _program(evidence: Evidence) -> str:
    return evidence.command[0] if evidence.command else "the command"


def _user(evidence: Evidence) -> str:
    user = evidence.inspection.user if evidence.inspection else ""
    return f"user {user}" if user else "root, who has no capabilities here"
