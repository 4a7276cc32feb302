"""The scan of an image's files, which is read from a container of it, or was recorded when one with these files was."""

from __future__ import annotations

import hashlib
import threading
from contextlib import closing
from functools import partial
from itertools import takewhile

from msgspec import to_builtins

from seatrial.checks.image.files import Scan, User, scan
from seatrial.checks.image.policy import RULES
from seatrial.engine.model import Image
from seatrial.host.background import Task
from seatrial.model.app import App
from seatrial.pipeline.world import World

__all__ = ["FileScan"]


class FileScan:
    """The scan of one image's files for one app; `image` is with its configuration, as far as the engine reports it.

    It is recorded by the image's layers, so that another image of the same files needs none. None is needed either if
    both checks of files may fail.
    """

    def __init__(self, world: World, app: App, image: Image) -> None:
        self._world, self._mounted = world, app.tmpfs
        self._stopped = threading.Event()
        # One from a list lacks the configuration.
        self.image = image = image if image.config else world.engine.image(image.id) or image
        user = image.config.user if image.config else ""
        self._user = User.parse(user)
        self._rules = [RULES, user, *app.tmpfs]
        layers = "\n".join(image.layers)
        self._key = hashlib.sha256(layers.encode()).hexdigest() if layers else image.id
        needless = app.facts.mode == "off" or {"setuid", "writable"} <= {*app.facts.allowed}
        self._recorded = Scan() if needless else self._read_record()
        self._reading: Task[Scan] | None = None

    def begin(self, container_id: str) -> Task[Scan] | None:
        """Begin to read a container's files, and return that; None if there is no need to."""
        if self._recorded is None:
            self._reading = Task(partial(self._read, container_id), stop=self._stopped.set)
        return self._reading

    def result(self) -> Scan:
        """Return the recorded scan, or what was read, and record that; raise what went wrong while reading."""
        if self._recorded is None:
            if self._reading is None:
                raise AssertionError("the files were not read")
            self._recorded = self._reading.result()
            self._world.state.save_facts(self._key, {"rules": self._rules, **to_builtins(self._recorded)})
        return self._recorded

    def _read(self, container_id: str) -> Scan:
        with closing(self._world.engine.files(container_id)) as files:
            wanted = takewhile(lambda _: not self._stopped.is_set(), files)
            return scan(wanted, self._user, self._mounted)

    def _read_record(self) -> Scan | None:
        recorded = self._world.state.facts(self._key)
        if recorded.get("rules") != self._rules:
            return None
        try:
            return Scan.from_state(recorded)
        except (KeyError, TypeError):
            return None  # the record is damaged
