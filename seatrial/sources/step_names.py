"""The steps of a build as builders name them, and where they stand in the Dockerfile."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from seatrial.sources.dockerfile import instructions, lines_of, split_flags

__all__ = ["PLUMBING", "StepName", "line_text", "step_line"]

PLUMBING: Final = ("[internal]", "[context ", "[auth]", "copy /context")
"""How the names of those parts of a build begin that are the builder's own."""

_NAME: Final = re.compile(r"\[([a-z0-9]+/\S+ )?(\S+ )? *(\d+)/(\d+)\] (.*)", re.DOTALL)
_CLASSIC_NAME: Final = re.compile(r"Step (\d+)/\d+ : ")
_COUNTED: Final = frozenset({"ADD", "COPY", "RUN", "WORKDIR"})


@dataclass(frozen=True, kw_only=True)
class StepName:
    """What BuildKit calls a step, `[linux/amd64 stage-1 2/5] RUN make`: platform and stage may be empty."""

    platform: str
    stage: str
    number: int
    total: int
    words: str

    @classmethod
    def parse(cls, name: str) -> StepName | None:
        """Return the parts of a step's name, or None when it is none of the Dockerfile's."""
        match = _NAME.match(name)
        if match is None:
            return None
        platform, stage, number, total, words = match.groups(default="")
        return cls(platform=platform.strip(), stage=stage.strip(), number=int(number), total=int(total), words=words)


def step_line(text: str, step: str) -> int | None:
    """Return the line of the instruction that a builder calls `step`: `[stage-1 2/5] RUN make` or `Step 2/5 : RUN make`.

    BuildKit counts, in each stage, FROM (unless it starts from another stage or from scratch), ADD, COPY, RUN and
    WORKDIR; the classic builder counts all instructions. None when the step is none of the Dockerfile's.
    """
    found = instructions(text)
    if match := _CLASSIC_NAME.match(step):
        chosen = found[int(match[1]) - 1 : int(match[1])]
        return chosen[0].line if chosen else None
    name = StepName.parse(step)
    keyword = re.match("[A-Za-z]+", name.words) if name else None
    if name is None or keyword is None:
        return None
    number, stages = -1, set[str]()
    candidates: list[int] = []
    pluralize = 0
    for one in found:
        if one.keyword == "FROM":
            words = [word.lower() for word in split_flags(one.rest)[1].split()]
            number, pluralize = number + 1, int(not stages.intersection(words[:1]) and words[:1] != ["scratch"])
            stage = words[2] if words[1:2] == ["as"] and len(words) > 2 else f"stage-{number}"  # noqa: PLR2004
            stages.add(stage)
        elif one.keyword in _COUNTED:
            pluralize += 1
        else:
            continue
        here = not name.stage or stage == name.stage.lower()
        if pluralize == name.number and one.keyword == keyword[0].upper() and here:
            candidates.append(one.line)
    return candidates[0] if len(candidates) == 1 else None


def line_text(text: str, line: int) -> str:
    """Return a line (from 1) as it is written, or None."""
    return next(iter(lines_of(text)[line - 1 : line]), "")
