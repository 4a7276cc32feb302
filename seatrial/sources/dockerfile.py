"""A Dockerfile as far as it must be read before the build: its base images, stages, labels and syntax line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from seatrial.sources.dockerfile_variables import PLATFORM_ARGS, DockerfileError, expand

__all__ = [
    "DockerfileError",
    "Instruction",
    "base_images",
    "final_base",
    "instructions",
    "lines_of",
    "own_labels",
    "shipped_instructions",
    "split_flags",
    "syntax_directive",
    "up_to_target",
    "without_syntax_directive",
]

_DIRECTIVE: Final = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*")
_FLAG: Final = re.compile(r"""\s*--((?:[^\s"']|"[^"]*"|'[^']*')*)(?:\s+|$)""")
_WORD: Final = re.compile(r"""(?:\\.|[^\s"'\\]|"(?:\\.|[^"\\])*"|'[^']*'|["'\\])+""")
_HEREDOC: Final = re.compile(r"""\d*<<(-?)(["']?)([^\s<"']+)\2""")


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """One instruction: its first line (from 1), its keyword in capitals, and the rest joined to one line."""

    line: int
    keyword: str
    rest: str


@dataclass(frozen=True, kw_only=True)
class _Stage:
    """One FROM; `uses` holds the names that its COPY and RUN instructions copy or mount from, with their lines."""

    line: int
    name: str
    base: str
    parent: int | None  # the earlier stage this one starts from
    uses: list[tuple[int, str]] = field(default_factory=list)


def base_images(text: str, build_args: Mapping[str, str], target: str | None = None) -> tuple[str, ...]:
    """Return the images that building `target` (or the last stage) needs, in the file's order.

    Names are those of the Dockerfile with variables filled in, without `scratch` and the file's own stages.
    `build_args` also holds `TARGETARCH` and the like. Raise `DockerfileError` if a name cannot be determined.
    """
    stages = _stages(text, build_args)
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
    stages = _stages(text, build_args)
    stage = stages[_target_number(stages, target)]
    while stage.parent is not None:
        stage = stages[stage.parent]
    return stage.base


def shipped_instructions(text: str, build_args: Mapping[str, str], target: str | None = None) -> list[Instruction]:
    """Return the instructions of `target` (or the last stage), after those of the stages that it starts from."""
    stages = _stages(text, build_args)
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
        raise DockerfileError(1, f"there is no stage {target!r}: no FROM says AS {target}")
    return found


def up_to_target(text: str, build_args: Mapping[str, str], target: str | None) -> str:
    """Return the text without the stages after `target`, because a stage cannot need a later one."""
    stages = _stages(text, build_args)
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


def instructions(text: str) -> list[Instruction]:
    """Return all instructions in order."""
    lines = lines_of(text)
    return list(_instructions(lines, _escape(lines)))


def own_labels(text: str) -> str:
    """Return the text of all LABEL instructions."""
    return " ".join(one.rest for one in instructions(text) if one.keyword == "LABEL")


def syntax_directive(text: str) -> str | None:
    """Return the frontend image of the `# syntax=` line, or None."""
    return next((value.split()[0] for _, key, value in _directives(lines_of(text)) if key == "syntax"), None)


def without_syntax_directive(text: str) -> str:
    """Return the text with its `# syntax=` line turned into a comment; each instruction keeps its line.

    An ordinary comment ends the directives, so the comment is placed after the other directives (`# escape=`).
    """
    if syntax_directive(text) is None:
        return text
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    lines = text.removeprefix(bom).split("\n")
    found = list(_directives(lines_of(text)))
    kept = [lines[number] for number, key, _ in found if key != "syntax"]
    comments = [
        f"# syntax line removed for this build: {value}" + ("\r" if lines[number].endswith("\r") else "")
        for number, key, value in found
        if key == "syntax"
    ]
    for (number, _, _), line in zip(found, kept + comments, strict=True):
        lines[number] = line
    return bom + "\n".join(lines)


def lines_of(text: str) -> list[str]:
    """Return the lines as Docker counts them; str.splitlines would also split at form feeds."""
    return [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]


def _directives(lines: list[str]) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(lines):
        if number == 0 and line.startswith("#!"):
            continue
        match = _DIRECTIVE.fullmatch(line)
        if match is None:
            return
        yield number, match[1].lower(), match[2]


def _escape(lines: list[str]) -> str:
    return next((value for _, key, value in _directives(lines) if key == "escape" and value == "`"), "\\")


def _instructions(lines: list[str], escape: str) -> Iterator[Instruction]:
    continued = re.compile(rf"(?:^|(?<=[^{re.escape(escape)}])){re.escape(escape)}[ \t]*$")
    number = 0
    while number < len(lines):
        start, words, open_ended = number + 1, "", True
        while open_ended and number < len(lines):
            line = lines[number]
            number += 1
            if line.lstrip().startswith("#") or not line.strip():
                # Docker drops comments and blank lines from the middle of an instruction.
                open_ended = bool(words)
                continue
            words += continued.sub("", line)
            open_ended = continued.search(line) is not None
        if words.strip():
            keyword, *rest = words.split(None, 1)
            yield Instruction(line=start, keyword=keyword.upper(), rest=rest[0].strip() if rest else "")
            if keyword.upper() in {"ADD", "COPY", "RUN"}:
                number = _after_heredocs(words, lines, number)


def _after_heredocs(rest: str, lines: list[str], number: int) -> int:
    """Return the index of the line after the here-documents that `rest` opens; ignore one without an end."""
    for word in rest.split():
        if match := _HEREDOC.fullmatch(word):
            for end in range(number, len(lines)):
                if (lines[end].lstrip("\t") if match[1] else lines[end]) == match[3]:
                    number = end + 1
                    break
    return number


def _stages(text: str, build_args: Mapping[str, str]) -> list[_Stage]:
    lines = lines_of(text)
    escape = _escape(lines)
    # A value that cannot be determined matters only if a FROM uses it, so its error is stored here.
    values: dict[str, str | DockerfileError] = {k: v for k, v in build_args.items() if k in PLATFORM_ARGS}
    stages: list[_Stage] = []
    for found in _instructions(lines, escape):
        flags, rest = split_flags(found.rest)
        if found.keyword == "ARG" and not stages:
            for word in _WORD.findall(rest):
                name, given, default = word.partition("=")
                if name in build_args:
                    values[name] = build_args[name]
                elif given:
                    try:
                        values[name] = expand(default, values, escape=escape, line=found.line)
                    except DockerfileError as error:
                        values[name] = error
        elif found.keyword == "FROM":
            words = _WORD.findall(rest)
            base = expand(words[0], values, escape=escape, line=found.line) if words else ""
            if not base:
                raise DockerfileError(found.line, f"FROM {rest}: the name is empty; give its ARG a value")
            earlier = {stage.name: number for number, stage in enumerate(stages) if stage.name}
            name = words[2].lower() if [word.lower() for word in words[1:-1]] == ["as"] else ""
            stages.append(_Stage(line=found.line, name=name, base=base, parent=earlier.get(base.lower())))
        elif found.keyword in {"COPY", "RUN"} and stages:
            stages[-1].uses.extend((found.line, name) for name in _sources(found.keyword, flags) if name)
    return stages


def split_flags(rest: str) -> tuple[list[str], str]:
    """Return the flags of an instruction without dashes and quotes, and the text after them."""
    flags = []
    while match := _FLAG.match(rest):
        flags.append(re.sub(r"[\"']", "", match[1]))
        rest = rest[match.end() :]
    return flags, rest


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
