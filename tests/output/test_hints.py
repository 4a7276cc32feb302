"""Hints as they can be typed where the user is."""

from __future__ import annotations

import pytest

from seatrial.output.hints import Call
from tests.hints import wrong_commands

TASKS = {
    "build": {"--app": True, "--version": True, "--no-cache": False},
    "smoke": {"--app": True, "--version": True},
    "push": {"--app": True, "--version": True, "--user": True, "--registry": True, "--overwrite": False},
    "run": {"--app": True, "--port": True},
    "status": {"--app": True, "--user": True, "--registry": True},
}
FLAGS = {"--app": ("web",), "--user": ("alice",)}


@pytest.mark.parametrize(
    ("hint", "completed"),
    [
        ("invoke build", "./inv ship.build --app web"),
        ("invoke build --version build", "./inv ship.build --version build --app web"),
        ("invoke smoke push", "./inv ship.smoke --app web ship.push --app web --user alice"),
        ("invoke push --user bob", "./inv ship.push --user bob --app web"),
        ("invoke run --port 1, or stop the container x", "./inv ship.run --port 1 --app web, or stop the container x"),
        ("invoke status (what is published)", "./inv ship.status --app web --user alice (what is published)"),
        ("fix it, then: invoke build smoke", "fix it, then: ./inv ship.build --app web ship.smoke --app web"),
        ("--version NEW (or --overwrite)", "./inv ship.push --version NEW --app web --user alice (or --overwrite)"),
        ("invoke --list", "./inv --list"),
        ("invoke --help build", "./inv --help ship.build"),
        ("docker ps -a", "docker ps -a"),
    ],
)
def test_a_hint_can_be_typed(hint: str, completed: str) -> None:
    """A hint contains the program's name, the collection's prefix, and the flags for app, user and registry."""
    call = Call(program="./inv", prefix="ship.", task="push", flags=FLAGS, tasks=TASKS)

    assert call.complete(hint) == completed


@pytest.mark.parametrize(
    "hint",
    [
        "fix it, then: invoke build --no-such-flag",
        "invoke push --user 'not valid'",
        "--no-such-flag 1",
        "look first (docker system-df)",
    ],
)
def test_a_wrong_hint_fails_its_test(hint: str) -> None:
    """The check of every test's hints finds a task, flag, value or sub-command that does not exist."""
    assert wrong_commands(hint)
