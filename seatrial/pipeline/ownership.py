"""What belongs to another folder: projects of one name are told apart by their folders, images by their inputs."""

from __future__ import annotations

from seatrial.engine.model import Container
from seatrial.errors import Conflict
from seatrial.model.app import PATH_LABEL, App
from seatrial.model.reference import ImageReference

__all__ = ["another_build", "another_project"]


def another_build(reference: ImageReference, built: str, taken_by: str) -> Conflict:
    """Return the error for a name that this folder's build had, and that points to another build's image now.

    `built` says what this folder did ("built sha256:…"), `taken_by` is the id of the other image.
    """
    return Conflict(
        f"{reference.familiar} is another build's now",
        reason=f"this folder {built}, and somewhere else {taken_by} took the name",
        hint=f"invoke build --version {reference.tag}",
    )


def another_project(app: App, container: Container) -> Conflict:
    """Return the error for a container of another project with the same name, in another folder."""
    return Conflict(
        f"another project is called {app.project}, too",
        reason=f"the container {container.name} belongs to the project in {container.labels[PATH_LABEL]}",
        hint="give this project a name of its own in invoke.yaml (project: NAME), or docker rm -f "
        f"{container.name}, if that project is gone",
        cause="other-project",
    )
