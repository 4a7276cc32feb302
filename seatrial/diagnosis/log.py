"""Causes that the last lines of the app's log show."""

from __future__ import annotations

import posixpath
import re
from typing import Final

from seatrial.diagnosis.evidence import Cause, Evidence

__all__ = [
    "missing_file",
    "not_found_by_name",
    "permission_denied",
    "place",
    "port_taken_inside",
    "raised",
    "read_only_root",
    "shown",
    "uncaught_exception",
]

_EXCEPTION: Final = re.compile(r"(?P<name>[A-Za-z_][\w.]*)(?:: ?(?P<words>.*))?")
# A tmpfs over these would hide programs and settings; in those below, each program has a folder of its own.
_OF_SYSTEM: Final = (
    "/",
    "/bin",
    "/etc",
    "/lib",
    "/sbin",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/local/bin",
)
_SHARED: Final = ("/opt", "/run", "/srv", "/var", "/var/cache", "/var/lib", "/var/log")
_NODE_CALL: Final = re.compile(
    r"^ +at (?:async )?(?:.*\()?(?:file://)?(?P<file>/(?!.*/node_modules/)[^:()]+):(?P<line>\d+):\d+\)?(?: \{)?$"
)
# What shows that the app would write a file: a call in a traceback, or Gunicorn's words.
_WRITES: Final = (
    r"\bopen\(.*['\"][wax]b?\+?['\"]",
    r"\b(?:mkdir|makedirs)\(",
    r"/logging/(?:__init__|handlers)\.py\"",
    r"isn't writable",
)
_DENIED: Final = r"(?:[Pp]ermission denied|[Oo]peration not permitted)"


def read_only_root(evidence: Evidence) -> Cause | None:
    """Recognise a write to the container's root file system, which is read-only."""
    found = _stopped_by(
        evidence,
        r"\[Errno 30\] Read-only file system(?:: (?P<path>.+))?$",
        r"EROFS: read-only file system, \w+ (?P<path>'[^']+')",
        r"(?P<path>'[^']+'|(?<![\w.])/[^\s:\u2019]+)\u2019?: (?i:read-only file system)",
        r"(?:open|create|mkdir|rename|remove|chmod) (?P<path>[^\s:'/]\S*): (?i:read-only file system)",
        r"\"(?P<path>/[^\"]+)\" failed \(30: Read-only file system\)",
        r"(?P<path>'[^']+') isn't writable \[OSError\(30,",  # Gunicorn, of its log
        r"(?i:attempt to write a readonly database|unable to open database file)(?P<path>)",
    )
    inspection = evidence.inspection
    if not found or evidence.answered or not (inspection and inspection.read_only):
        return None
    path = found["path"] or ""
    database = "database" in found[0].lower()
    if database and (opened := evidence.search_final_log(r"connect\(['\"](?P<path>[^'\":]+)['\"]")):
        path = opened["path"]
    path = _absolute(evidence, path.strip("'\""))
    if database and path.startswith(tuple(f"{one}/" for one in inspection.writable)):
        return None  # its folder is missing, or belongs to another user
    writable = ", ".join(inspection.writable)
    reason = f"it writes to {path or 'its root'}, but its root is read-only ({writable} can be written to)"
    reason += "; a database needs a volume, a tmpfs would lose its data" if database else ""
    # A tmpfs over a folder with the app's own files would hide them, and a volume would keep those of this version.
    folder = posixpath.dirname(path)
    if folder in _SHARED and re.search("(?i)mkdir|create directory|makedirs", "\n".join(evidence.final_log)):
        folder = path
    has_app = any(one.startswith(f"{folder}/") for one in (*evidence.command, place(evidence)))
    if has_app or folder in ("", *_OF_SYSTEM, inspection.workdir, posixpath.dirname(inspection.workdir)):
        hint = f"let the app write below /tmp, or in a folder in the setting {'volumes' if database else 'tmpfs'}"
        return Cause.fixed_by_build("read-only-root", reason, hint)
    setting = f"volumes: {{data: {folder}}}" if database else f"tmpfs: [{folder}]"
    return Cause.fixed_by_setting("read-only-root", reason, setting, evidence.app)


