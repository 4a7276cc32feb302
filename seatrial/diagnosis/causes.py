"""Find the cause of a failure: the recognisers are ordered so that the most specific evidence wins."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Final

from seatrial.diagnosis.answers import (
    endless_answer,
    host_not_allowed,
    https_only,
    no_answer,
    redirect_elsewhere,
    server_error,
    slow_start,
    wrong_answer,
    wrong_app,
    wrong_version,
)
from seatrial.diagnosis.container import (
    bound_to_loopback,
    cannot_start,
    certainly_wrong_port,
    command_not_found,
    ended_after_answers,
    ended_at_once,
    ipv6_only,
    killed,
    line_ends,
    not_executable,
    other_platform,
    out_of_memory,
    removed,
    wrong_architecture,
    wrong_port,
)
from seatrial.diagnosis.entrypoint import changes_user
from seatrial.diagnosis.environment import missing_environment
from seatrial.diagnosis.evidence import Cause, Evidence
from seatrial.diagnosis.imports import broken_import, missing_library, missing_module, syntax_error
from seatrial.diagnosis.log import (
    missing_file,
    permission_denied,
    port_taken_inside,
    read_only_root,
    uncaught_exception,
)
from seatrial.diagnosis.node import module_type, node_error, node_file, npm_script
from seatrial.diagnosis.server import app_not_found, failed_import, on_a_socket_file, wrong_option, wrong_server
from seatrial.diagnosis.services import service_unreachable
from seatrial.diagnosis.workers import crash_loop, given_up, slow_worker

__all__ = ["RECOGNIZERS", "diagnose"]

_BY_SIGNAL: Final = 128
RECOGNIZERS: tuple[Callable[[Evidence], Cause | None], ...] = (
    # What the engine and the kernel report.
    removed,
    out_of_memory,
    killed,
    cannot_start,
    line_ends,
    wrong_architecture,
    command_not_found,
    not_executable,
    bound_to_loopback,
    certainly_wrong_port,
    # What the app answered.
    https_only,
    ipv6_only,
    endless_answer,
    redirect_elsewhere,
    host_not_allowed,
    wrong_version,
    wrong_app,
    # What the app's log says.
    missing_library,
    missing_module,
    node_file,
    module_type,
    npm_script,
    broken_import,
    syntax_error,
    read_only_root,
    changes_user,
    permission_denied,
    port_taken_inside,
    missing_environment,
    missing_file,
    given_up,
    on_a_socket_file,
    wrong_server,
    app_not_found,
    failed_import,
    wrong_option,
    service_unreachable,
    slow_worker,
    uncaught_exception,
    node_error,
    crash_loop,
    # Less specific evidence.
    wrong_port,
    other_platform,
    ended_after_answers,
    ended_at_once,
    server_error,
    no_answer,
    slow_start,
    wrong_answer,
)


def diagnose(evidence: Evidence) -> Cause:
    """Return the cause that the evidence shows; its name is `unknown` if no known cause fits."""
    for recognise in RECOGNIZERS:
        if cause := recognise(evidence):
            return cause
    inspection = evidence.inspection
    if inspection and not inspection.running:
        reasons = [f"its process ended with exit code {inspection.exit_code}{_signal(inspection.exit_code)}"]
        reasons += [f"its last log line: {evidence.last_line}"] if evidence.last_line else []
        reasons += (
            [f"the engine says: {evidence.words or inspection.error}"] if evidence.words or inspection.error else []
        )
    else:
        reasons = [evidence.problem or evidence.words or "it failed"]
    return Cause.fixed_by_build(
        "unknown", f"{'; '.join(reasons)}; no known cause fits", "fix the error in the lines above"
    )


def _signal(exit_code: int) -> str:
    """Return the signal that an exit code stands for, in brackets; empty for others."""
    try:
        return f" ({signal.Signals(exit_code - _BY_SIGNAL).name})"
    except ValueError:
        return ""
