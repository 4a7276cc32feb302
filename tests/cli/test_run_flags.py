"""The flags of `run`."""

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


def test_over_the_settings(app: App) -> None:
    """A flag overrides its setting, which stays without one; a value may contain `=` or be empty."""
    assert RunFlags(env=[]).apply_to(app) == app
    changed = RunFlags(env=["B=3=x", "C="], memory="256m", port="9090").apply_to(app)

    assert changed.environment == {"A": "1", "B": "3=x", "C": ""}
    assert (changed.memory, changed.host_port) == (256 * 1024 * 1024, 9090)


@pytest.mark.parametrize(
    ("flags", "flag", "value"),
    [
        (RunFlags(env=["NAME"]), "--env", "NAME"),
        (RunFlags(env=["=S3ntinel"]), "--env", ""),
        (RunFlags(memory="much"), "--memory", "much"),
        (RunFlags(memory=""), "--memory", ""),
        (RunFlags(port="0"), "--port", "0"),
    ],
)
def test_bad_values(app: App, flags: RunFlags, flag: str, value: str) -> None:
    """A bad value is named, with a flag to type instead; what may be a secret is not shown."""
    with pytest.raises(UsageError) as refused:
        flags.apply_to(app)

    assert repr(value) in refused.value.message
    assert refused.value.hint.startswith(f"{flag} ")
    assert "S3ntinel" not in str(refused.value)
