"""Whether what was asked is what was meant: this container, of this image, behind this port."""

from __future__ import annotations

from seatrial.engine.model import Container, Image
from seatrial.errors import ContainerFailed, SmokeFailed
from seatrial.model.app import App

__all__ = ["check_identity"]


def check_identity(app: App, image: Image, *, asked: Container, now: Container | None) -> None:
    """Return if the container that was asked still has its port `now`, and runs this image; `SeatrialError` otherwise.

    Another one may have taken its place meanwhile, and then nobody knows whose the answers were.
    """
    port, hint = asked.ports.get(app.port), "look whether somebody else works on the same containers, then run it again"
    gone = "container-removed"
    if now is None:
        what = f"{app.name} was removed while it was asked"
        raise ContainerFailed(what, reason="its container is gone", hint=hint, cause=gone)
    if now.ports.get(app.port) != port:
        reason = f"port {port} was asked, and the container's is {now.ports.get(app.port)} now"
        raise SmokeFailed(f"the answers may not be {app.name}'s", reason=reason, hint=hint, cause=gone)
    if now.image_id != image.id:
        reason = f"expected image {image.id}, and the container {now.name} runs {now.image_id}"
        what = f"the answers are another image's than {app.name}'s"
        raise SmokeFailed(what, reason=reason, hint=hint, cause="wrong-image")
