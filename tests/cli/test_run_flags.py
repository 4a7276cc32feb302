"""What the command line says about the container that serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.cli.run_flags import RunFlags
from seatrial.errors import UsageError
from seatrial.model.app import App
from seatrial.settings.settings import Settings


@pytest.fixture
def app(tmp_path: Path) -> App:
    """An app with an environment of its own."""
    raw = {"apps": {"web": {"environment": {"A": "1", "B": "2"}, "memory": "64m", "host_port": 8080}}}
    return Settings.load(raw, tmp_path).app()


def test_nothing_typed(app: App) -> None:
    """What was not typed leaves the settings alone."""
    assert RunFlags(env=[]).apply_to(app) == app


def test_over_the_settings(app: App) -> None:
    """What was typed goes over the settings; a value may hold anything, also nothing."""
    changed = RunFlags(env=["B=3=x", "C="], memory="256m", port="9090").apply_to(app)

    assert changed.environment == {"A": "1", "B": "3=x", "C": ""}
    assert (changed.memory, changed.host_port) == (256 * 1024 * 1024, 9090)


@pytest.mark.parametrize(
    ("flags", "what"),
    [
        (RunFlags(env=["NAME"]), "--env 'NAME' is not NAME=VALUE"),
        (RunFlags(env=["=S3ntinel"]), "--env '' is not NAME=VALUE"),
        (RunFlags(memory="much"), "--memory 'much' is no size"),
        (RunFlags(memory="5m"), "--memory '5m' is no size"),
        (RunFlags(memory=""), "--memory '' is no size"),
        (RunFlags(port="0"), "'0' is no port"),
    ],
)
def test_what_is_none(app: App, flags: RunFlags, what: str) -> None:
    """What cannot be is refused with a flag to type instead."""
    with pytest.raises(UsageError) as refused:
        flags.apply_to(app)

    assert refused.value.message == what
    assert refused.value.hint.startswith("--")
    assert "S3ntinel" not in str(refused.value)
