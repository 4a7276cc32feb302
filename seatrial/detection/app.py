"""What was found in a folder: an app, how it is built, and how it can be checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct

from seatrial.detection.package_json import Package
from seatrial.detection.requirements import Requirements

__all__ = ["FoundApp", "GoApp", "NodeApp", "OtherApp", "PageCheck", "PythonApp", "StaticSite"]


class PageCheck(Struct, frozen=True, kw_only=True):
    """What an app answers for sure: the path of a page, its status, and what it contains if that is known.

    `host` is the name that the app must be asked for, if it does not answer to others.
    """

    path: str = "/"
    status: int = 200
    text: str = ""
    json: object = None
    host: str = ""


class FoundApp(Struct, frozen=True, kw_only=True):
    """An app in `folder` (relative to the project's folder, empty for itself).

    `what` is what it is ("Flask"), `why` where that was seen ("app in app/app.py, line 7"). `port` is where it listens
    and `port_from` what says so. `base_image` is the image it starts from. `environment` are variables that it needs.
    `writes` are folders in the image where it must be able to write. `notes` are what the user should know.
    `dockerfile` is the Dockerfile that is there, or empty.
    """

    template: ClassVar[str]
    ignore: ClassVar[tuple[str, ...]] = ()

    folder: str = ""
    what: str
    why: str
    port: int
    port_from: str
    base_image: str
    check: PageCheck = PageCheck()
    environment: Mapping[str, str] = {}
    writes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    dockerfile: str = ""

    @property
    def base_images(self) -> tuple[str, ...]:
        """The base images that the app can start from, the best first."""
        return (self.base_image,) if self.base_image else ()


class PythonApp(FoundApp, frozen=True, kw_only=True):
    """A Python app.

    `target` is the app object or factory as a server takes it (`shop.web:app`), `server` is gunicorn or uvicorn.
    `extra` are the packages that it needs and names nowhere. `workdir` and `path` are folders in the app's: where it is
    started, and where else Python finds its modules. `prepare` is a command that completes its files.
    """

    template: ClassVar[str] = "python.Dockerfile"
    ignore: ClassVar[tuple[str, ...]] = ("**/__pycache__", "**/*.pyc", "**/.venv", "**/venv", "**/.pytest_cache")

    target: str
    server: str
    factory: bool = False
    runs_on_import: bool = False
    requirements: Requirements = Requirements()
    extra: tuple[str, ...] = ()
    workdir: str = ""
    path: str = ""
    prepare: str = ""

    @property
    def base_images(self) -> tuple[str, ...]:
        """The base images; the second one is made by `up` where Docker Hub cannot be reached."""
        made = "localhost/seatrial/python:3.13"
        return (self.base_image, made) if self.base_image.startswith("python:3.13") else (self.base_image,)

    @property
    def command(self) -> tuple[str, ...]:
        """The command that serves the app."""
        if self.server == "uvicorn":
            factory = ("--factory",) if self.factory else ()
            return ("uvicorn", self.target.removesuffix("()"), *factory, "--host", "0.0.0.0", "--port", str(self.port))  # noqa: S104  in its container
        return ("gunicorn", "--bind", f"0.0.0.0:{self.port}", "--threads", "4", self.target)


class NodeApp(FoundApp, frozen=True, kw_only=True):
    """A Node app: `files` name its libraries, `install` installs them, `build` builds it (or is empty).

    `prune` removes the libraries that only the build needed, and `command` starts the app.
    """

    template: ClassVar[str] = "node.Dockerfile"
    ignore: ClassVar[tuple[str, ...]] = ("**/node_modules", "**/npm-debug.log*", "**/.next", "**/coverage")

    files: tuple[str, ...]
    install: str
    build: str = ""
    prune: str = ""
    command: tuple[str, ...]


class GoApp(FoundApp, frozen=True, kw_only=True):
    """A Go app: `package` is its main package, `files` are the module's own, `assets` the folders that it reads."""

    template: ClassVar[str] = "go.Dockerfile"

    package: str
    build_image: str
    files: tuple[str, ...]
    assets: tuple[str, ...] = ()


class StaticSite(FoundApp, frozen=True, kw_only=True):
    """Static files: `pages` is the folder with index.html, which `package` builds if there is one."""

    template: ClassVar[str] = "static.Dockerfile"
    ignore: ClassVar[tuple[str, ...]] = ("**/node_modules",)

    pages: str = "."
    package: Package | None = None


class OtherApp(FoundApp, frozen=True, kw_only=True):
    """An app of which only its Dockerfile is known."""

    template: ClassVar[str] = ""
