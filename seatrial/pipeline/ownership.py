"""Two projects of one name are told apart by their folders."""

from __future__ import annotations

from seatrial.engine.model import Container
from seatrial.errors import Conflict
from seatrial.model.app import PATH_LABEL, App

__all__ = ["another_project"]


def another_project(app: App, container: Container) -> Conflict:
    """Return the error for a container of another project with the same name, in another folder."""
    return Conflict(
        f"another project is called {app.project}, too",
        reason=f"the container {container.name} belongs to the project in {container.labels[PATH_LABEL]}",
        hint="give this project a name of its own in invoke.yaml (project: NAME), or docker rm -f "
        f"{container.name}, if that project is gone",
        cause="other-project",
    )
