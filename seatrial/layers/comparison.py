"""Which layers two images share, where sharing ends and why, and how to fix it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import cached_property
from typing import Final

from msgspec import Struct

from seatrial.layers.image_steps import ImageStep, LayeredImage, total_size
from seatrial.sources.dockerfile_lines import Instruction, instructions, split_flags
from seatrial.wording import summarize_names

__all__ = ["Comparison", "Reuse", "StepState"]

# Commands that install what code needs, the files that they read, and the command to run before the code is there.
# Without files the command itself reads none; without a command it is the one that was found.
_INSTALLERS: Final = (
    (re.compile(r"\bpip3? .*\binstall\b.*(?:-r|--requirement)[ =](\S+)"), r"\1", ""),
    (re.compile(r"\buv (?:sync|pip install)\b"), "pyproject.toml uv.lock", "uv sync --no-install-project"),
    (re.compile(r"\bpoetry install\b"), "pyproject.toml poetry.lock", "poetry install --no-root"),
    (re.compile(r"\bpipenv (?:install|sync)\b"), "Pipfile Pipfile.lock", ""),
    (re.compile(r"\b(?:npm (?:ci|install|i)|yarn install|pnpm (?:install|i))(?=\s|$)"), "package*.json", ""),
    (re.compile(r"\bgo (?:mod download|build|install)\b"), "go.mod go.sum", "go mod download"),
    (re.compile(r"\bbundle install\b"), "Gemfile Gemfile.lock", ""),
    (re.compile(r"\bcomposer install\b"), "composer.json composer.lock", "composer install --no-scripts"),
    (re.compile(r"\bmvn\b"), "pom.xml", "mvn dependency:go-offline"),
    (re.compile(r"\b(?:apt(?:-get)?|dnf|yum|microdnf) .*\binstall\b|\bapk add\b|\bpip3? .*\binstall\b"), "", ""),
)
_MAKES_LAYER: Final = frozenset({"ADD", "COPY", "RUN", "WORKDIR"})


class StepState(StrEnum):
    """What a step is beside another image.

    Its layer is in both, its content is in both but on other layers, it was made again although it says the same, or it
    is only here. `layer` is a step beside no image, `setting` one that made no layer.
    """

    LAYER = "layer"
    SHARED = "shared"
    SAME_CONTENT = "same content"
    AGAIN = "made again"
    NEW = "new"
    SETTING = "setting"


class Reuse(Struct, frozen=True, kw_only=True):
    """Where reuse ends: the `step`, its `line` in the Dockerfile if known, and why.

    `again` are the later RUN steps that say the same in both images and ran again all the same. `hint` mends that,
    empty if nothing needs to be mended.
    """

    step: ImageStep
    line: int | None
    reason: str
    again: tuple[ImageStep, ...]
    hint: str

    @property
    def again_bytes(self) -> int | None:
        """The size of what was made again, None if unknown."""
        return total_size(one.size for one in self.again)


class Comparison(Struct, frozen=True, kw_only=True, dict=True):
    """An image beside another one; `dockerfile` is the text that the image was built from, as far as it is known."""

    image: LayeredImage
    against: LayeredImage
    dockerfile: str = ""

    @cached_property
    def shared(self) -> tuple[ImageStep, ...]:
        """The layers that both have, from the lowest on."""
        others = {step.chain for step in self.against.layers}
        return tuple(step for step in self.image.layers if step.chain in others)

    @property
    def new(self) -> tuple[ImageStep, ...]:
        """The layers that only the image has."""
        return self.image.layers[len(self.shared) :]

    @property
    def gone(self) -> tuple[ImageStep, ...]:
        """The layers that only the other image has."""
        return self.against.layers[len(self.shared) :]

    def state(self, step: ImageStep) -> StepState:
        """Return what a step of the image is beside the other one."""
        if step.layer is None:
            return StepState.SETTING
        if step in self.shared:
            return StepState.SHARED
        if step.layer in {one.layer for one in self.gone}:
            return StepState.SAME_CONTENT
        return StepState.AGAIN if self.reuse and step in self.reuse.again else StepState.NEW

    @cached_property
    def reuse(self) -> Reuse | None:
        """Where reuse ends, None if all layers are shared."""
        if not self.new:
            return None
        step = self.new[0]
        before = self.gone[0] if self.gone else None
        known = {(one.text, one.arguments) for one in self.gone}
        again = tuple(one for one in self.new[1:] if one.keyword == "RUN" and (one.text, one.arguments) in known)
        found = self._instruction(step)
        reason, hint = self._explain(step, before, again, found)
        return Reuse(step=step, line=found.line if found else None, reason=reason, again=again, hint=hint)

    def _explain(
        self, step: ImageStep, before: ImageStep | None, again: Sequence[ImageStep], found: Instruction | None
    ) -> tuple[str, str]:
        """Return why a step has another layer than the same step of the other image, and how to fix it."""
        if not self.shared or self._is_of_base(step):
            return "the base image is another one", ""
        if before is None:
            return "the other image has no step here", ""
        if step.text != before.text:
            return f"the other image has {before.text} here", ""
        if step.arguments != before.arguments:
            # Only their names: a value may be a secret.
            names = [one.partition("=")[0] for one in step.arguments if one not in before.arguments]
            moved = " and ".join(f"ARG {name}" for name in names) or "its ARG"
            return f"build arguments that it sees have other values ({summarize_names(names)})", (
                f"move {moved} below {_short(step.text)}: a RUN runs again when an ARG before it has another value"
            )
        if step.keyword in ("COPY", "ADD"):
            return self._explain_copy(step, again, found)
        made = "it makes the same folder, at another time" if step.keyword == "WORKDIR" else "it ran once more"
        cached = "build both versions from one build cache (without --no-cache and docker builder prune)"
        return f"{made}: times are a part of the layer", cached if again or step.size else ""

    def _explain_copy(self, step: ImageStep, again: Sequence[ImageStep], found: Instruction | None) -> tuple[str, str]:
        flags = split_flags(found.rest)[0] if found else []
        if stage := next((flag.partition("=")[2] for flag in flags if flag.startswith("from=")), ""):
            return f"what stage {stage} makes changed", _order_hint(_of_stage(self.dockerfile, stage))
        steps = [Instruction(line=0, keyword=one.keyword, rest=one.text.partition(" ")[2]) for one in (step, *again)]
        return "a file that it copies changed", _order_hint(steps)

    def _instruction(self, step: ImageStep) -> Instruction | None:
        """Return the Dockerfile's instruction that made a layer: both are counted from the last one back."""
        place, written = self._place(step), self._written
        found = written[-place] if place <= len(written) else None
        return found if found and found.keyword == step.keyword else None

    def _is_of_base(self, step: ImageStep) -> bool:
        """Return whether a layer lies below those that the Dockerfile makes."""
        return bool(self.dockerfile) and self._place(step) > len(self._written)

    def _place(self, step: ImageStep) -> int:
        return len(self.image.layers) - self.image.layers.index(step)

    @cached_property
    def _written(self) -> list[Instruction]:
        """The instructions of the last stage, and of those that it starts from, that make a layer."""
        return [one for one in _last_stage(self.dockerfile) if one.keyword in _MAKES_LAYER]


