"""Environments: the file of one is found by its name, and is merged over the project's settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.errors import UsageError
from seatrial.settings.environments import conflict, environment_file, environment_files, environment_of, merged


@pytest.mark.parametrize(
    ("name", "environment"),
    [
        ("invoke.staging.yaml", "staging"),
        ("invoke.eu-1.json", "eu-1"),
        ("invoke.yaml", ""),
        ("invoke.staging.yaml.bak", ""),
        ("invoke.staging.toml", ""),
        ("invoke.Staging.yaml", ""),
    ],
)
def test_names_of_files(name: str, environment: str) -> None:
    """The middle part of the file's name is the environment."""
    assert environment_of(Path(name)) == environment


def test_a_missing_environment(tmp_path: Path) -> None:
    """A missing environment is wrong use; the error names those that exist."""
    for name in ("invoke.yaml", "invoke.staging.yaml", "invoke.production.yml"):
        (tmp_path / name).touch()
    assert environment_file(tmp_path, "production") == tmp_path / "invoke.production.yml"
    assert len(environment_files(tmp_path)) == 2
    for wrong in ("stagin", "../staging", ""):
        with pytest.raises(UsageError, match="production, staging") as caught:
            environment_file(tmp_path, wrong)
        assert caught.value.exit_code == 2


def test_merged() -> None:
    """Mappings are merged key by key; lists and values are replaced, and so is what was empty."""
    base = {"apps": {"web": {"port": 1, "tags": ["a", "b"]}, "api": None}, "user": "x"}
    over = {"apps": {"web": {"tags": ["c"]}, "api": {"port": 2}}}
    assert merged(base, over) == {"apps": {"web": {"port": 1, "tags": ["c"]}, "api": {"port": 2}}, "user": "x"}


def test_conflict() -> None:
    """A mapping over a value, or the other way round, is what Invoke cannot merge."""
    base = {"apps": {"web": None, "api": {"port": 1}}, "user": "x"}
    assert conflict(base, {"apps": {"web": {"port": 2}}}) == ("apps", "web")
    assert conflict(base, {"apps": {"api": {"tags": [1]}, "new": {}}, "user": "y"}) == ()
