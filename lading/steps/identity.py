"""Whether what was asked is what was meant: this container, of this image, behind this port."""

from __future__ import annotations

from lading.app import App
from lading.engine import Container, Engine, Image
from lading.errors import ContainerFailed, SmokeFailed

__all__ = ["hold_identity"]


def hold_identity(engine: Engine, app: App, image: Image, asked: Container) -> None:
    """Return if the container whose port was asked still runs there, from this image; `LadingError` otherwise.

    Another one may have taken its place meanwhile, and then nobody knows whose the answers were.
    """
    now = engine.container(asked.id)
    port, mend = asked.ports.get(app.port), "look whether somebody else works on the same containers, then run it again"
    if now is None:
        raise ContainerFailed(f"{app.name} was removed while it was asked", why="its container is gone", mend=mend)
    if not now.running:
        raise ContainerFailed(
            f"{app.name} died after it had answered",
            why=f"its process ended with exit code {now.exit_code}",
            mend="mend what the log says, then: invoke build smoke",
            details=tuple(engine.logs(asked.id, tail=20)),
        )
    if now.ports.get(app.port) != port:
        why = f"port {port} was asked, and the container's is {now.ports.get(app.port)} now"
        raise SmokeFailed(f"the answers may not be {app.name}'s", why=why, mend=mend)
    if now.image_id != image.id:
        why = f"expected image {image.id}, and the container {now.name} runs {now.image_id}"
        raise SmokeFailed(f"the answers are another image's than {app.name}'s", why=why, mend=mend)
