"""Causes in the words of what loads an app: Gunicorn, uvicorn, hypercorn, flask, waitress, uWSGI; and Node."""

from __future__ import annotations

import re
from typing import Final

from seatrial.diagnosis.evidence import Cause, Evidence
from seatrial.diagnosis.log import not_found_by_name, place, raised, shown

__all__ = [
    "app_not_found",
    "failed_import",
    "given_up",
    "node_error",
    "node_file",
    "on_a_socket_file",
    "slow_worker",
    "worker_failed",
]

_NOT_FOUND: Final = (
    r"Error loading ASGI app(?: factory)?[.:] (?P<words>.+?)\.?$",  # uvicorn
    r"^Error: (?P<words>(?:Could not import|Failed to find|The factory) .+?)\.?$",  # flask
    r"^\d+\. (?P<words>module '[\w.]+' has no attribute '\w+')$",  # waitress
    r"gunicorn\.errors\.AppImportError: (?P<words>.+?)\.?$",  # with --preload
    r"NoAppError: (?P<words>.+?)\.?$",  # hypercorn
)
_UWSGI: Final = (r"unable to load app \d+", r"no python application found")
_WAITRESS: Final = r"There was an exception \((?P<name>\w+)\) importing your module"
_SOCKET_FILE: Final = (
    r"Listening at: unix:(?P<path>\S+)",  # gunicorn
    r"Uvicorn running on unix socket (?P<path>\S+)",
    r"uwsgi socket \d+ bound to UNIX address (?P<path>\S+)",
)
_NODE_END: Final = r"^Node\.js v\d"
_NODE_ERROR: Final = r"^(?:Uncaught )?(?P<name>\w*Error)(?: \[\w+\])?: (?P<words>.+?)(?: \{)?$"
_NODE_CALL: Final = re.compile(
    r"^ +at (?:.*\()?(?:file://)?(?P<file>/(?!.*/node_modules/)[^:()]+):(?P<line>\d+):\d+\)?$"
)


def worker_failed(evidence: Evidence) -> Cause | None:
    """Recognise a Gunicorn that stops because its workers cannot load the app."""
    if evidence.answered or not evidence.search_final_log(r"Worker failed to boot", r"App failed to load"):
        return None
    error = raised(evidence)
    if error is None and (factory := evidence.search_final_log(r"^TypeError: (?P<words>\w+\(\) .*argument.*)$")):
        return not_found_by_name(evidence, factory["words"])
    if error is None and (
        named := evidence.search_final_log(r"Failed to find (?:application object|attribute) (?P<name>.+?) in ")
    ):
        return Cause.fixed_by_build(
            "worker-failed",
            f"gunicorn does not find {named['name']} in the app's module",
            f"fix the name in CMD ({' '.join(evidence.command)})",
        )
    reason = "gunicorn's worker failed to boot" + (f": {shown(error)}" if error else "")
    return Cause.fixed_by_build("worker-failed", reason, f"fix {place(evidence) or 'the error in the log'}")


def given_up(evidence: Evidence) -> Cause | None:
    """Recognise a supervisord that does not start its program any more, and runs on without it."""
    found = evidence.search_log(r"gave up: (?P<name>\S+) entered FATAL state")
    if not found or not evidence.silent:
        return None
    status = evidence.search_log(rf"exited: {re.escape(found['name'])} \((?P<status>exit status \d+|[^;]+);")
    ended = f": it ended each time ({status['status']})" if status else ""
    return Cause.fixed_by_build(
        "worker-failed",
        f"supervisord gave up starting {found['name']}{ended}",
        "fix what ends it (stderr_logfile=/dev/stderr and stderr_logfile_maxbytes=0 show what it says)",
    )


def on_a_socket_file(evidence: Evidence) -> Cause | None:
    """Recognise a server that listens on a Unix socket only, which Docker cannot publish."""
    inspection = evidence.inspection
    found = evidence.search_log(*_SOCKET_FILE)
    if not found or not evidence.silent or not inspection or inspection.sockets:
        return None
    return Cause.fixed_by_build(
        "wrong-port",
        f"it listens on the Unix socket {found['path']}, and on no port",
        f"let the app listen on 0.0.0.0:{evidence.app.port}",
    )


def slow_worker(evidence: Evidence) -> Cause | None:
    """Recognise a Gunicorn that killed a worker because it took too long."""
    if evidence.answered or not evidence.search_log(r"WORKER TIMEOUT \(pid:\d+\)"):
        return None
    return Cause.fixed_by_build(
        "worker-timeout",
        "gunicorn killed its worker, which took longer than gunicorn's --timeout",
        "find out what the worker waits for (a database, a lock), or raise --timeout in CMD",
    )


def app_not_found(evidence: Evidence) -> Cause | None:
    """Recognise a server that does not find the module, app or factory that CMD names, or cannot call the factory."""
    if evidence.answered:
        return None
    if found := evidence.search_final_log(*_NOT_FOUND):
        return not_found_by_name(evidence, found["words"])
    if not evidence.has_traceback and evidence.search_log(*_UWSGI):
        return not_found_by_name(evidence, "uWSGI finds no callable of that name, or cannot call it")
    return None


def failed_import(evidence: Evidence) -> Cause | None:
    """Recognise an exception at the import of the app that waitress reports without its traceback."""
    found = evidence.search_final_log(_WAITRESS)
    words = evidence.search_final_log(r"^1\. (?P<words>.+)$")
    if not found or not evidence.dead:
        return None
    reason = f"{found['name']}: {words['words'] if words else 'no message'} (while the app's module was imported)"
    return Cause.fixed_by_build(
        "uncaught-exception", reason, "fix the module in CMD (import it with python -c to see where)"
    )


def node_file(evidence: Evidence) -> Cause | None:
    """Recognise a file of the app's own that a Node module requires and that is not in the image."""
    found = evidence.search_log(
        r"Cannot find module '(?P<path>/[^']+)' imported from (?P<by>\S+)",
        r"Cannot find module '(?P<path>\.{1,2}/[^']+)'(?P<by>)",
    )
    if not found or evidence.answered:
        return None
    stack = evidence.search_log(r"^- (?P<by>/\S+)$")
    by = found["by"] or (stack["by"] if stack else "the app")
    return Cause.fixed_by_build(
        "missing-file",
        f"{by} needs {found['path']}, which is not in the image",
        f"COPY it in the Dockerfile (does .dockerignore exclude it?), or fix its path in {by}",
    )


def node_error(evidence: Evidence) -> Cause | None:
    """Recognise an error that ended a Node app."""
    found = evidence.search_log(_NODE_ERROR)
    if not found or not evidence.dead or not evidence.search_log(_NODE_END):
        return None
    call = next(filter(None, map(_NODE_CALL.match, evidence.log)), None)
    code = f" (exit code {evidence.inspection.exit_code})" if evidence.inspection else ""
    hint = f"fix {call['file']}:{call['line']}" if call else "fix the error in the log"
    return Cause.fixed_by_build("uncaught-exception", f"{found['name']}: {found['words']}{code}", hint)
