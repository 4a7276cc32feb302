"""The folder that an image's last layer has changed, if a COPY made that layer, and nothing else can be in it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence

from seatrial.engine.model import HistoryEntry, Image, ImageFile, ImageHistory
from seatrial.layers.image_steps import with_steps

__all__ = ["copied_folder", "leads_out"]

_COPY = re.compile(r"COPY \S+ (\S+) # buildkit")
_WORKDIR = re.compile(r"WORKDIR (/\S*)")
_BUILDKIT = "buildkit"
_LARGE = ("/", "/bin", "/etc", "/lib", "/lib64", "/sbin", "/usr", "/var")
"""Folders of which reading takes as long as of the whole image."""


def copied_folder(image: Image, history: Sequence[HistoryEntry], volumes: Iterable[str]) -> str | None:
    """Return the folder into which a COPY made the image's last layer; None if another step made it.

    `history` is the engine's, newest first. `volumes` are mounted in containers of the image, besides its own: a folder
    that has one does not show the layer alone.
    """
    steps = with_steps(image, ImageHistory(entries=tuple(history), layers=image.layers)).steps[::-1]
    at = next((at for at, step in enumerate(steps) if step.layer), None)
    if at is None or len(steps) != len(history) or any(_BUILDKIT not in one.comment for one in history[: at + 1]):
        return None  # no entry made the layer, or it is not certain which did
    copy = _COPY.fullmatch(history[at].created_by)
    folder = _folder(copy[1], history[at:]) if copy else None
    mounted = {*volumes, *(image.config.volumes if image.config else ())}
    return folder if folder and not any(_is_in(one, folder) or _is_in(folder, one) for one in mounted) else None


def _folder(destination: str, history: Sequence[HistoryEntry]) -> str | None:
    """Return the folder above which the COPY of the first entry has changed nothing; None if that is unknown.

    That is the WORKDIR, if only COPY stands between, so that it is still there; else the destination's first folder,
    since COPY makes those that are missing.
    """
    only_copies = True
    for entry in history:
        if _BUILDKIT not in entry.comment:
            break
        if found := _WORKDIR.fullmatch(entry.created_by):
            place = _normal(f"{found[1]}/{destination}" if not destination.startswith("/") else destination)
            workdir = _normal(found[1])
            below = place and workdir and only_copies and _is_in(place, workdir) and workdir not in _LARGE
            return workdir if below else _first(place)
        only_copies = only_copies and not entry.created_by.startswith(("RUN ", "ADD "))
    return _first(_normal(destination))


def _normal(path: str) -> str | None:
    """Return an absolute path without what means nothing; None for a path that is not absolute, or has `..`."""
    parts = [one for one in path.split("/") if one not in ("", ".")]
    return f"/{'/'.join(parts)}" if path.startswith("/") and ".." not in parts else None


def _first(path: str | None) -> str | None:
    folder = f"/{path.split('/')[1]}" if path else "/"
    return None if folder in _LARGE else folder


def _is_in(path: str, folder: str) -> bool:
    return f"{path.rstrip('/')}/".startswith(f"{folder.rstrip('/')}/")


def leads_out(file: ImageFile, folder: str) -> bool:
    """Return whether a file is a link that may lead out of a folder, so that a COPY through it changed something else.

    As text, `..` means the folder above only where no other link can stand before it.
    """
    if file.kind != "link":
        return False
    rest = re.sub(r"^(\.\.?(/+|$))+", "", file.target)
    target = posixpath.normpath(posixpath.join(posixpath.dirname(file.path), file.target))
    return ".." in rest.split("/") or not _is_in(target, folder)
