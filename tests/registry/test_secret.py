"""A secret is text that is never shown."""

from __future__ import annotations

import json
import secrets

import pytest

from seatrial.errors import SeatrialError
from seatrial.registry.credentials import Credential, Secret

PASSWORD = f"S3ntinel-{secrets.token_hex(8)}"


def test_secret_never_shows() -> None:
    """A secret is printed as three stars, and cannot be a dictionary key or JSON."""
    secret = Secret(PASSWORD)
    credential = Credential(user="alice", secret=secret)
    shown = (
        f"{secret} {secret!r} {credential} {credential!r} {[secret]} {SeatrialError('x', reason=str(secret), hint='')}"
    )
    assert PASSWORD not in shown
    assert "***" in repr(credential)
    assert secret == Secret(PASSWORD)
    assert secret != PASSWORD
    with pytest.raises(TypeError):
        hash(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)
    assert not hasattr(secret, "__dict__")
