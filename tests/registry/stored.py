"""A password, what holds it, and the check that no error shows it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from seatrial.errors import CredentialsError
from seatrial.model.reference import ImageReference
from seatrial.registry.credentials import Credential, CredentialStore, Secret
from tests.servers.local_server import Served

__all__ = ["ALICE", "BOB", "DENIED", "PASSWORD", "Hold", "encoded", "image", "refused"]

PASSWORD = "S3ntinel-5d41402abc4b2a76-é€"
ALICE = Credential(user="alice", secret=Secret(PASSWORD))
BOB = {"auth": base64.b64encode(b"bob:x").decode()}
DENIED = b'{"errors": [{"code": "DENIED", "message": "requested access to the resource is denied"}]}'
Hold = Callable[[Any], CredentialStore]


def image(server: Served, tag: str = "1") -> ImageReference:
    """The image that the tests ask for."""
    return ImageReference.parse(f"{server.host}/demo/app:{tag}")


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
