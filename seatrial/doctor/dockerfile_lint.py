"""What deserves a second look in a Dockerfile: three rules of our own, and all of hadolint's where it is installed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from seatrial.host.subprocesses import output_of
from seatrial.sources.dockerfile import shipped_instructions
from seatrial.sources.dockerfile_lines import Instruction, instructions, split_flags

__all__ = ["NO_HEALTHCHECK", "HadolintError", "LintWarning", "hadolint_warnings", "own_warnings"]

NO_HEALTHCHECK: Final = "DL3057"
"""The rule that asks for a HEALTHCHECK."""
_URL: Final = re.compile(r"https?://|ftp://", re.IGNORECASE)
_ROOT: Final = {"root", "0"}


class HadolintError(Exception):
    """Hadolint failed, or printed something else than its findings."""


class LintWarning(Struct, frozen=True, kw_only=True):
    """One warning: its line (from 1), the rule (hadolint's code, if it has the same one), why, and what is better."""

    line: int
    rule: str
    reason: str
    hint: str


class _Found(msgspec.Struct, frozen=True):
    """One finding as hadolint prints it; its other keys are ignored."""

    code: str
    line: int
    message: str


def hadolint_warnings(text: str) -> tuple[LintWarning, ...]:
    """Return the findings of hadolint, none if it is not on PATH; raise `HadolintError` if it does not work."""
    if shutil.which("hadolint") is None:
        return ()
    printed = output_of(["hadolint", "--no-fail", "--format", "json", "-"], text=text)
    try:
        found = msgspec.json.decode(printed or "", type=list[_Found])
    except msgspec.DecodeError as error:
        raise HadolintError(str(error)) from error
    return tuple(
        LintWarning(
            line=one.line,
            rule=one.code,
            reason=f"{one.code}: {one.message}",
            hint=f"fix it, or write above line {one.line}: # hadolint ignore={one.code}",
        )
        for one in found
    )


def own_warnings(text: str, build_args: Mapping[str, str], target: str | None = None) -> tuple[LintWarning, ...]:
    """Return the warnings of our own rules; `target` is the stage that is shipped.

    Raise `DockerfileError` as `base_images` does.
    """
    shipped = shipped_instructions(text, build_args, target)
    last = {one.keyword: one for one in shipped}
    return (*_added(text), *_user(last), *_health(last))


def _added(text: str) -> Iterator[LintWarning]:
    for one in instructions(text):
        flags, rest = split_flags(one.rest)
        if one.keyword != "ADD" or not _URL.match(rest.lstrip('["')):
            continue
        if not any(flag.startswith("checksum=") for flag in flags):
            reason = "ADD downloads whatever the URL serves at build time"
            hint = "ADD --checksum=sha256:…, or COPY a file"
            yield LintWarning(line=one.line, rule="add-of-url", reason=reason, hint=hint)


def _user(last: Mapping[str, Instruction]) -> Iterator[LintWarning]:
    user = last.get("USER")
    if user and user.rest.partition(":")[0].strip() not in _ROOT:
        return
    reason = "the app runs as root"
    if user is None:
        reason = f"there is no USER: {reason}, unless the base image sets another user"
    line = (user or last["FROM"]).line
    yield LintWarning(line=line, rule="DL3002", reason=reason, hint="USER 10001:10001 before CMD")


def _health(last: Mapping[str, Instruction]) -> Iterator[LintWarning]:
    check = last.get("HEALTHCHECK")
    if check and check.rest.strip().upper() != "NONE":
        return
    reason = "there is no HEALTHCHECK: the engine does not notice when the app hangs"
    line = (check or last["FROM"]).line
    yield LintWarning(line=line, rule=NO_HEALTHCHECK, reason=reason, hint='HEALTHCHECK CMD ["python", "check.py"]')
