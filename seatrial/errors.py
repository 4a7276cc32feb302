"""All errors, on one screen.

Each says what failed, why, and what to type next, and has the exit code of the process::

    SeatrialError               1  a step failed
    ├── StepFailed              1  the work itself went wrong
    │   ├── BuildFailed         1  the Dockerfile could not be built
    │   ├── ContainerFailed     1  a container could not be created, started or kept running
    │   ├── SmokeFailed         1  the app did not answer as its checks expect
    │   ├── PushRefused         1  the registry does not allow this user to push or read
    │   ├── NotAnImage          1  what a registry holds under a name is not an image
    │   └── DidNotConverge      1  a step was carried out, but still has something to change
    ├── UsageError              2  the command line or the settings are wrong; nothing was changed
    │   └── CredentialsError    2  the credentials that Docker stores cannot be read
    ├── Unavailable             3  something the command needs is not there; the same command may work later
    │   ├── EngineUnavailable   3  no Docker Engine answers
    │   └── RegistryUnavailable 3  no registry answers
    │       └── RateLimited     3  the registry asks us to wait
    ├── Conflict                4  the version is published with other content, or another release or run is in progress
    └── Interrupted   129, 130, 143  SIGHUP, Ctrl-C or SIGTERM
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

__all__ = [
    "LONGEST_MESSAGE",
    "BuildFailed",
    "Conflict",
    "ContainerFailed",
    "CredentialsError",
    "DidNotConverge",
    "EngineUnavailable",
    "Interrupted",
    "NotAnImage",
    "Place",
    "PushRefused",
    "RateLimited",
    "RegistryUnavailable",
    "SeatrialError",
    "SmokeFailed",
    "StepFailed",
    "Unavailable",
    "UsageError",
    "sanitize",
    "sanitize_line",
]

LONGEST_MESSAGE: Final = 2000
"""Characters to which the message and the hint of an error, and what is shown of them, are cut."""

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def sanitize(text: str, *, limit: int = 500) -> str:
    """Return foreign text without control characters, cut to `limit` characters; what is not UTF-8 is escaped."""
    text = _CONTROL.sub("", text).strip()
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= limit else text[: limit - 1] + "…"


def sanitize_line(line: str, *, limit: int = 500) -> str:
    """Return a line of foreign text without control characters; its indentation stays, as a traceback needs it."""
    return line[: len(line) - len(line.lstrip(" "))] + sanitize(line, limit=limit)


class Place(NamedTuple):
    """A line of a file, counted from 1."""

    path: Path
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


class SeatrialError(Exception):
    """What failed, why, and what to type next; it does not change, and `but` makes another one of it.

    `details` are lines that help to find the cause: the end of a log, the failed checks. `cause` is the cause's name
    for programs, or empty. `transient` is whether another try may succeed in a few seconds. `place` is the line that
    has to be changed, if that is known.
    """

    message: str
    reason: str
    hint: str
    details: tuple[str, ...]
    exit_code: int = 1
    cause: str = ""
    transient: bool = False
    place: Place | None = None

    def __init__(  # noqa: PLR0913  what an error says
        self,
        message: str,
        *,
        reason: str,
        hint: str,
        details: tuple[str, ...] = (),
        cause: str = "",
        transient: bool | None = None,
        place: Place | None = None,
    ) -> None:
        super().__init__(message)
        vars(self).update(
            _sanitized(message=message, reason=reason, hint=hint),
            details=tuple(sanitize_line(line) for line in details),
            cause=cause or self.cause,
            transient=self.transient if transient is None else transient,
            place=place,
        )

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("__"):  # what Python itself adds: where it was raised, and notes
            raise AttributeError(f"an error does not change: but({name}=…) returns another one")
        super().__setattr__(name, value)

    def __str__(self) -> str:
        return f"{self.message}: {self.reason}"

    def but(self, **fields: Any) -> Self:  # noqa: ANN401  each field's own
        """Return the same error with other values in these fields, such as another reason or hint."""
        other = type(self).__new__(type(self), *self.args)
        vars(other).update(vars(self), **_sanitized(**fields))
        return other


def _sanitized(**fields: Any) -> dict[str, Any]:  # noqa: ANN401  as above
    limits = {"message": LONGEST_MESSAGE, "reason": 500, "hint": LONGEST_MESSAGE}
    return fields | {name: sanitize(fields[name], limit=most) for name, most in limits.items() if name in fields}


class StepFailed(SeatrialError):
    """The work itself went wrong."""


class BuildFailed(StepFailed):
    """The Dockerfile could not be built."""

    cause = "build-failed"


class ContainerFailed(StepFailed):
    """A container could not be created, started or kept running."""


class SmokeFailed(StepFailed):
    """The app did not answer as its checks expect."""


class PushRefused(StepFailed):
    """The registry does not allow this user to push or read."""

    cause = "denied"


class NotAnImage(StepFailed):
    """What a registry holds under a name is not an image but `kind`: "a Helm chart"."""

    kind: str

    def __init__(self, message: str, *, kind: str) -> None:
        super().__init__(message, reason=f"it is {kind}, not an image", hint="use another version")
        vars(self)["kind"] = kind


class DidNotConverge(StepFailed):
    """A step was carried out, but still has something to change."""


class UsageError(SeatrialError):
    """The command line or the settings are wrong; nothing was changed."""

    exit_code = 2


class CredentialsError(UsageError):
    """The credentials that Docker stores cannot be read."""


class Unavailable(SeatrialError):
    """Something the command needs is not there; the same command may work later."""

    exit_code = 3


class EngineUnavailable(Unavailable):
    """No Docker Engine answers."""

    cause = "no-engine"


class RegistryUnavailable(Unavailable):
    """No registry answers."""

    cause = "no-registry"
    transient = True


class RateLimited(RegistryUnavailable):
    """The registry asks us to wait; `seconds` is how long, or 0 if it does not say."""

    cause = "rate-limit"
    seconds: float = 0.0


class Conflict(SeatrialError):
    """The version is published with other content, or another release or run is in progress."""

    exit_code = 4


class Interrupted(SeatrialError):
    """A signal ended the command; `published` is whether something may be in a registry already."""

    def __init__(self, signal_name: str, exit_code: int, *, published: bool = False) -> None:
        rest = "what is already in the registry stays there" if published else "incomplete work was cleaned up"
        super().__init__(f"cancelled by {signal_name}", reason=rest, hint="run it again")
        vars(self)["exit_code"] = exit_code
