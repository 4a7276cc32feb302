"""The rows about releases."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bench.comparison import Comparison
from bench.release import ENGINE, Release
from bench.setup import Setup
from bench.timing import in_turns

__all__ = ["ansible_line", "ansible_noop", "release_cold", "release_line", "release_noop"]

_SCRIPT, _ANSIBLE = "shell script", "Ansible"
_ROUNDS, _LONG_ROUNDS = 9, 5
_HELD = "the registry holds the engine's image under the version and `latest`, by digest"
_SAME = f"Seatrial says `changed=0`; afterwards {_HELD}, and by the digest of before"
_LINE = f"the app answers with the new line before the push; afterwards {_HELD}, and its layer has the new line"
_COLD = f"the base image has a new layer, made before, and the libraries come from it, not from the network; {_LINE}"


def _measure(
    setup: Setup, tools: tuple[str, ...], rounds: int, action: Callable[[Release], float]
) -> dict[str, list[float]]:
    """Let the tools release in turns."""
    if not ENGINE.startswith("unix://"):
        tools = tuple(tool for tool in tools if tool != "floor")
    return in_turns({tool: partial(action, setup.release(tool)) for tool in tools}, setup.rounds_or(rounds))


def release_noop(setup: Setup) -> list[Comparison]:
    """Compare a release with nothing to do with the shell script."""
    taken = _measure(setup, ("seatrial", "script", "floor"), _ROUNDS, Release.again)
    return [
        Comparison(
            name="release, nothing to do",
            peer=_SCRIPT,
            ours=taken["seatrial"],
            other=taken["script"],
            floor=taken.get("floor", ()),
            goal=0.35,
            checked=_SAME,
        )
    ]


def release_line(setup: Setup) -> list[Comparison]:
    """Compare a release of a changed line with the shell script, with image checks and without."""
    taken = _measure(setup, ("seatrial", "script", "unchecked", "floor"), _ROUNDS, Release.with_new_line)
    return [
        Comparison(
            name=f"release, one line changed{note}",
            peer=_SCRIPT,
            ours=taken[tool],
            other=taken["script"],
            floor=taken.get("floor", ()),
            goal=goal,
            checked=f"{checked}; {_LINE}",
        )
        for tool, note, goal, checked in (
            ("seatrial", "", 1.2, "the image checks passed, too"),
            ("unchecked", ", image checks off", 1.0, "with the setting `image_facts: off`"),
        )
    ]


def release_cold(setup: Setup) -> list[Comparison]:
    """Compare a release on a new base image with the shell script."""
    taken = _measure(setup, ("seatrial", "script", "floor"), _LONG_ROUNDS, Release.with_new_base)
    return [
        Comparison(
            name="release, nothing cached",
            peer=_SCRIPT,
            ours=taken["seatrial"],
            other=taken["script"],
            floor=taken.get("floor", ()),
            goal=1.05,
            checked=_COLD,
        )
    ]


def ansible_noop(setup: Setup) -> list[Comparison]:
    """Compare a release with nothing to do with the playbook."""
    taken = _measure(setup, ("seatrial", "ansible", "floor"), _LONG_ROUNDS, Release.again)
    return [
        Comparison(
            name="release, nothing to do",
            peer=_ANSIBLE,
            ours=taken["seatrial"],
            other=taken["ansible"],
            floor=taken.get("floor", ()),
            goal=0.05,
            checked=_SAME,
        )
    ]


def ansible_line(setup: Setup) -> list[Comparison]:
    """Compare a release of a changed line with the playbook."""
    taken = _measure(setup, ("seatrial", "ansible", "floor"), _LONG_ROUNDS, Release.with_new_line)
    return [
        Comparison(
            name="release, one line changed",
            peer=_ANSIBLE,
            ours=taken["seatrial"],
            other=taken["ansible"],
            floor=taken.get("floor", ()),
            goal=0.15,
            checked=f"the image checks passed, too; {_LINE}",
        )
    ]
