"""Causes that the engine and the kernel report: memory, platform, command, sockets."""

from __future__ import annotations

import re

from seatrial.diagnosis.evidence import Cause, Evidence
from seatrial.engine.inspection import Socket

__all__ = [
    "bound_to_loopback",
    "cannot_start",
    "certainly_wrong_port",
    "command_not_found",
    "ended_after_answers",
    "ended_at_once",
    "ipv6_only",
    "killed",
    "line_ends",
    "not_executable",
    "other_platform",
    "out_of_memory",
    "removed",
    "wrong_architecture",
    "wrong_port",
]

_MIB = 1024 * 1024
_KILLED = 137
# The message of the engine's init (process 1) about a command it cannot run.
_INIT = r"exec (?P<command>.+) failed: "
# The start of a shell's message about a command, with the name of the script that it runs.
_SHELL = (
    r"^(?:\S*sh|\S+(?=: (?:exec: )?(?:line )?\d)): (?:exec: )?(?:(?:line )?\d+: )?(?:exec: )?(?P<command>[^\s:]+): "
)


def removed(evidence: Evidence) -> Cause | None:
    """Recognise a container that was removed, or that is being removed."""
    inspection = evidence.inspection
    is_removed = (
        inspection.state in ("removing", "dead")
        if inspection
        else not evidence.words or "No such container" in evidence.words
    )
    if not is_removed:
        return None
    return Cause(
        name="container-removed",
        reason="somebody removed its container during the checks",
        hint="run the command again (docker events shows who removes the container)",
    )


