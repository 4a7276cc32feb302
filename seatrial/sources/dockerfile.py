"""A Dockerfile as far as it must be read before the build: its base images, stages and labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from seatrial.sources.dockerfile_lines import Instruction, escape_character, instructions, lines_of, split_flags
from seatrial.sources.dockerfile_variables import AUTOMATIC_ARGS, DockerfileError, UnknownValueError, expand

__all__ = [
    "DockerfileError",
    "UnknownTargetError",
    "base_images",
    "final_base",
    "own_labels",
    "own_user",
    "shipped_instructions",
    "up_to_target",
]

_BLANKS: Final = re.compile(r"[\t\v\f\r ]+")


class UnknownTargetError(DockerfileError):
    """The target is not a stage of the Dockerfile."""


class _Stage(Struct, frozen=True, kw_only=True):
    """One FROM; `uses` holds the names that its COPY and RUN instructions copy or mount from, with their lines."""

    line: int
    name: str
    base: str
    parent: int | None  # the earlier stage this one starts from
    uses: list[tuple[int, str]] = []


def base_images(text: str, build_args: Mapping[str, str], target: str | None = None) -> tuple[str, ...]:
    """Return the images that building `target` (or the last stage) needs, in the file's order.

    Names are those of the Dockerfile with variables filled in, without `scratch` and the file's own stages.
    `build_args` also holds `TARGETARCH` and the like. Raise `DockerfileError` if a name cannot be determined.
    """
    stages = _stages(text, build_args, target)
    needed: dict[int, list[str]] = {}
    waiting = [_target_number(stages, target)]
    while waiting:
        number = waiting.pop()
        if number in needed:
            continue
        stage = stages[number]
        needed[number] = [stage.base] if stage.parent is None else []
        waiting += [] if stage.parent is None else [stage.parent]
        for line, name in stage.uses:
            used = _stage_number(name, stages, line)
            if used is None:
                needed[number].append(name)
            else:
                waiting.append(used)
    images = (image for number in sorted(needed) for image in needed[number] if image != "scratch")
    return tuple(dict.fromkeys(images))


def final_base(text: str, build_args: Mapping[str, str], target: str | None = None) -> str:
    """Return the image (or `scratch`) that `target` or the last stage starts from, directly or through other stages."""
    stages = _stages(text, build_args, target)
    stage = stages[_target_number(stages, target)]
    while stage.parent is not None:
        stage = stages[stage.parent]
    return stage.base


def shipped_instructions(text: str, build_args: Mapping[str, str], target: str | None = None) -> list[Instruction]:
    """Return the instructions of `target` (or the last stage), after those of the stages that it starts from."""
    stages = _stages(text, build_args, target)
    number: int | None = _target_number(stages, target)
    found: list[Instruction] = []
    while number is not None:
        first, *later = (stage.line for stage in stages[number:])
        own = [one for one in instructions(text) if first <= one.line < min(later, default=one.line + 1)]
        found = own + found
        number = stages[number].parent
    return found


def _target_number(stages: list[_Stage], target: str | None) -> int:
    if not stages:
        raise DockerfileError(1, "there is no FROM: a Dockerfile must start from an image")
    found = _stage_number(target, stages, 1) if target else len(stages) - 1
    if found is None:
        names = ", ".join(stage.name for stage in stages if stage.name)
        raise UnknownTargetError(
            1, f"no FROM says AS {target}; the stages are {names}" if names else "no stage has a name"
        )
    return found


def up_to_target(text: str, build_args: Mapping[str, str], target: str | None) -> str:
    """Return the text without the stages after `target`, because a stage cannot need a later one."""
    stages = _stages(text, build_args, target)
    number = _stage_number(target, stages, 1) if target else None
    if number is None or number + 1 == len(stages):
        return text
    return "\n".join(lines_of(text)[: stages[number + 1].line - 1]) + "\n"


def _stage_number(name: str, stages: list[_Stage], line: int) -> int | None:
    """Return the number of the stage that `name` means in COPY, RUN or a target; None if it means an image."""
    if "$" in name:
        reason = f"from={name}: Docker does not fill in variables here; write FROM {name} AS NAME, and then from=NAME"
        raise DockerfileError(line, reason)
    by_name = {stage.name: number for number, stage in enumerate(stages) if stage.name}
    if name.lower() in by_name or not re.fullmatch(r"[0-9]+", name):
        return by_name.get(name.lower())
    if int(name) >= len(stages):
        raise DockerfileError(line, f"there is no stage {name}: the last one is {len(stages) - 1}")
    return int(name)


def own_labels(text: str) -> str:
    """Return the text of all LABEL instructions."""
    return " ".join(one.rest for one in instructions(text) if one.keyword == "LABEL")


def own_user(text: str) -> str:
    """Return the user that the last stage itself sets; empty if it sets none, or one with a variable."""
    user = ""
    for one in instructions(text):
        if one.keyword in ("FROM", "USER"):
            user = one.rest.strip() if one.keyword == "USER" and "$" not in one.rest else ""
    return user


def _stages(text: str, build_args: Mapping[str, str], target: str | None = None) -> list[_Stage]:
    found, escape = instructions(text, strict=True), escape_character(text)
    # A value that is not known yet matters only if a FROM uses it, so its error is stored here.
    values: dict[str, str | DockerfileError] = {k: v for k, v in build_args.items() if k in AUTOMATIC_ARGS}
    names = [_from(one)[1] for one in found if one.keyword == "FROM"]
    values = {"BUILDOSVERSION": "", "TARGETOSVERSION": "", **values}  # only Windows has one
    values.setdefault("TARGETSTAGE", target or next(reversed(names), "") or "default")
    stages: list[_Stage] = []
    for one in found:
        flags, rest = split_flags(one.rest)
        if one.keyword == "ARG" and not stages:
            for word in _words(rest, escape):
                name, given, default = word.partition("=")
                if name in build_args and not (given and name in AUTOMATIC_ARGS):  # a default goes before the builder's
                    values[name] = build_args[name]
                elif given:
                    try:
                        values[name] = expand(default, values, escape=escape, line=one.line)
                    except UnknownValueError as error:
                        values[name] = error
        elif one.keyword == "FROM":
            word, name = _from(one)
            base = expand(word, values, escape=escape, line=one.line)
            if not base:
                raise DockerfileError(one.line, f"FROM {rest}: the name is empty; give its ARG a value")
            earlier = {stage.name: number for number, stage in enumerate(stages) if stage.name}
            stages.append(_Stage(line=one.line, name=name, base=base, parent=earlier.get(base.lower())))
        elif one.keyword in {"COPY", "RUN"} and stages:
            stages[-1].uses.extend((one.line, name) for name in _sources(one.keyword, flags) if name)
    return stages


def _from(instruction: Instruction) -> tuple[str, str]:
    """Return the base image of a FROM as written, and the stage's name or an empty text."""
    base, *rest = _BLANKS.split(split_flags(instruction.rest)[1].strip())
    match rest:
        case []:
            return base, ""
        case [keyword, name] if keyword.lower() == "as":
            return base, name.lower()
        case _:
            raise DockerfileError(instruction.line, f"FROM {instruction.rest}: write FROM IMAGE or FROM IMAGE AS NAME")


def _words(text: str, escape: str) -> list[str]:
    """Return the words of an ARG with their quotes; blanks in quotes and after the escape character are part of one."""
    one = re.escape(escape)
    word = re.compile(rf"""(?:{one}[\s\S]|"(?:{one}[\s\S]|[^"{one}])*"|'[^']*'|[^\s"'{one}]|["'{one}])+""")
    return word.findall(text)


def _sources(keyword: str, flags: list[str]) -> Iterator[str]:
    for flag in flags:
        name, _, value = flag.partition("=")
        if keyword == "COPY" and name == "from":
            yield value
        elif keyword == "RUN" and name == "mount":
            for pair in value.split(","):
                key, _, source = pair.strip().partition("=")
                if key.lower() == "from":
                    yield source
