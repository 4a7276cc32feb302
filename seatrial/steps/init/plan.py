"""Which files a project gets, from what its folder holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seatrial.detection.app import FoundApp, OtherApp
from seatrial.detection.folder import Folder
from seatrial.detection.search import Search
from seatrial.model.names import slug
from seatrial.pipeline.step import Step
from seatrial.settings.settings_file import KEY, find_settings_file
from seatrial.steps.init.files import AppFound, FileWritten, tasks_advice
from seatrial.steps.init.rendering import render_dockerfile, render_dockerignore, render_settings, render_tasks

__all__ = ["init_steps"]


def init_steps(search: Search) -> tuple[Step, ...]:
    """Return the steps of init for the apps that were found."""
    folder, project = Folder(search.root), slug(search.root.resolve().name)
    apps = _named(search, project)
    dockerfiles = {name: _dockerfile(folder, app) for name, app in apps.items()}
    notes = {name: search.unreadable if not number else () for number, name in enumerate(apps)}
    settings = render_settings(search.root, project, apps, dockerfiles)
    looks = [AppFound(app_name=name, found=app, notes=(*notes[name], *_others(search))) for name, app in apps.items()]
    tasks = _tasks(folder)
    return (
        *looks,
        _settings(folder, settings),
        tasks,
        *(
            step
            for name, app in apps.items()
            for step in _image(folder, name, app, dockerfiles[name], own=not tasks.advice)
        ),
    )


def _named(search: Search, project: str) -> dict[str, FoundApp]:
    """Return the apps by their names: the folder's, or the project's if it is the only one."""
    apps: dict[str, FoundApp] = {}
    for app in search.apps:
        name = slug(Path(app.folder).name) if app.folder else project
        while name in apps:
            name = f"{name}-2"
        apps[name] = app
    return apps


def _others(search: Search) -> tuple[str, ...]:
    if not search.others:
        return ()
    names = ", ".join(search.others)
    return (f"other apps lie in {names}: to release one, too, give it a name and its context under apps",)


def _dockerfile(folder: Folder, app: FoundApp) -> str | None:
    """Return the text of an app's own Dockerfile; None if it has none."""
    return (folder.text(f"{app.folder}/{app.dockerfile}".lstrip("/")) or "") if app.dockerfile else None


def _settings(folder: Folder, content: str) -> FileWritten:
    path = find_settings_file(folder.path)
    given = folder.text(path.name)
    advice: tuple[str, ...] = ()
    if given is not None and f"{KEY}:" not in given and f'"{KEY}"' not in given:
        lines = content[content.index(f"{KEY}:") :].splitlines()
        advice = ("it has no settings of Seatrial; these would fit:", *lines)
    return FileWritten(name="settings", path=path, shown=path.name, content=content, advice=advice)


def _tasks(folder: Folder) -> FileWritten:
    name = "tasks" if folder.has_folder("tasks") else "tasks.py"
    text = folder.text("tasks/__init__.py" if name == "tasks" else name)
    advice = tasks_advice(text) if text is not None else ("type seatrial instead of invoke",) * (name == "tasks")
    shown = "tasks/" if name == "tasks" else name
    return FileWritten(name="tasks", path=folder.path / name, shown=shown, content=render_tasks(), advice=advice)


def _image(folder: Folder, name: str, app: FoundApp, dockerfile: str | None, *, own: bool) -> Iterator[FileWritten]:
    """Yield the steps of an app's Dockerfile and .dockerignore."""
    place = folder.path / app.folder
    shown = f"{app.folder}/" if app.folder else ""
    docker = app.dockerfile or "Dockerfile"
    content = "" if dockerfile is not None or isinstance(app, OtherApp) else render_dockerfile(name, app)
    yield FileWritten(name="image", app_name=name, path=place / docker, shown=f"{shown}{docker}", content=content)
    ignore = render_dockerignore(app, dockerfile, own_tasks=own)
    yield FileWritten(
        name="ignore", app_name=name, path=place / ".dockerignore", shown=f"{shown}.dockerignore", content=ignore
    )
