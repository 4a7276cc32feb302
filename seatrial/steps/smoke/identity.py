"""Make sure that the answers came from the right container, image and port."""

from __future__ import annotations

from seatrial.engine.model import Container, Image
from seatrial.errors import ContainerFailed, SmokeFailed
from seatrial.model.app import App

__all__ = ["check_identity", "check_untouched"]

_HINT = "check whether somebody else works on the same containers, then run it again"


def check_identity(app: App, image: Image, *, asked: Container, now: Container | None) -> None:
    """Raise `SeatrialError` unless the checked container still has its port and runs this image.

    `asked` is the container before the checks, `now` the same one after them (None if it was removed). If they differ,
    another container may have given the answers.
    """
    check_untouched(app, asked=asked, now=now)
    port, gone = asked.ports.get(app.port), "container-removed"
    if now is None:
        what = f"{app.name} was removed during its checks"
        raise ContainerFailed(what, reason="its container is gone", hint=_HINT, cause=gone)
    if now.ports.get(app.port) != port:
        reason = f"the checks used port {port}, but the container's port is now {now.ports.get(app.port)}"
        raise SmokeFailed(f"the answers may not come from {app.name}", reason=reason, hint=_HINT, cause=gone)
    if now.image_id != image.id:
        reason = f"expected image {image.id}, but the container {now.name} runs {now.image_id}"
        what = f"the answers come from another image than that of {app.name}"
        raise SmokeFailed(what, reason=reason, hint=_HINT, cause="wrong-image")


def check_untouched(app: App, *, asked: Container, now: Container | None) -> None:
    """Raise `ContainerFailed` if somebody paused, restarted or renamed the container during its checks."""
    if now is None:
        return
    if now.state == "paused":
        did = "paused"
    elif now.started != asked.started and now.state in ("running", "restarting"):
        did = "restarted"
    elif now.name != asked.name:
        did = "renamed"
    else:
        return
    renamed = f" to {now.name}" if did == "renamed" else ""
    raise ContainerFailed(
        f"{app.name} was {did} during its checks",
        reason=f"somebody {did} its container {asked.name}{renamed}",
        hint=_HINT,
        cause=f"container-{did}",
    )
