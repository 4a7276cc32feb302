"""Causes in the words of what loads an app: Gunicorn, uvicorn, hypercorn, flask, waitress, uWSGI."""

from __future__ import annotations

import re
from typing import Final

from seatrial.diagnosis.evidence import Cause, Evidence
from seatrial.diagnosis.log import not_found_by_name

__all__ = ["app_not_found", "failed_import", "on_a_socket_file", "wrong_option", "wrong_server"]

_NOT_FOUND: Final = (
    r"Error loading ASGI app(?: factory)?[.:] (?P<words>.+?)\.?$",  # uvicorn
    r"^Error: (?P<words>(?:Could not import|Failed to find|The factory) .+?)\.?$",  # flask
    r"^\d+\. (?P<words>module '[\w.]+' has no attribute '\w+')$",  # waitress
    r"gunicorn\.errors\.AppImportError: (?P<words>.+?)\.?$",  # with --preload
    r"^(?P<words>Failed to find (?:application object|attribute) .+?)\.?$",  # Gunicorn
    r"^(?P<words>Application object must be callable)\.?$",  # Gunicorn
    r"NoAppError: (?P<words>.+?)\.?$",  # hypercorn
)
_UWSGI: Final = (r"unable to load app \d+", r"no python application found")
_WAITRESS: Final = r"There was an exception \((?P<name>\w+)\) importing your module"
_WRONG_OPTION: Final = (
    r"^[\w./-]+: error: (?P<words>(?:unrecognized|ambiguous|argument|the following arguments).+)$",  # Python's argparse
    r"^Error: (?P<words>(?:No such option|Missing argument|Invalid value|Got unexpected).+)$",  # click: uvicorn, flask
    r"^(?:\S+: )?(?P<words>(?:bad|unrecognized|unknown|invalid) option:? .+)$",
)
_SOCKET_FILE: Final = (
    r"Listening at: unix:(?P<path>\S+)",  # gunicorn
    r"Uvicorn running on unix socket (?P<path>\S+)",
    r"uwsgi socket \d+ bound to UNIX address (?P<path>\S+)",
)


def wrong_server(evidence: Evidence) -> Cause | None:
    """Recognise an ASGI app under a server for WSGI, or the other way round."""
    found = evidence.search_final_log(
        r"^TypeError: (?P<app>\S+)\(\) missing \d+ required positional arguments?: .*'(?P<lacks>send|start_response)'$"
    )
    if not found or evidence.answered:
        return None
    if found["lacks"] == "send":
        reason, hint = "an ASGI app, and its server speaks WSGI", "start it with uvicorn or hypercorn"
    else:
        reason, hint = "a WSGI app, and its server speaks ASGI", "start it with gunicorn or waitress"
    app = found["app"].removesuffix(".__call__")
    return Cause.fixed_by_build("wrong-server", f"{app} is {reason}", f"{hint} (now: {evidence.command_line})")


def wrong_option(evidence: Evidence) -> Cause | None:
    """Recognise a program that refuses an option of CMD, and ends."""
    found = evidence.search_log(*_WRONG_OPTION)
    if not found or not evidence.dead or evidence.has_traceback:
        return None
    words = found["words"].rstrip(".")
    return Cause.fixed_by_build("wrong-option", f"CMD is refused: {words}", f"fix CMD ({evidence.command_line})")


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


def app_not_found(evidence: Evidence) -> Cause | None:
    """Recognise a server that does not find the module, app or factory that CMD names, or cannot call the factory."""
    if evidence.answered:
        return None
    if found := evidence.search_final_log(*_NOT_FOUND):
        return not_found_by_name(evidence, found["words"])
    called = evidence.search_final_log(r"^TypeError: (?P<words>(?P<name>\w+)\(\) (?:missing|takes|got) .*argument.*)$")
    if called and re.search(rf"\b{called['name']}\b", " ".join(evidence.command)):
        return not_found_by_name(evidence, called["words"])
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