def _order_hint(steps: Sequence[Instruction]) -> str:
    """Return the hint for steps that copy code before they install what the code needs; empty if they do not."""
    copied: Instruction | None = None
    for one in steps:
        if one.keyword in ("COPY", "ADD") and _is_broad(one):
            copied = copied or one
        elif one.keyword == "RUN" and copied and (first := _installation(one.rest)):
            where = f" (line {copied.line})" if copied.line else ""
            code = f"{copied.keyword} {split_flags(copied.rest)[1]}{where}"
            return f"put {first} before {code}: then a change of the code does not install everything again"
    return ""


def _is_broad(copy: Instruction) -> bool:
    """Return whether a COPY takes a whole folder, or more than the files that name requirements."""
    flags, rest = split_flags(copy.rest)
    if any(flag.startswith("from=") for flag in flags):
        return False
    sources = rest.split()[:-1]
    return any(source in (".", "./") or "." not in source.strip("./") for source in sources)


def _installation(command: str) -> str:
    """Return what a command installs as the steps that can stand before the code; empty if it installs nothing."""
    for pattern, files, run in _INSTALLERS:
        if found := pattern.search(command):
            copied = f"COPY {found.expand(files)} ./ and " if files else ""
            return f"{copied}RUN {run or _short(command)}"
    return ""


def _stages(text: str) -> list[list[Instruction]]:
    stages: list[list[Instruction]] = []
    for one in instructions(text):
        if one.keyword == "FROM":
            stages.append([])
        if stages:
            stages[-1].append(one)
    return stages


def _last_stage(text: str) -> list[Instruction]:
    """Return the instructions of the last stage, after those of the stages that it starts from."""
    stage = next(reversed(_stages(text)), [])
    found = stage
    while stage:
        base = split_flags(stage[0].rest)[1].split()[:1]
        stage = _of_stage(text, base[0], before=stage[0].line) if base else []
        found = stage + found
    return found


def _of_stage(text: str, name: str, before: int | None = None) -> list[Instruction]:
    """Return the instructions of a stage, by its name or, unless only lines `before` count, by its number."""
    for number, stage in enumerate(_stages(text)):
        words = stage[0].rest.lower().split()
        earlier = before is None or stage[0].line < before
        if earlier and (words[-2:] == ["as", name.lower()] or (before is None and str(number) == name)):
            return stage
    return []


def _short(text: str, most: int = 70) -> str:
    return text if len(text) <= most else f"{text[:most].rstrip()} …"
