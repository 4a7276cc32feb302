"""The names that builders give to build steps, and the Dockerfile lines that belong to them."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from seatrial.sources.dockerfile_lines import instructions, lines_of, split_flags

__all__ = ["INTERNAL_STEPS", "StepName", "line_text", "step_line"]

INTERNAL_STEPS: Final = ("[internal]", "[context ", "[auth]", "copy /context")
"""The beginnings of step names that come from the builder itself, not from the Dockerfile."""

_NAME: Final = re.compile(r"\[([a-z0-9]+/\S+ )?(\S+ )? *(\d+)/(\d+)\] (.*)", re.DOTALL)
_COUNTED: Final = frozenset({"ADD", "COPY", "RUN", "WORKDIR"})


class StepName(Struct, frozen=True, kw_only=True):
    """BuildKit's name of a step, as in `[linux/amd64 stage-1 2/5] RUN make`; `words` is the instruction.

    Platform and stage may be empty.
    """

    platform: str
    stage: str
    number: int
    total: int
    words: str

    @classmethod
    def parse(cls, name: str) -> StepName | None:
        """Parse a step's name; return None if the step does not come from the Dockerfile."""
        match = _NAME.match(name)
        if match is None:
            return None
        platform, stage, number, total, words = match.groups(default="")
        return cls(platform=platform.strip(), stage=stage.strip(), number=int(number), total=int(total), words=words)


def step_line(text: str, step: str) -> int | None:
    """Return the line of the instruction named `step`; None if it does not come from the Dockerfile.

    In each stage BuildKit counts FROM (unless it starts from another stage or from scratch), ADD, COPY, RUN and
    WORKDIR.
    """
    name = StepName.parse(step)
    keyword = re.match("[A-Za-z]+", name.words) if name else None
    if name is None or keyword is None:
        return None
    number, stages = -1, set[str]()
    candidates: list[int] = []
    count = 0
    for one in instructions(text):
        if one.keyword == "FROM":
            words = [word.lower() for word in split_flags(one.rest)[1].split()]
            number, count = number + 1, int(not stages.intersection(words[:1]) and words[:1] != ["scratch"])
            stage = words[2] if words[1:2] == ["as"] and len(words) > 2 else f"stage-{number}"  # noqa: PLR2004
            stages.add(stage)
        elif one.keyword in _COUNTED:
            count += 1
        else:
            continue
        here = not name.stage or stage == name.stage.lower()
        if count == name.number and one.keyword == keyword[0].upper() and here:
            candidates.append(one.line)
    return candidates[0] if len(candidates) == 1 else None


def line_text(text: str, line: int) -> str:
    """Return a line (from 1) as written; empty if there is no such line."""
    return next(iter(lines_of(text)[line - 1 : line]), "")
