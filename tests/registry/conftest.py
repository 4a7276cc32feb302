"""Fixtures that the tests of the registry client share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seatrial.registry.credentials import CredentialStore
from tests.registry.stored import Hold


@pytest.fixture
def store(tmp_path: Path) -> CredentialStore:
    """A credential store in a folder that does not exist yet."""
    return CredentialStore(tmp_path / "docker")


@pytest.fixture
def hold(store: CredentialStore) -> Hold:
    """A function that writes a configuration for its owner: text as it is, anything else as JSON."""

    def write(content: object) -> CredentialStore:
        store.path.parent.mkdir(exist_ok=True)
        store.path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
        store.path.chmod(0o600)
        return store

    return write
