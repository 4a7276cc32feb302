"""What follows from an app's settings and its image."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.model.app import App
from seatrial.model.reference import ImageReference

_APP = App(project="demo", name="web", context=Path(), dockerfile=Path(), repository=ImageReference.parse("web"))


@pytest.mark.parametrize(
    ("app", "exposed", "port", "host_port"),
    [
        (_APP.but(unset=frozenset({"port", "host_port"})), ("8000/tcp",), 8000, 8000),
        (_APP.but(unset=frozenset({"port"})), ("8000/tcp", "53/udp"), 8000, 5000),
        (_APP.but(unset=frozenset({"port", "host_port"})), ("8000/tcp", "9000/tcp"), 5000, 5000),
        (_APP.but(unset=frozenset({"port", "host_port"})), (), 5000, 5000),
        (_APP, ("8000/tcp",), 5000, 5000),
    ],
)
def test_the_port_of_the_image(app: App, exposed: tuple[str, ...], port: int, host_port: int) -> None:
    """The one TCP port that an image exposes counts, unless the settings name one."""
    found = app.in_image(exposed)
    assert (found.port, found.host_port) == (port, host_port)
