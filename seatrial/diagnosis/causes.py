"""All known causes in their order: the most specific evidence wins."""

from __future__ import annotations

from collections.abc import Callable

from seatrial.diagnosis.answers import no_answer, server_error, slow_start, wrong_answer, wrong_app, wrong_version
from seatrial.diagnosis.container import (
    bound_to_loopback,
    command_not_found,
    ended_at_once,
    not_executable,
    other_platform,
    out_of_memory,
    removed,
    surely_wrong_port,
    wrong_architecture,
    wrong_port,
)
from seatrial.diagnosis.evidence import Cause, Evidence
from seatrial.diagnosis.log import (
    broken_import,
    missing_environment,
    missing_file,
    missing_library,
    missing_module,
    permission_denied,
    port_taken_inside,
    read_only_root,
    syntax_error,
    uncaught_exception,
    worker_failed,
)

__all__ = ["RECOGNISERS", "diagnose"]

RECOGNISERS: tuple[Callable[[Evidence], Cause | None], ...] = (
    # What the engine and the kernel know for sure.
    removed,
    out_of_memory,
    wrong_architecture,
    command_not_found,
    not_executable,
    bound_to_loopback,
    surely_wrong_port,
    # What came back.
    wrong_version,
    wrong_app,
    # What the app says of itself.
    missing_library,
    missing_module,
    broken_import,
    syntax_error,
    read_only_root,
    permission_denied,
    port_taken_inside,
    missing_environment,
    missing_file,
    worker_failed,
    uncaught_exception,
    # What is left.
    wrong_port,
    other_platform,
    ended_at_once,
    server_error,
    no_answer,
    slow_start,
    wrong_answer,
)


def diagnose(evidence: Evidence) -> Cause:
    """Return the one cause that the evidence speaks for; `unknown`, said plainly, when there is none."""
    for recognise in RECOGNISERS:
        if cause := recognise(evidence):
            return cause
    seen = evidence.inspection
    if seen and not seen.running:
        words = [f"its process ended with exit code {seen.exit_code}"]
        words += [f"the engine says: {evidence.words or seen.error}"] if evidence.words or seen.error else []
    else:
        words = [evidence.problem or evidence.words or "it failed"]
    return Cause.to_build("unknown", f"{'; '.join(words)}; no known cause fits", "mend what the lines above say")
