"""Projects whose settings name a compose file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from seatrial.errors import UsageError
from seatrial.model.app import App
from tests.settings.loading import load

__all__ = ["WEB", "composed", "refused", "web"]

WEB = "seatrial: {project: shop, apps: {web: {deploy: {compose: compose.yaml%s}%s}}}"


def composed(root: Path, text: str, more: str = "", app: str = "") -> App:
    """Return the app as it is deployed by a compose file; `more` are further settings of `deploy`, `app` of the app."""
    (root / "compose.yaml").write_text(text)
    return load(root, WEB % (more, app)).deployed()


def refused(root: Path, text: str, more: str = "") -> UsageError:
    """Return the error that this compose file ends with."""
    with pytest.raises(UsageError) as caught:
        composed(root, text, more)
    assert caught.value.exit_code == 2
    return caught.value


def web(service: dict[str, Any], **top: Any) -> str:
    """Return a compose file with this service."""
    return yaml.safe_dump({"services": {"web": {"ports": ["80:5000"], **service}}, **top})
