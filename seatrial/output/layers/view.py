"""What all pictures of an image's layers show: its steps in groups, sums, and sentences about push, pull and reuse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from msgspec import Struct

from seatrial.checks.image.secrets import without_secrets
from seatrial.errors import sanitize
from seatrial.layers.comparison import Comparison, Reuse, StepState
from seatrial.layers.image_steps import ImageStep, LayeredImage, total_size
from seatrial.layers.transfer import Traffic
from seatrial.wording import pluralize, spaced_size, summarize_names

__all__ = ["Fact", "Group", "LayersView", "Row", "shown_size"]


class Fact(Struct, frozen=True):
    """What is worth knowing in short: a name, a value, and more about it; without a value, why it is not known."""

    name: str
    value: str
    more: str = ""

    def __str__(self) -> str:
        return f"{self.value or 'not known:'} {self.more}".rstrip()


class Row(Struct, frozen=True, kw_only=True):
    """A step as it is shown; `share` is its part of the largest step, from 0 to 1."""

    step: ImageStep
    text: str
    state: StepState
    size: str
    compressed: int | None
    share: float
    breaks: bool = False

    @property
    def label(self) -> str:
        """The state in words; empty for what the group's title says."""
        return self.state.value if self.state in (StepState.AGAIN, StepState.SAME_CONTENT) else ""


class Group(Struct, frozen=True, kw_only=True):
    """Steps under one title; `kind` is `shared`, `new`, `gone` or `all`."""

    kind: str
    title: str
    rows: tuple[Row, ...]


class LayersView(Struct, frozen=True, kw_only=True, dict=True):
    """An image's layers: alone or beside another image, and what a registry says about them."""

    image: LayeredImage
    comparison: Comparison | None = None
    traffic: Traffic | None = None

    @property
    def against(self) -> LayeredImage | None:
        """The other image."""
        return self.comparison.against if self.comparison else None

    @property
    def reuse(self) -> Reuse | None:
        """Where reuse ends."""
        return self.comparison.reuse if self.comparison else None

    @property
    def _name(self) -> str:
        return sanitize(self.image.name, limit=120)

    @property
    def _other(self) -> str:
        return sanitize(self.against.name, limit=120) if self.against else ""

    @property
    def title(self) -> str:
        """The images' names."""
        return f"{self._name} against {self._other}" if self.against else self._name

    @property
    def subtitle(self) -> str:
        """Size and number of layers."""
        return f"{shown_size(self.image.size)} in {pluralize(len(self.image.layers), 'layer')}"

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The steps, from the base image up: shared ones, the image's own, and those of the other image."""
        steps = self.image.steps
        if self.comparison is None:
            return (Group(kind="all", title=f"{self._name}: {self.subtitle}", rows=self._rows(steps)),)
        new = self.comparison.new
        end = steps.index(new[0]) if new else len(steps)
        gone = self.comparison.gone
        parts = [
            ("shared", f"shared with {self._other}", steps[:end]),
            ("new", f"new in {self._name}", steps[end:]),
            ("gone", f"only in {self._other}", gone),
        ]
        return tuple(
            Group(kind=kind, title=f"{title}: {' '.join(_amount(part))}", rows=self._rows(part, gone=kind == "gone"))
            for kind, title, part in parts
            if part
        )

    @property
    def facts(self) -> list[Fact]:
        """What is worth knowing in short."""
        return [*self._sharing_facts(), *self._traffic_facts()]

    @property
    def advice(self) -> tuple[str, str]:
        """Why reuse ends, and how to fix it; empty texts if there is nothing to say."""
        if self.reuse is None:
            return "", ""
        step, again = self.reuse.step, self.reuse.again
        shown = without_secrets(step.text)
        where = f"line {self.reuse.line}, {sanitize(shown, limit=60)}" if self.reuse.line else shown
        text = f"reuse ends at {sanitize(where, limit=120)}: {without_secrets(self.reuse.reason)}"
        if again:
            made = f"{pluralize(len(again), 'later step')} {'says' if len(again) == 1 else 'say'} the same"
            text += f"; {made}, and {shown_size(self.reuse.again_bytes)} was made again"
        return sanitize(text, limit=600), sanitize(self.reuse.hint, limit=400)

    def _sharing_facts(self) -> Iterator[Fact]:
        if self.comparison is None:
            return
        yield Fact(f"shared with {self._other}", *_amount(self.comparison.shared))
        yield Fact(f"new in {self._name}", *_amount(self.comparison.new))

    def _traffic_facts(self) -> Iterator[Fact]:
        traffic = self.traffic
        if traffic is None:
            return
        where, missing = sanitize(traffic.repository, limit=120), traffic.push_layers
        if not traffic.looked:
            yield Fact("push and pull", "", sanitize(traffic.reason, limit=400))
            return
        yield self._push_fact(traffic, where, missing)
        if traffic.pull_all is not None:
            yield Fact("a pull moves", spaced_size(traffic.pull_all), "to a machine without these layers")
        if traffic.pull_update is not None and self.against:
            yield Fact("an update moves", spaced_size(traffic.pull_update), f"to a machine with {self._other}")
        if traffic.reason:
            yield Fact("a pull", "", traffic.reason)

    def _push_fact(self, traffic: Traffic, where: str, missing: tuple[ImageStep, ...]) -> Fact:
        others = sanitize(summarize_names(sorted(set(traffic.mounted.values()))), limit=200)
        mounted = f"{pluralize(len(traffic.mounted), 'layer')} can be mounted from {others}"
        if not missing:
            held = f"{where} has {'this image' if traffic.published else 'them all'}"
            because = f"if the registry mounts them from {others}" if traffic.mounted else f"because {held}"
            return Fact("a push moves", "no layer", because)
        there = len(self.image.layers) - len(missing) - len(traffic.mounted)
        rest = f"{where} has {'the others' if there else 'none of them'}" + f", {mounted}" * bool(traffic.mounted)
        size = "size unknown" if traffic.push is None else f"up to {spaced_size(traffic.push)}"
        return Fact("a push moves", size, f"in {pluralize(len(missing), 'layer')}, less when compressed; {rest}")

    def _rows(self, steps: Iterable[ImageStep], *, gone: bool = False) -> tuple[Row, ...]:
        return tuple(self._row(step, gone=gone) for step in steps)

    def _row(self, step: ImageStep, *, gone: bool) -> Row:
        state = StepState.LAYER if step.layer else StepState.SETTING
        if self.comparison and not gone:
            state = self.comparison.state(step)
        sizes = self.traffic.compressed if self.traffic else {}
        return Row(
            step=step,
            text=sanitize(without_secrets(step.text), limit=400),
            state=state,
            size=shown_size(step.size) if step.layer else "",
            compressed=sizes.get(step.layer) if step.layer else None,
            share=(step.size or 0) / self._largest,
            breaks=bool(self.reuse and step is self.reuse.step),
        )

    @cached_property
    def _largest(self) -> int:
        return max((step.size or 0 for step in self.image.steps), default=0) or 1


def shown_size(size: int | None) -> str:
    """Return bytes in Docker's units, or that the size is unknown."""
    return "size unknown" if size is None else spaced_size(size)


def _amount(steps: Iterable[ImageStep]) -> tuple[str, str]:
    """Return the size of the steps' layers, and their number."""
    sizes = [step.size for step in steps if step.layer]
    count, size = pluralize(len(sizes), "layer"), total_size(sizes)
    return (spaced_size(size), f"in {count}") if sizes and size is not None else (count, "")
