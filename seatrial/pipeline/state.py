"""What Seatrial remembers between runs, in `.seatrial/` beside the settings file."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct, json, msgpack, to_builtins

from seatrial.errors import StepFailed
from seatrial.host.atomic_write import remove_abandoned, replace_file
from seatrial.host.shortage import shortage
from seatrial.model.app import Check, checks_digest
from seatrial.pipeline.state_file import PACKED, delete_oldest, encode, load
from seatrial.settings.environments import environment_files
from seatrial.settings.settings_file import SETTINGS_FILES
from seatrial.sources.inputs import FileDigests, KnownFiles

__all__ = ["STATE_FOLDER", "StateFolder", "Verdict"]

STATE_FOLDER = ".seatrial"
"""The name of the folder."""
_BUILT_KEPT = 1000
_BUILDS_KEPT, _IMAGES_KEPT, _REPORTS_KEPT = 30, 100, 20
_ANYTHING, _KNOWN_FILES = json.Decoder(dict[str, Any]), msgpack.Decoder(KnownFiles)
_T = TypeVar("_T")


class Verdict(Struct, frozen=True, kw_only=True):
    """Whether an image passed its checks: which image, which checks, in which run, and when (ISO 8601, UTC).

    `facts` is the policy of the image checks as text, empty if they could not fail it. `visited` is whether a browser
    opened the page too, and `screenshot` the path of its screenshot. `checked` has a line for each check.
    """

    image: str
    checks: str
    passed: bool
    run: str
    when: str
    summary: str
    facts: str = ""
    visited: bool = False
    screenshot: str | None = None
    checked: tuple[str, ...] = ()

    @classmethod
    def planned(cls, image: str, checks: tuple[Check, ...]) -> Verdict:
        """Return the verdict that check mode assumes."""
        return cls(image=image, checks=checks_digest(checks), passed=True, run="", when="", summary="will be checked")

    def covers(self, checks: tuple[Check, ...], facts: str = "") -> bool:
        """Return whether the verdict is for these checks, and for this image check policy unless it is empty."""
        return self.checks == checks_digest(checks) and facts in ("", self.facts)


class StateFolder:
    """The saved state of one project, in one folder.

    Each environment has its own verdicts and its own images that were built last; everything else is shared. A damaged
    file counts as missing: a later run writes it again. What cannot be written is remembered until the end of this run,
    and `take_problem` says why. Of most files some of the latest are kept, for each of `apps` apps.
    """

    def __init__(self, folder: Path, environment: str = "", *, apps: int = 1) -> None:
        self.folder = folder
        self._apps = apps
        self._lock = threading.Lock()
        self._suffix = f"-{environment}" if environment else ""
        self._file_digests: dict[str, FileDigests] = {}
        self._prepared = False
        self._unwritten: dict[Path, dict[str, Any]] = {}
        self._problem = ""

    def take_problem(self) -> str:
        """Return why nothing can be remembered; empty if it can, or if this was returned already."""
        problem, self._problem = self._problem, ""
        return problem

    @property
    def own_files(self) -> tuple[Path, ...]:
        """What Seatrial itself reads and writes, and no image is built from: this folder, settings, reports."""
        project = self.folder.parent
        settings = (*(project / name for name in SETTINGS_FILES), *environment_files(project))
        return (self.folder, *settings, *self._reports)

    def save_report(self, path: Path) -> None:
        """Save where a report was written, so that no image is built from it; the latest are kept."""
        kept = [str(one) for one in self._reports if one != path and one.exists()]
        self._write(self.folder / "reports.json", {"files": [*kept, str(path)][-_REPORTS_KEPT:]})

    @property
    def _reports(self) -> tuple[Path, ...]:
        files = self._read(self.folder / "reports.json").get("files")
        return tuple(Path(one) for one in files if isinstance(one, str)) if isinstance(files, list) else ()

    def save_run(self, run: str, document: Mapping[str, Any]) -> None:
        """Save the document of a run that published; the oldest are deleted."""
        began = re.sub("[^0-9T]", "", str(document.get("began"))[: len("2026-01-01T12:00:00.000")])
        self._save(self.folder / "runs" / f"{began}-{run}.json", document, _IMAGES_KEPT)

    def runs(self) -> Iterator[dict[str, Any]]:
        """Yield the documents of the runs that published, the newest first."""
        for path in sorted((self.folder / "runs").glob("*.json"), reverse=True):
            yield self._read(path)

    @property
    def locks(self) -> Path:
        """The folder for locks."""
        return self.folder / "locks"

    def verdict(self, image_id: str) -> Verdict | None:
        """Return the verdict about an image, or None; raise `StepFailed` if there is one that cannot be read."""
        path = self._verdict_path(image_id)
        try:
            found = self._unwritten.get(path) or load(path, _ANYTHING) or {}
        except OSError as error:
            raise StepFailed(
                "the result of the smoke test cannot be read",
                reason=f"{path}: {error.strerror}",
                hint=f"check the file (ls -l {path}), then run it again",
            ) from error
        try:
            return Verdict(**{**found, "checked": tuple(found.get("checked", ()))})
        except TypeError:
            return None

    def save_verdict(self, verdict: Verdict) -> None:
        """Save a verdict, replacing an older one for the same image; the oldest verdicts are deleted."""
        self._save(self._verdict_path(verdict.image), to_builtins(verdict), _IMAGES_KEPT)

    def screenshot(self, what: str) -> Path:
        """Return the path for the next screenshot; `what` is an image id, or the address of a deployed app."""
        digest = re.match("sha256:([0-9a-f]{1,12})", what)
        name = digest[1] if digest else re.sub(r"[^A-Za-z0-9.-]+", "-", what)
        folder = self.folder / "screenshots"
        delete_oldest(folder, _IMAGES_KEPT * self._apps - 1)
        return folder / f"{name[:200]}.png"

    def new_build_log(self, app: str, version: str) -> Path:
        """Return the path for the log of a build that begins now; the oldest logs are deleted.

        Raise `OSError` if it cannot be written.
        """
        self._prepare()
        folder = self.folder / "logs"
        folder.mkdir(exist_ok=True)
        delete_oldest(folder, _BUILDS_KEPT * self._apps - 1)
        return folder / f"{app}-{version}-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}Z.log"

    def facts(self, image_id: str) -> dict[str, Any]:
        """Return what was found in an image's files; empty if they were never scanned."""
        return self._read(self._facts_path(image_id))

    def save_facts(self, image_id: str, found: Mapping[str, Any]) -> None:
        """Save what was found in an image's files; the oldest are deleted."""
        self._save(self._facts_path(image_id), found, _IMAGES_KEPT)

    def current(self, app: str) -> str | None:
        """Return the id of the image last built for an app, or None."""
        found = self._read(self._current_path).get(app)
        return found if isinstance(found, str) else None

    def save_current(self, app: str, image_id: str) -> None:
        """Save the id of the image last built for an app."""
        with self._lock:  # all apps share this file
            self._write(self._current_path, {**self._read(self._current_path), app: image_id})
        built = [one for one in self.built(app) if one != image_id]
        self._write(self._built_path(app), {"images": [*built, image_id][-_BUILT_KEPT:]})

    def built(self, app: str) -> tuple[str, ...]:
        """Return the ids of the images that were built for an app in this folder, the one built last at the end."""
        found = self._read(self._built_path(app)).get("images")
        return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()

    def inputs(self, digest: str) -> Mapping[str, str]:
        """Return the inputs of the build with this input digest, names to digests; empty if unknown."""
        parts = self._read(self._inputs_path(digest)).get("parts")
        return parts if isinstance(parts, dict) else {}

    def built_by(self, digest: str) -> str | None:
        """Return the run that last built from this input digest, or None."""
        run = self._read(self._inputs_path(digest)).get("run")
        return run if isinstance(run, str) else None

    def save_inputs(self, digest: str, parts: Mapping[str, str], run: str) -> None:
        """Save the inputs of a run's build; the oldest are deleted."""
        self._save(self._inputs_path(digest), {"run": run, "parts": dict(parts)}, _BUILDS_KEPT)

    def file_digests(self, app: str) -> FileDigests:
        """Return the known digests of an app's files."""
        if app not in self._file_digests:
            self._file_digests[app] = FileDigests(self._load(self._files_path(app), _KNOWN_FILES))
        return self._file_digests[app]

    def save_file_digests(self, app: str) -> None:
        """Save the digests of an app's files."""
        self._write(self._files_path(app), self.file_digests(app).known)

    def started_engine(self) -> int | None:
        """Return the process id of the engine that `up` started, or None."""
        pid = self._read(self.folder / "engine.json").get("pid")
        return pid if isinstance(pid, int) else None

    def save_started_engine(self, pid: int | None) -> None:
        """Save the process id of the engine that `up` started; None clears it."""
        self._write(self.folder / "engine.json", {"pid": pid})

    @property
    def _current_path(self) -> Path:
        return self.folder / f"current{self._suffix}.json"

    def _built_path(self, app: str) -> Path:
        return self.folder / "built" / f"{app}{self._suffix}.json"

    def _verdict_path(self, image_id: str) -> Path:
        return self.folder / f"verdicts{self._suffix}" / f"{image_id.removeprefix('sha256:')}.json"

    def _facts_path(self, image_id: str) -> Path:
        return self.folder / "facts" / f"{image_id.removeprefix('sha256:')}.json"

    def _files_path(self, app: str) -> Path:
        return self.folder / "files" / f"{app}{PACKED}"

    def _inputs_path(self, digest: str) -> Path:
        return self.folder / "inputs" / f"{digest.removeprefix('sha256:')}.json"

    def _read(self, path: Path) -> dict[str, Any]:
        if path in self._unwritten:
            return self._unwritten[path]
        return self._load(path, _ANYTHING) or {}

    @staticmethod
    def _load(path: Path, decoder: json.Decoder[_T] | msgpack.Decoder[_T]) -> _T | None:
        try:
            return load(path, decoder)
        except OSError as error:
            if ours := shortage(error, f"{path} cannot be read"):
                raise ours from error
            return None

    def _save(self, path: Path, value: Mapping[str, Any], most: int) -> None:
        """Write a file, and keep at most `most` files for each app in its folder."""
        self._write(path, value)
        delete_oldest(path.parent, most * self._apps)

    def _write(self, path: Path, value: Mapping[str, Any] | Struct) -> None:
        try:
            self._prepare()
            path.parent.mkdir(exist_ok=True)
            replace_file(path, encode(value, path))
        except OSError as error:
            self.cannot_write(error)
            self._unwritten[path] = to_builtins(value)

    def cannot_write(self, error: OSError) -> None:
        """Note why something in the folder could not be written; only the first reason counts."""
        if not self._unwritten:
            self._problem = (
                f"nothing can be remembered for the next run: {error.filename or self.folder}: {error.strerror}"
            )

    def _prepare(self) -> None:
        """Make the folder, which git ignores, and remove what killed runs have left half written in it."""
        if self._prepared:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        ignore = self.folder / ".gitignore"
        if not ignore.exists():
            replace_file(ignore, b"*\n", mode=0o644)
        for folder in filter(Path.is_dir, self.folder.iterdir()):
            remove_abandoned(folder)
        self._prepared = True
