"""A password, what holds it, and the check that no error shows it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from seatrial.errors import CredentialsError
from seatrial.registry.credentials import Credential, CredentialStore, Secret

__all__ = ["ALICE", "BOB", "PASSWORD", "Hold", "encoded", "refused"]

PASSWORD = "S3ntinel-5d41402abc4b2a76-é€"
ALICE = Credential(user="alice", secret=Secret(PASSWORD))
BOB = {"auth": base64.b64encode(b"bob:x").decode()}
Hold = Callable[[Any], CredentialStore]


def encoded(user: str = "alice", password: str = PASSWORD) -> str:
    """The entry of a user in config.json."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def refused(store: CredentialStore, registry: str = "r.io") -> CredentialsError:
    """Return the store's error, and check that it never shows the password."""
    with pytest.raises(CredentialsError) as caught:
        store.get(registry)
    error: BaseException | None = caught.value
    while error is not None:
        assert PASSWORD not in f"{error} {error!r}"
        assert encoded() not in f"{error} {error!r}"
        error = error.__cause__
    assert caught.value.exit_code == 2
    assert caught.value.hint
    return caught.value
