"""Make sure that the answers came from the right container, image and port."""

from __future__ import annotations

from seatrial.engine.model import Container, Image
from seatrial.errors import ContainerFailed, SmokeFailed
from seatrial.model.app import App

__all__ = ["check_identity"]


def check_identity(app: App, image: Image, *, asked: Container, now: Container | None) -> None:
    """Raise `SeatrialError` unless the checked container still has its port and runs this image.

    `asked` is the container before the checks, `now` the same one after them (None if it was removed). If they differ,
    another container may have given the answers.
    """
    port = asked.ports.get(app.port)
    hint = "check whether somebody else works on the same containers, then run it again"
    gone = "container-removed"
    if now is None:
        what = f"{app.name} was removed during its checks"
        raise ContainerFailed(what, reason="its container is gone", hint=hint, cause=gone)
    if now.ports.get(app.port) != port:
        reason = f"the checks used port {port}, but the container's port is now {now.ports.get(app.port)}"
        raise SmokeFailed(f"the answers may not come from {app.name}", reason=reason, hint=hint, cause=gone)
    if now.image_id != image.id:
        reason = f"expected image {image.id}, but the container {now.name} runs {now.image_id}"
        what = f"the answers come from another image than that of {app.name}"
        raise SmokeFailed(what, reason=reason, hint=hint, cause="wrong-image")
