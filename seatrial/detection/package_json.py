"""A package.json: its scripts, its package manager, and the version of Node that it wants."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from seatrial.detection.folder import Folder

__all__ = ["Package", "read_package"]

# By lock file: how it installs, installs only what the app needs to run, and removes the rest.
_MANAGERS = (
    ("pnpm-lock.yaml", "npm install --global pnpm@9 && pnpm install --frozen-lockfile", " --prod", "pnpm prune --prod"),
    ("yarn.lock", "yarn install --frozen-lockfile", " --production", "yarn install --frozen-lockfile --production"),
    ("package-lock.json", "npm ci", " --omit=dev", "npm prune --omit=dev"),
    ("npm-shrinkwrap.json", "npm ci", " --omit=dev", "npm prune --omit=dev"),
    ("", "npm install", " --omit=dev", "npm prune --omit=dev"),
)
_NODE = "22"


class Package(Struct, frozen=True, kw_only=True):
    """A package.json.

    `scripts` and `development` are its scripts and its libraries for development. `files` name its libraries;
    `install` installs all of them, `install_needed` those that the app needs to run, and `prune` removes the others.
    `lock` is the lock file, or empty. `image` is the base image.
    """

    scripts: Mapping[str, str]
    development: Mapping[str, str]
    main: str
    lock: str
    install: str
    install_needed: str
    prune: str
    image: str

    @property
    def files(self) -> tuple[str, ...]:
        """The files that name its libraries."""
        return tuple(filter(None, ("package.json", self.lock)))

    @property
    def build(self) -> str:
        """The command that builds it, empty if there is none."""
        return "npm run build" if "build" in self.scripts else ""


def read_package(folder: Folder) -> Package | None:
    """Return the package.json of a folder; None if there is none or it cannot be read."""
    text = folder.text("package.json")
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError as error:
        folder.note("package.json", f"it is not valid JSON: {error}")
        return None
    if not isinstance(found, dict):
        return None
    lock, install, only_needed, prune = next(one for one in _MANAGERS if not one[0] or folder.has(one[0]))
    return Package(
        scripts=_texts(found, "scripts"),
        development=_texts(found, "devDependencies"),
        main=str(found.get("main", "")).removeprefix("./"),
        lock=lock,
        install=install,
        install_needed=install + only_needed,
        prune=prune,
        image=f"node:{_version(folder, found)}-slim",
    )


def _texts(package: Mapping[str, Any], key: str) -> Mapping[str, str]:
    found = package.get(key)
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def _version(folder: Folder, package: Mapping[str, Any]) -> str:
    for text in (folder.text(".nvmrc"), folder.text(".node-version"), _texts(package, "engines").get("node")):
        if text and (found := re.fullmatch(r"\s*[v^~]?(\d{2})(?:\.(?:x|\d+))*\s*", text)):
            return found[1]
    return _NODE
