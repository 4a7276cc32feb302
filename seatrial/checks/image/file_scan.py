"""The scan of an image's files, which is read from a container of it, or was recorded when one with these files was."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import cached_property, partial
from itertools import takewhile
from typing import Any

from msgspec import ValidationError, convert, to_builtins

from seatrial.checks.image.copied import copied_folder, leads_out
from seatrial.checks.image.files import Findings, Scan, User
from seatrial.checks.image.policy import RULES
from seatrial.engine.model import HistoryEntry, Image, ImageFile
from seatrial.errors import StepFailed
from seatrial.host.background import Task
from seatrial.model.app import App
from seatrial.pipeline.world import World

__all__ = ["FileScan"]

Wait = Callable[[], object]


def _at_once() -> None:
    """Wait for nothing."""


class FileScan:
    """The scan of one image's files for one app; `image` is with its configuration, as far as the engine reports it.

    It is recorded by the image's layers, so that another image of the same files needs none. If a COPY made the last
    layer, what is outside of its folder is recorded by the layers below, too: of the next image on them only the folder
    is read. None is needed either if both checks of files may fail.
    """

    def __init__(self, world: World, app: App, image: Image) -> None:
        self._world, self._app = world, app
        self._stopped = threading.Event()
        # One from a list lacks the configuration.
        self.image = image = image if image.config else world.engine.image(image.id) or image
        user = image.config.user if image.config else ""
        self._user = User.parse(user)
        self._rules = [RULES, user, *app.tmpfs]
        self._key = _digest(*image.layers) if image.layers else image.id
        needless = app.facts.mode == "off" or {"setuid", "writable"} <= {*app.facts.allowed}
        self._recorded = Scan() if needless else _scan_in(self._record(self._key))
        self._reading: Task[Scan] | None = None

    @cached_property
    def history(self) -> list[HistoryEntry]:
        """The image's history, newest layer first."""
        return self._world.engine.history(self.image.id)

    def begin(self, container_id: str, *, started: Wait = _at_once, answered: Wait = _at_once) -> Task[Scan] | None:
        """Begin to read a container's files, and return that; None if there is no need to.

        All files are read once `started` returns. A few can wait until `answered` does: nothing else is to be done
        then, while both processors are busy as long as the app starts.
        """
        if self._recorded is None:
            self._reading = Task(partial(self._read, container_id, started, answered), stop=self._stopped.set)
        return self._reading

    def result(self) -> Scan:
        """Return the recorded scan, or what was read, and record that; raise what went wrong while reading."""
        if self._recorded is None:
            if self._reading is None:
                raise AssertionError("the files were not read")
            self._recorded = self._reading.result()
            self._save(self._key, to_builtins(self._recorded))
        return self._recorded

    def _read(self, container_id: str, started: Wait, answered: Wait) -> Scan:
        folder = copied_folder(self.image, self.history, self._app.volume_names)
        key = _digest(*self.image.layers[:-1], folder) if folder else ""
        record = self._record(key) if folder else {}
        if folder and (recorded := _scan_in(record)):
            answered()
            if found := self._read_folder(container_id, folder, record.get("owner")):
                self._save(key, record)  # again: the oldest are deleted
                return recorded + found
        started()
        outside, inside = self._findings(), self._findings()
        owner, closed = None, True
        for file in self._files(container_id):
            is_inside = folder is not None and f"{file.path}/".startswith(f"{folder}/")
            (inside if is_inside else outside).add(file)
            if folder and is_inside:
                owner = _owner(file) if file.path == folder else owner
                closed = closed and not leads_out(file, folder)
        if folder and owner and not self._stopped.is_set():
            self._save(key, {**to_builtins(outside.scan), "owner": owner} if closed else {})
        return outside.scan + inside.scan

    def _read_folder(self, container_id: str, folder: str, owner: object) -> Scan | None:
        """Return what is in the folder; None if that does not show all that the COPY has changed.

        That is so if the folder is a link or has one that leads out of it, or if the engine shows another owner of the
        folder than when all files were read, as it does where users are remapped.
        """
        findings, first = self._findings(), None
        try:
            for file in self._files(container_id, folder):
                first = first or file
                if leads_out(file, folder):
                    return None
                findings.add(file)
        except StepFailed:
            return None  # reading all files shows what is wrong
        if first is None or first.path != folder or _owner(first) != owner:
            return None
        return findings.scan

    def _files(self, container_id: str, folder: str = "") -> Iterator[ImageFile]:
        with closing(self._world.engine.files(container_id, folder)) as files:
            yield from takewhile(lambda _: not self._stopped.is_set(), files)

    def _findings(self) -> Findings:
        return Findings(self._user, self._app.tmpfs)

    def _record(self, key: str) -> dict[str, Any]:
        """Return what was recorded under these rules; empty if nothing was."""
        recorded = self._world.state.facts(key)
        return recorded if recorded.get("rules") == self._rules else {}

    def _save(self, key: str, found: Mapping[str, Any]) -> None:
        self._world.state.save_facts(key, {**found, "rules": self._rules})


def _scan_in(recorded: Mapping[str, Any]) -> Scan | None:
    """Return a recorded scan; None if there is no record, or it is damaged."""
    try:
        return convert(recorded, Scan) if recorded.keys() >= {*Scan.__struct_fields__} else None
    except ValidationError:
        return None


def _owner(file: ImageFile) -> list[int]:
    return [file.uid, file.gid]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
