"""What deserves a second look in a Dockerfile, line by line."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from seatrial.sources.dockerfile import DockerfileError, Instruction, instructions, split_flags
from seatrial.sources.dockerfile_variables import expand

__all__ = ["LintWarning", "lint"]

_URL: Final = re.compile(r"https?://|ftp://", re.IGNORECASE)
_ROOT: Final = {"root", "0"}
_SHELLS_OWN: Final = re.compile(r"[$`<>*?~(){}\[\]\\#!]")
_SEVERAL: Final = re.compile(r"[&|;\n]|^\w+=")
_LONGEST: Final = 100


@dataclass(frozen=True, kw_only=True)
class LintWarning:
    """One remark: the line it is about (from 1), its name for programs, what is so, and what would be better."""

    line: int
    name: str
    reason: str
    hint: str


@dataclass
class _Stage:
    """One FROM, by its base and its name in lowercase, with the instructions behind it and those of its parent."""

    line: int
    base: str
    name: str
    body: list[Instruction]


def lint(text: str, build_args: Mapping[str, str], target: str | None = None) -> tuple[LintWarning, ...]:
    """Return the remarks on a Dockerfile in the order of its lines; `target` is the stage that is shipped.

    What a variable hides is not remarked on.
    """
    stages = _stages(text, build_args)
    if not stages:
        return ()
    shipped = next((one for one in stages if target and one.name == target.lower()), stages[-1])
    warnings = [*_bases(stages), *_added(stages), *_user(shipped), *_command(shipped), *_health(shipped)]
    return tuple(sorted(warnings, key=lambda one: one.line))


def _stages(text: str, build_args: Mapping[str, str]) -> list[_Stage]:
    values: dict[str, str | DockerfileError] = {}
    stages: list[_Stage] = []
    for one in instructions(text):
        words = split_flags(one.rest)[1].split()
        if one.keyword == "ARG" and not stages:
            for word in words:
                name, _, default = word.partition("=")
                values[name] = build_args.get(name, _expanded(default, values, one.line))
        elif one.keyword == "FROM" and words:
            base = _expanded(words[0], values, one.line)
            name = words[2].lower() if len(words) > 2 and words[1].lower() == "as" else ""  # noqa: PLR2004  FROM x AS y
            parent = next((stage for stage in stages if stage.name and stage.name == base.lower()), None)
            body = list(parent.body) if parent else []
            stages.append(_Stage(line=one.line, base="" if parent else base, name=name, body=body))
        elif stages:
            stages[-1].body.append(one)
    return stages


def _expanded(word: str, values: Mapping[str, str | DockerfileError], line: int) -> str:
    """Return a word with its variables filled in; nothing when only the engine could do that."""
    try:
        return expand(word, values, line=line)
    except DockerfileError:
        return ""


def _bases(stages: list[_Stage]) -> Iterator[LintWarning]:
    for stage in stages:
        name, _, digest = stage.base.partition("@")
        tag = name.rpartition("/")[2].partition(":")[2]
        if not stage.base or stage.base == "scratch" or digest or tag not in ("", "latest"):
            continue
        yield LintWarning(
            line=stage.line,
            name="base-not-pinned",
            reason=f"FROM {stage.base} is not pinned: it can be another image tomorrow",
            hint=f"FROM {name.removesuffix(':latest')}:VERSION",
        )


def _added(stages: list[_Stage]) -> Iterator[LintWarning]:
    seen = set()
    for one in (one for stage in stages for one in stage.body):
        if one.keyword == "ADD" and one.line not in seen:
            flags, rest = split_flags(one.rest)
            seen.add(one.line)
            if _URL.match(rest.lstrip('["')) and not any(flag.startswith("checksum=") for flag in flags):
                reason = "ADD downloads whatever the URL serves at build time"
                yield LintWarning(
                    line=one.line, name="add-of-url", reason=reason, hint="ADD --checksum=sha256:…, or COPY a file"
                )


def _user(shipped: _Stage) -> Iterator[LintWarning]:
    last = next((one for one in reversed(shipped.body) if one.keyword == "USER"), None)
    if last is None:
        reason = "there is no USER: the app runs as root, unless the base image sets another user"
        yield LintWarning(line=shipped.line, name="root-user", reason=reason, hint="USER 10001:10001 before CMD")
    elif last.rest.partition(":")[0].strip() in _ROOT:
        yield LintWarning(
            line=last.line, name="root-user", reason="the app runs as root", hint="USER 10001:10001 before CMD"
        )


def _command(shipped: _Stage) -> Iterator[LintWarning]:
    for keyword in ("ENTRYPOINT", "CMD"):
        last = next((one for one in reversed(shipped.body) if one.keyword == keyword), None)
        if last and not last.rest.startswith(("[", "exec ")):
            reason = f"{keyword} is in shell form: a shell runs the app, and SIGTERM does not reach the app"
            yield LintWarning(line=last.line, name="shell-form", reason=reason, hint=_exec_form(keyword, last.rest))


def _exec_form(keyword: str, text: str) -> str:
    """Return what does the same without a shell that stays."""
    try:
        words = ["sh", "-c", f"exec {text}"] if _SHELLS_OWN.search(text) else shlex.split(text)
    except ValueError:  # a quote that nobody closed
        words = []
    form = f"{keyword} {json.dumps(words, ensure_ascii=False)}"
    if not words or _SEVERAL.search(text) or len(form) > _LONGEST:
        return f'{keyword} ["/start.sh"], a script that starts the app with exec in its last line'
    return form


def _health(shipped: _Stage) -> Iterator[LintWarning]:
    last = next((one for one in reversed(shipped.body) if one.keyword == "HEALTHCHECK"), None)
    if last is None or last.rest.strip().upper() == "NONE":
        reason = "there is no HEALTHCHECK: the engine does not notice when the app hangs"
        line = last.line if last else shipped.line
        yield LintWarning(
            line=line, name="no-healthcheck", reason=reason, hint='HEALTHCHECK CMD ["python", "check.py"]'
        )