def out_of_memory(evidence: Evidence) -> Cause | None:
    """Recognise an app, or one of its workers, that the kernel killed at the memory limit."""
    inspection = evidence.inspection
    if inspection is None or evidence.answered:
        return None
    worker = evidence.search_log(
        r"Worker \(pid:(?P<pid>\d+)\) was sent SIGKILL",
        r"Worker with pid (?P<pid>\d+) was terminated due to signal 9",
        r"worker (?P<pid>\d+) .*killed by signal 9",
    )
    if worker and evidence.search_log(rf"WORKER TIMEOUT \(pid:{worker['pid']}\)"):
        worker = None  # gunicorn killed the worker, not the kernel
    gave_up = evidence.search_log(r"JavaScript heap out of memory", r"java\.lang\.OutOfMemoryError", r"^MemoryError\b")
    limit = max((inspection.memory or evidence.app.memory) // _MIB, 1)
    if inspection.oom_killed or inspection.ended_by == "memory":
        reason = f"the kernel killed it at the memory limit of {limit} MiB"
    elif worker and inspection.oom_kills:
        reason = f"the kernel killed the app's worker at the memory limit of {limit} MiB"
    elif worker and inspection.oom_kills is None:
        reason = f"the app's worker was killed, probably at the memory limit of {limit} MiB"
    elif gave_up:
        reason = f"it ran out of memory ({gave_up[0]}); the limit is {limit} MiB"
    else:
        return None
    return Cause.fixed_by_setting("out-of-memory", reason, f"memory: {2 * limit}m", evidence.app)


def killed(evidence: Evidence) -> Cause | None:
    """Recognise a container that a signal ended, and not for memory."""
    inspection = evidence.inspection
    if inspection is None or inspection.running:
        return None
    again = "run the command again"
    if inspection.ended_by == "restart":
        return Cause(name="engine-restarted", reason="the Docker Engine was restarted while it ran", hint=again)
    if inspection.ended_by == "request":
        reason, hint = "somebody stopped its container (docker kill, docker stop)", f"{again} (docker events shows who)"
    elif inspection.exit_code == _KILLED:
        reason = f"SIGKILL ended it (exit code {_KILLED}), not at its memory limit and not through the engine"
        hint = "find out what in the app, or on the engine's machine, kills it (a watchdog, a supervisor)"
    else:
        return None
    return Cause(name="killed", reason=reason, hint=hint)


def cannot_start(evidence: Evidence) -> Cause | None:
    """Recognise a program that lacks what the kernel needs to start it: `#!`, Unix line ends, interpreter, loader."""
    program = evidence.inspection.program if evidence.inspection else None
    if program is None or not (evidence.dead or evidence.words):
        return None
    path, needs = program.path, program.interpreter
    if program.kind == "other":
        reason = f"{path} is neither a compiled program nor a script that begins with #! (exec format error)"
        return Cause.fixed_by_build("no-shebang", reason, f"begin {path} with #!/bin/sh, or with its interpreter")
    if "\r" in needs:
        return _windows_line_ends(path, f"it asks for the program {needs!r}")
    if not program.lacks_interpreter:
        return None
    if program.kind == "script":
        needs = needs.split()[0]
        hint = f"install {needs} in the Dockerfile, or begin {path} with a shell that is in the image"
        return Cause.fixed_by_build("missing-interpreter", f"{path} needs {needs}, which is not in the image", hint)
    return Cause.fixed_by_build(
        "missing-library",
        f"{path} is linked dynamically and needs {needs}, which is not in the image",
        f"link {path} statically (Go: CGO_ENABLED=0), or use a base image with the C library that it was built for",
    )


def line_ends(evidence: Evidence) -> Cause | None:
    """Recognise a shell that met the carriage returns of Windows line ends."""
    if not evidence.dead or not evidence.search_log(r"\$'.*\\r'", r"\\r\S: No such file"):
        return None
    return _windows_line_ends(evidence.command_line, "its shell met a carriage return")


def _windows_line_ends(path: str, why: str) -> Cause:
    hint = f"save it with Unix line ends (in .gitattributes: *.sh text eol=lf), or RUN sed -i 's/\\r$//' {path}"
    return Cause.fixed_by_build("windows-line-ends", f"{path} has Windows line ends: {why}", hint)


def wrong_architecture(evidence: Evidence) -> Cause | None:
    """Recognise a program for another processor, which the kernel cannot run."""
    inspection, engine = evidence.inspection, evidence.engine_platform
    platform = inspection.program.platform if inspection and inspection.program else ""
    foreign = bool(platform and engine and platform != engine)
    said = evidence.search_log(r"(?i)exec format error(?:: '(?P<program>[^']+)')?")
    if not foreign and not said:
        return None
    if cause := other_platform(evidence):
        return cause
    reason = f": it was compiled for {platform}" if foreign else " (exec format error)"
    target = engine or "this engine"
    program = evidence.command[0] if evidence.command else "the command"
    hint = f"install the program for {target}"
    if said and said["program"]:  # one that the app starts
        program, hint = said["program"], f"{hint}, or begin the script with #!"
    return Cause.fixed_by_build("wrong-architecture", f"{program} does not run on {target}{reason}", hint)


def other_platform(evidence: Evidence) -> Cause | None:
    """Recognise an image for another platform than the engine's whose process has ended."""
    image, engine = evidence.image_platform, evidence.engine_platform
    if not evidence.dead or not image or not engine or image == engine:
        return None
    return Cause(
        name="wrong-architecture",
        reason=f"the image is for {image}, but the engine runs {engine}",
        hint=f"invoke build --platform {engine} smoke",
    )


def command_not_found(evidence: Evidence) -> Cause | None:
    """Recognise a CMD or ENTRYPOINT that names a program that is not in the image."""
    if not evidence.dead and not evidence.words:
        return None
    found = evidence.search_log(
        _INIT + r"No such file or directory",
        r"exec: \"(?P<command>[^\"]+)\": (?:executable file not found|stat .*no such file)",
    ) or evidence.search_final_log(
        _SHELL + r"(?:command )?not found$",
        r"^\S+: (?:line )?\d+: exec: (?P<command>\S+ .+): not found$",
        r"can't open file '(?P<command>[^']+)': \[Errno 2\]",
        r"^\S*env: \S(?P<command>\S+)\S: No such file or directory$",
        r"^env: can't execute '(?P<command>[^']+)': No such file or directory$",
        r"Cannot find module '(?P<command>/[^']+)'(?! imported)",
    )
    if not found:
        return None
    command = found["command"]
    if " " in command:
        reason, words = f"the name of its program is {command!r}, with the arguments", command.replace(" ", '", "')
        hint = f'write each word of CMD and ENTRYPOINT by itself: ["{words}"]'
    elif "/" in command:
        reason, hint = (
            f"there is no {command} in the image",
            f"COPY {command}, or fix CMD (now: {evidence.command_line})",
        )
    else:
        reason = f"the program {command} is not in the image"
        hint = f"install {command} in the Dockerfile, or fix CMD (now: {evidence.command_line})"
    return Cause.fixed_by_build("command-not-found", reason, hint)


def not_executable(evidence: Evidence) -> Cause | None:
    """Recognise a CMD or ENTRYPOINT that names a file that is not executable."""
    found = evidence.search_log(
        _INIT + r"Permission denied",
        r"exec: \"(?P<command>[^\"]+)\": permission denied",
        r"^(?:/bin/)?\w*sh: (?:line )?(?:\d+: )?(?:exec: )?(?P<command>[^\s:]+): Permission denied",
    )
    if not found or evidence.running:
        return None
    command = found["command"]
    return Cause.fixed_by_build(
        "permission-denied",
        f"{command} is not executable{_for_user(evidence)}",
        f"COPY --chmod=755, or start CMD with the interpreter (now: {evidence.command_line})",
    )


def bound_to_loopback(evidence: Evidence) -> Cause | None:
    """Recognise an app that listens on the right port, but only on 127.0.0.1 inside the container."""
    sockets, port = _sockets(evidence), evidence.app.port
    right = [one for one in sockets if one.port == port]
    if not right or not all(one.loopback for one in right):
        return None
    return Cause.fixed_by_build(
        "bound-to-loopback",
        f"it listens only on {right[0]} inside the container, which cannot be reached from outside",
        f"let the app listen on 0.0.0.0:{port}",
    )


def ipv6_only(evidence: Evidence) -> Cause | None:
    """Recognise an app that listens for IPv6 only: Docker publishes a port over IPv4."""
    right = [one for one in _sockets(evidence) if one.port == evidence.app.port and not one.loopback]
    if not right or not all(":" in one.address and "." not in one.address for one in right):
        return None
    if not re.search("connection was closed|reset|refused", evidence.problem):
        return None
    return Cause.fixed_by_build(
        "ipv6-only",
        f"it listens on {right[0]} and does not accept connections over IPv4",
        f"let the app listen on 0.0.0.0:{evidence.app.port}",
    )


def wrong_port(evidence: Evidence) -> Cause | None:
    """Recognise an app that listens on another port than the one in the settings."""
    sockets, app = _sockets(evidence), evidence.app
    if not sockets or any(one.port == app.port for one in sockets):
        return None
    other = next((one for one in sockets if not one.loopback), sockets[0])
    use_port = "let the app listen on $PORT" + (" and on 0.0.0.0" if other.loopback else "")
    return Cause(
        name="wrong-port",
        reason=f"it listens on port {other.port}, but the settings (and $PORT) say port {app.port}",
        hint=f"port: {other.port} under apps.{app.name} in invoke.yaml, then: invoke smoke; or {use_port}, then: "
        "invoke build smoke",
    )


def certainly_wrong_port(evidence: Evidence) -> Cause | None:
    """Recognise a wrong port, unless all sockets are on loopback or the log has a traceback: a debugger may listen."""
    if evidence.has_traceback or all(one.loopback for one in _sockets(evidence)):
        return None
    return wrong_port(evidence)


def ended_after_answers(evidence: Evidence) -> Cause | None:
    """Recognise an app that passed its checks and then ended by itself."""
    inspection = evidence.inspection
    if not inspection or not evidence.dead or not evidence.results or evidence.failed:
        return None
    reason = f"it answered its checks, and then its process ended with exit code {inspection.exit_code}"
    return Cause.fixed_by_build("ended", reason, "fix what ends it after an answer (its log stands above)")


def ended_at_once(evidence: Evidence) -> Cause | None:
    """Recognise a command that ended without an error: it is not a server, or went to the background."""
    inspection = evidence.inspection
    if inspection is None or inspection.state != "exited" or inspection.exit_code or evidence.words:
        return None
    return Cause.fixed_by_build(
        "ended",
        f"its process ended by itself with exit code 0: {evidence.command_line} does not keep running as a server does",
        "start the server in the foreground in CMD",
    )


def _sockets(evidence: Evidence) -> list[Socket]:
    inspection = evidence.inspection
    return list(inspection.sockets or ()) if inspection and inspection.running and evidence.silent else []


def _for_user(evidence: Evidence) -> str:
    user = evidence.inspection.user if evidence.inspection else ""
    return f" for user {user}" if user else ""
