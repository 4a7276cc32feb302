"""How a value of a compose file is taken: as a setting, as what a service here has anyway, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from seatrial.settings.compose_file import Part

__all__ = ["Refused", "Rule", "Setting", "only", "refuse", "section", "skip", "to"]


class Setting(NamedTuple):
    """A setting of an app, by its keys, that a part of a compose file gives."""

    keys: tuple[str, ...]
    value: Any
    part: Part


class Refused(NamedTuple):
    """A part of a compose file that `deploy` does not understand, and why, if that is not plain."""

    part: Part
    reason: str = ""


Rule = Callable[[Part], Iterator[Setting | Refused]]
"""What a part of a compose file says."""


def refuse(reason: str = "") -> Rule:
    """Return the rule of a key that is not understood."""

    def rule(part: Part) -> Iterator[Setting | Refused]:
        yield Refused(part, reason)

    return rule


def skip(part: Part) -> Iterator[Setting | Refused]:  # noqa: ARG001  as every rule
    """Take nothing: the key is not about a service that runs, or always so."""
    yield from ()


def to(*keys: str, parse: Callable[[Part], Any] = Part.text) -> Rule:
    """Return the rule of a value that is a setting of the app."""

    def rule(part: Part) -> Iterator[Setting | Refused]:
        yield Setting(keys, parse(part), part)

    return rule


def only(*values: str) -> Rule:
    """Return the rule of a key that may only say what a service has anyway; `values` are the ways to say it."""

    def rule(part: Part) -> Iterator[Setting | Refused]:
        for one in part.list() if isinstance(part.value, list) else [part]:
            if (text := one.text()) not in values:
                yield Refused(one, f"{text} is not what a service has here, which is {' or '.join(values)}")

    return rule


def section(rules: Mapping[str, Rule]) -> Rule:
    """Return the rule of a mapping whose keys have rules of their own, in this order; a key without one is refused.

    Those of other programs (`x-…`) are not looked at.
    """

    def rule(part: Part) -> Iterator[Setting | Refused]:
        given = {key: one for key, one in part.items() if one.value is not None and key[:2] != "x-"}
        for key in sorted(given, key=[*rules, *given].index):
            yield from rules.get(key, refuse())(given[key])

    return rule
