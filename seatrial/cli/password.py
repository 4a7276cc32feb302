"""Ask for a user's password."""

from __future__ import annotations

import getpass
import io
import sys

from seatrial.errors import UsageError
from seatrial.registry.credentials import Credential, Secret

__all__ = ["ask_credential"]


def ask_credential(user: str, registry: str, *, from_stdin: bool) -> Credential:
    """Ask for a user's password, or read it from standard input; `UsageError` when there is none."""
    source = sys.stdin or io.StringIO()  # None if it was closed
    is_terminal = source.isatty()
    try:
        if from_stdin:
            password = source.read().rstrip("\r\n")
        elif is_terminal:
            password = getpass.getpass(f"Password or access token of {user} at {registry}: ")
        else:
            password = ""
        password.encode()
    except UnicodeError:
        raise UsageError(
            f"the password of {user} cannot be read",
            reason="it is not UTF-8",
            hint=f"invoke login --user {user} --password-stdin < FILE",
        ) from None
    if not password:
        given = "what was typed" if is_terminal else "standard input"
        raise UsageError(
            f"no password for {user}",
            reason=f"{given} is empty" if from_stdin or is_terminal else "there is no terminal for a prompt",
            hint=f"invoke login --user {user} --password-stdin < FILE",
        )
    return Credential(user=user, secret=Secret(password))
