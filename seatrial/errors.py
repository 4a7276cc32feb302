"""Everything that can go wrong, on one screen.

Each error says what failed, why, and what to type next, and knows the exit code it ends the process with::

    SeatrialError                 1  a step failed
    ├── StepFailed              1  the work itself went wrong
    │   ├── BuildFailed         1  the Dockerfile could not be built
    │   ├── ContainerFailed     1  a container could not be created, started or kept
    │   ├── SmokeFailed         1  the app did not give the answers it should
    │   ├── PushRefused         1  the registry does not let this user do this
    │   └── DidNotConverge      1  a step was carried out and the world is still not as wished
    ├── UsageError              2  wrong words on the command line or in the settings; nothing was touched
    │   └── CredentialsError    2  the credentials kept by Docker cannot be read
    ├── Unavailable             3  the surroundings are not there; the same command may work later
    │   ├── EngineUnavailable   3  no Docker Engine answers
    │   └── RegistryUnavailable 3  no registry answers
    │       └── RateLimited     3  the registry wants us to wait
    ├── Conflict                4  the version is published with other content, or another release or run is under way
    └── Interrupted       130, 143  Ctrl-C or SIGTERM
"""

from __future__ import annotations

import re

__all__ = [
    "BuildFailed",
    "Conflict",
    "ContainerFailed",
    "CredentialsError",
    "DidNotConverge",
    "EngineUnavailable",
    "Interrupted",
    "PushRefused",
    "RateLimited",
    "RegistryUnavailable",
    "SeatrialError",
    "SmokeFailed",
    "StepFailed",
    "Unavailable",
    "UsageError",
    "sanitize",
    "with_program_name",
]

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def sanitize(text: str, *, limit: int = 500) -> str:
    """Return somebody else's words without control characters, at most `limit` characters of them."""
    text = _CONTROL.sub("", text).strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"


def with_program_name(hint: str, command: str) -> str:
    """Return what to type next, where `command` is how Seatrial is called here: `invoke`, `./inv`, `seatrial`."""
    return re.sub(r"\binvoke (?=[a-z-])", f"{command} ", hint)


class SeatrialError(Exception):
    """What failed, why, and what to type next.

    `details` are lines that help to see the cause: a log's end, the checks that failed. `cause` is its name for
    programs, empty where nobody gave it one. `transient` is whether the same may work in a few seconds.
    """

    exit_code: int = 1
    cause: str = ""
    transient: bool = False

    def __init__(self, message: str, *, reason: str, hint: str, details: tuple[str, ...] = (), cause: str = "") -> None:
        super().__init__(message)
        if cause:
            self.cause = cause
        self.message = message
        self.reason = sanitize(reason)
        self.hint = hint
        self.details = tuple(sanitize(line) for line in details)

    def __str__(self) -> str:
        return f"{self.message}: {self.reason}"

    def hint_for(self, command: str, task: str = "") -> str:
        """Return what to type next, where `command` is how Seatrial is called here: `invoke`, `./inv`, `seatrial`.

        Flags alone are flags of `task`.
        """
        return (
            f"{command} {task} {self.hint}"
            if self.hint.startswith("--") and task
            else with_program_name(self.hint, command)
        )


class StepFailed(SeatrialError):
    """The work of a step went wrong."""


class BuildFailed(StepFailed):
    """The Dockerfile could not be built."""

    cause = "build-failed"


class ContainerFailed(StepFailed):
    """A container could not be created, started or kept running."""


class SmokeFailed(StepFailed):
    """The app did not give the answers its checks ask for."""


class PushRefused(StepFailed):
    """The registry does not let this user push or read."""

    cause = "denied"


class DidNotConverge(StepFailed):
    """A step was carried out and the world is still not as wished."""


class UsageError(SeatrialError):
    """Wrong words on the command line or in the settings; nothing was touched."""

    exit_code = 2


class CredentialsError(UsageError):
    """The credentials kept by Docker cannot be read."""


class Unavailable(SeatrialError):
    """The surroundings are not there; the same command may work later."""

    exit_code = 3


class EngineUnavailable(Unavailable):
    """No Docker Engine answers."""

    cause = "no-engine"


class RegistryUnavailable(Unavailable):
    """No registry answers."""

    cause = "no-registry"
    transient = True


class RateLimited(RegistryUnavailable):
    """The registry wants us to wait; `seconds` is how long, where it says so."""

    cause = "rate-limit"
    seconds: float = 0.0


class Conflict(SeatrialError):
    """The version is published with other content, or another release or run is under way."""

    exit_code = 4


class Interrupted(SeatrialError):
    """Ctrl-C or SIGTERM ended the command; `published` is whether something may be in a registry by now."""

    def __init__(self, signal_name: str, exit_code: int, *, published: bool = False) -> None:
        became = "what the registry holds by now stays there" if published else "what was not complete is taken back"
        super().__init__("interrupted", reason=f"{signal_name} came; {became}", hint="run it again")
        self.exit_code = exit_code
