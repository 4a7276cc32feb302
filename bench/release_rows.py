"""The rows about releases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from bench.comparison import Comparison
from bench.release import ENGINE, Release
from bench.setup import Setup
from bench.timing import in_turns

__all__ = ["ansible_line", "ansible_noop", "release_cold", "release_line", "release_noop"]

_SCRIPT, _ANSIBLE = "shell script", "Ansible"
_TOOLS = {_SCRIPT: "script", _ANSIBLE: "ansible"}
_NOOP, _CHANGED = "release, nothing to do", "release, one line changed"
_PROGRAMS = ("seatrial", "invoke")
_ROUNDS, _LONG_ROUNDS = 9, 5
_HELD = "the registry holds the engine's image under the version and `latest`, by digest"
_SAME = f"Seatrial says `changed=0`; afterwards {_HELD}, and by the digest of before"
_LINE = f"the app answers with the new line before the push; afterwards {_HELD}, and its layer has the new line"
_CHECKED = f"the image checks passed, too; {_LINE}"
_COLD = f"the base image has a new layer, made before, and the libraries come from it, not from the network; {_LINE}"


def _compared(  # noqa: PLR0913  what a row says
    setup: Setup,
    action: Callable[[Release], float],
    peer: str,
    *,
    name: str,
    rounds: int,
    goals: Mapping[str, tuple[float, str]],
) -> list[Comparison]:
    """Let the tools release in turns; `goals` maps each of ours to its goal and to what was checked."""
    tools = (*goals, _TOOLS[peer], *(("floor",) if ENGINE.startswith("unix://") else ()))
    taken = in_turns({tool: partial(action, setup.release(tool)) for tool in tools}, setup.rounds_or(rounds))
    return [
        Comparison(
            name=f"{tool} {name}" if tool in _PROGRAMS else f"invoke {name}, image checks off",
            peer=peer,
            ours=taken[tool],
            other=taken[_TOOLS[peer]],
            floor=taken.get("floor", ()),
            goal=goal,
            checked=checked,
        )
        for tool, (goal, checked) in goals.items()
    ]


def release_noop(setup: Setup) -> list[Comparison]:
    """Compare a release with nothing to do with the shell script."""
    goals = dict.fromkeys(_PROGRAMS, (0.35, _SAME))
    return _compared(setup, Release.again, _SCRIPT, name=_NOOP, rounds=_ROUNDS, goals=goals)


def release_line(setup: Setup) -> list[Comparison]:
    """Compare a release of a changed line with the shell script, with image checks and without."""
    unchecked = (1.0, f"with the setting `image_facts: off`; {_LINE}")
    goals = {**dict.fromkeys(_PROGRAMS, (1.2, _CHECKED)), "unchecked": unchecked}
    return _compared(setup, Release.with_new_line, _SCRIPT, name=_CHANGED, rounds=_ROUNDS, goals=goals)


def release_cold(setup: Setup) -> list[Comparison]:
    """Compare a release on a new base image with the shell script."""
    goals, name = {"invoke": (1.05, _COLD)}, "release, nothing cached"
    return _compared(setup, Release.with_new_base, _SCRIPT, name=name, rounds=_LONG_ROUNDS, goals=goals)


def ansible_noop(setup: Setup) -> list[Comparison]:
    """Compare a release with nothing to do with the playbook."""
    goals = {"invoke": (0.05, _SAME)}
    return _compared(setup, Release.again, _ANSIBLE, name=_NOOP, rounds=_LONG_ROUNDS, goals=goals)


def ansible_line(setup: Setup) -> list[Comparison]:
    """Compare a release of a changed line with the playbook."""
    goals = {"invoke": (0.15, _CHECKED)}
    return _compared(setup, Release.with_new_line, _ANSIBLE, name=_CHANGED, rounds=_LONG_ROUNDS, goals=goals)