def permission_denied(evidence: Evidence) -> Cause | None:
    """Recognise a file that the container's user may not read or write."""
    found = _stopped_by(
        evidence,
        rf"\[Errno 13?\] {_DENIED}: (?P<path>'[^']+')",
        rf"E(?:ACCES|PERM): {_DENIED}, \w+ (?P<path>'[^']+')",
        rf"(?P<path>'[^']+'|/[^\s:']+): {_DENIED}",
        rf"\"(?P<path>/[^\"]+)\"(?:, \d+\))? failed \(\d+: {_DENIED}\)",
        r"can't open file (?P<path>'[^']+'): \[Errno 13\]",
        r"(?P<path>'[^']+') isn't writable \[PermissionError\(13,",
    )
    if not found or evidence.answered:
        return None
    path, inspection = found["path"].strip("'"), evidence.inspection
    user = f"user {inspection.user}" if inspection and inspection.user else "root (without capabilities)"
    if "peration not permitted" in found[0]:
        return Cause.fixed_by_build(
            "permission-denied",
            f"{user} may not change {path}: operation not permitted",
            "set owners and USER in the Dockerfile (COPY --chown, or RUN chown): the container has no capabilities",
        )
    if evidence.search_final_log(*_WRITES):
        return _written(evidence, "permission-denied", f"{user} may not write {path}: permission denied", path)
    return Cause.fixed_by_build(
        "permission-denied",
        f"{user} may not use {path}: permission denied",
        f"make it readable for all in the Dockerfile (COPY --chmod=644, or RUN chmod a+rX {path})",
    )


def port_taken_inside(evidence: Evidence) -> Cause | None:
    """Recognise two processes in the container that use the same port."""
    if evidence.answered or not evidence.search_final_log(
        r"(?i)address already in use", r"EADDRINUSE", r"Connection in use: \("
    ):
        return None
    return Cause.fixed_by_build(
        "port-taken-inside",
        "two processes in the container use the same port",
        "let only one of them listen on $PORT",
    )


def missing_file(evidence: Evidence) -> Cause | None:
    """Recognise a file that the app opens, or a program that it runs, that is not in the image."""
    found = evidence.search_final_log(
        r"FileNotFoundError: \[Errno 2\] No such file or directory: '(?P<path>[^']+)'",
        r"ENOENT: no such file or directory, \w+ '(?P<path>[^']+)'",
        r"^Error: '(?P<path>[^']+)' doesn't exist$",  # Gunicorn, of its settings
    )
    if not found and evidence.dead:  # a script's last words
        found = re.search(r"(?P<path>(?<![\w.])/[^\s:'\u2019]+)['\u2019]?: No such file", evidence.last_line)
    if not found or evidence.answered:
        return None
    path = found["path"]
    if "/" not in path and evidence.search_final_log(r'File "[^"]*/subprocess\.py", line'):
        reason = f"the program {path} is not in the image"
        return Cause.fixed_by_build("command-not-found", reason, f"install {path} in the Dockerfile")
    path, inspection = _absolute(evidence, path), evidence.inspection
    if empty := next(
        (one for one in inspection.writable if path.startswith(f"{one}/")) if inspection else iter(()), None
    ):
        folder = posixpath.dirname(path)
        reason = f"there is no {path}, and {empty} is empty when the app starts"
        return Cause.fixed_by_build(
            "missing-file", reason, f"let the app create {path if folder == empty else folder} when it starts"
        )
    if evidence.search_final_log(*_WRITES):
        reason = f"it writes {path}, and there is no {posixpath.dirname(path)} in the image"
        return _written(evidence, "missing-file", reason, path)
    reason = f"there is no {path} in the image"
    return Cause.fixed_by_build(
        "missing-file", reason, f"COPY {path} in the Dockerfile (does .dockerignore exclude it?)"
    )


