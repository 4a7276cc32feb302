"""Look for the apps in a project's folder: in itself, else in the folders below."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from seatrial.detection.app import FoundApp, OtherApp
from seatrial.detection.folder import Folder
from seatrial.detection.go import find_go_app
from seatrial.detection.node import find_node_app
from seatrial.detection.python_app import find_python_app
from seatrial.detection.static import find_static_site
from seatrial.sources.dockerfile_ports import exposed_ports

__all__ = ["DOCKERFILES", "Search", "search"]

DOCKERFILES = ("Dockerfile", "Containerfile")
_FINDERS: tuple[Callable[[Folder], FoundApp | None], ...] = (
    find_python_app,
    find_node_app,
    find_go_app,
    find_static_site,
)
# Folders of several apps: each folder in them can be one.
_GROUPS = ("apps", "services", "packages", "projects", "src")
# Folders of an app's pages, which are not an app of their own.
_PARTS = ("templates", "views", "static", "public", "assets")
_MOST_APPS = 8


class Search(Struct, frozen=True, kw_only=True):
    """What was found in a project's folder.

    `apps` are its apps. `names` is what lies in the folder. `unreadable` has a line for each file that could not be
    read; `others` are folders with an app of their own that were not taken, because the project's folder is one.
    """

    root: Path
    apps: tuple[FoundApp, ...]
    names: tuple[str, ...]
    unreadable: tuple[str, ...]
    others: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing at all in the folder that an app could be made from."""
        return not self.names


def search(root: Path) -> Search:
    """Return the apps in a folder: itself if it is one, else those in the folders below."""
    folder = Folder(root)
    own = _find(folder)
    below = list(_below(folder))
    apps = (own,) if own else tuple(below[:_MOST_APPS])
    return Search(
        root=root,
        apps=apps,
        names=tuple(one for one in folder.names() if one not in ("invoke.yaml", "tasks.py")),
        unreadable=tuple(folder.unreadable),
        others=tuple(one.folder for one in below if _stands_alone(folder.inside(one.folder))) if own else (),
    )


def _stands_alone(folder: Folder) -> bool:
    """Return whether a folder below an app has a file that only an app of its own has."""
    return any(
        folder.has(name) for name in (*DOCKERFILES, "requirements.txt", "pyproject.toml", "package.json", "go.mod")
    )


def _below(folder: Folder) -> Iterator[FoundApp]:
    for name in folder.folders():
        found = None if name in _PARTS else _find(folder.inside(name))
        if found and (found.port_from or not isinstance(found, OtherApp)):
            yield replace(found, folder=name)
        elif name in _GROUPS:
            for inner in folder.folders(name):
                if found := _find(folder.inside(inner)):
                    yield replace(found, folder=inner)


def _find(folder: Folder) -> FoundApp | None:
    """Return the app whose own folder this is, with what its Dockerfile says; None if it is not one."""
    found = next((app for find in _FINDERS if (app := find(folder))), None)
    dockerfile = next((name for name in DOCKERFILES if folder.has(name)), None)
    if dockerfile is None or (text := folder.text(dockerfile)) is None:
        return found
    if found is None:
        found = OtherApp(what="an app with a Dockerfile", why=dockerfile, port=5000, port_from="", base_image="")
    found = replace(found, dockerfile=dockerfile)
    ports = [
        int(port) for port, _, protocol in (one.partition("/") for one in exposed_ports(text)) if protocol == "tcp"
    ]
    if len(ports) == 1:
        return replace(found, port=ports[0], port_from=f"EXPOSE in {dockerfile}")
    return found
