"""A secret is text that never shows."""

from __future__ import annotations

import json
import secrets

import pytest

from seatrial.errors import SeatrialError
from seatrial.registry.credentials import Credential, Secret

PASSWORD = f"S3ntinel-{secrets.token_hex(8)}"


def test_secret_never_shows() -> None:
    """A secret's text is three stars wherever it is written, and it is no key and no JSON."""
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