def _written(evidence: Evidence, name: str, reason: str, path: str) -> Cause:
    """Return the cause for a file that the app cannot write, such as its log."""
    folder, workdir = posixpath.dirname(path), evidence.inspection.workdir if evidence.inspection else ""
    elsewhere = "let the app log to standard output, or write below /tmp"
    if folder in ("", *_OF_SYSTEM, *_SHARED, workdir):
        return Cause.fixed_by_build(name, reason, elsewhere)
    return Cause.fixed_by_setting(name, reason, f"{elsewhere}; or tmpfs: [{folder}]", evidence.app)


def not_found_by_name(evidence: Evidence, words: str) -> Cause:
    """Return the cause for a command that names what does not exist; `words` say what was not found."""
    what = "how CMD calls the factory, or the factory's arguments" if "argument" in words else "the name in CMD"
    hint = f"fix {what} ({evidence.command_line})"
    module = re.search(r"(?:module|import) ['\"]?(?P<top>\w+)[\w.]*['\"]?$", words)
    if module and module["top"] in evidence.sources.modules:
        hint = f"fix WORKDIR or PYTHONPATH, or COPY {module['top']} to where Python looks for it"
    return Cause.fixed_by_build("app-not-found", f"the app that CMD names cannot be loaded: {words}", hint)


def uncaught_exception(evidence: Evidence) -> Cause | None:
    """Recognise an exception that ended the app, or that is behind its status 500."""
    error = raised(evidence)
    if (
        error is None
        or evidence.answered
        or not (evidence.dead or evidence.answers_with_error or evidence.worker_ended)
    ):
        return None
    inspection = evidence.inspection
    code = f" (exit code {inspection.exit_code})" if inspection and evidence.dead else ""
    hint = f"fix {place(evidence) or 'the error in the log'}"
    status = f"; {evidence.problem.partition(';')[0]}" if evidence.answers_with_error and evidence.running else ""
    return Cause.fixed_by_build("uncaught-exception", f"{shown(error)}{code}{status}", hint)


def _stopped_by(evidence: Evidence, *patterns: str) -> re.Match[str] | None:
    """Return the last match in the app's log of what stopped it.

    While the app runs without a 5xx, only an exception counts; other lines are warnings, such as of a missing cache.
    """
    if evidence.running and not evidence.answers_with_error:
        patterns = tuple(rf"^[\w.]*(?:Error|Exception): .*?{pattern}" for pattern in patterns)
    return evidence.search_final_log(*patterns)


def raised(evidence: Evidence) -> re.Match[str] | None:
    """Return the last exception in the log that has a traceback, or None; of a group, the first in it."""
    found = list(filter(None, map(_EXCEPTION.fullmatch, evidence.exception_lines)))
    return next((one for one in found if not one["name"].endswith("ExceptionGroup")), found[0] if found else None)


def shown(error: re.Match[str]) -> str:
    """Return an exception as its name and message."""
    return f"{error['name']}: {error['words']}" if error["words"] else error["name"]


def place(evidence: Evidence) -> str:
    """Return file and line of the innermost call in the app's own files, empty if the log does not show it.

    Django's manage.py only starts what fails, unless it is the innermost call of all.
    """
    foreign = r"(?!.*(?:/lib(?:64)?/python[\d.]*/|(?:site|dist)-packages/|/bin/))"
    found = evidence.search_final_log(rf'File "(?P<file>{foreign}/[^"<]+)", line (?P<line>\d+)')
    innermost = evidence.search_final_log(r'File "(?P<file>[^"]+)", line \d+')
    if found and innermost and found["file"].endswith("/manage.py") and innermost["file"] != found["file"]:
        return ""
    if innermost is None:
        found = next(filter(None, map(_NODE_CALL.match, evidence.final_log)), None)
    return f"{found['file']}:{found['line']}" if found else ""


def _absolute(evidence: Evidence, path: str) -> str:
    workdir = evidence.inspection.workdir if evidence.inspection else ""
    return posixpath.normpath(posixpath.join(workdir or "/", path)) if path else ""
