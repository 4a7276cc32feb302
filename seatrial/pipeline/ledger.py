"""What was released: one line of JSON for each release and rollback, appended and never changed."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from seatrial.errors import StepFailed
from seatrial.model.reference import ImageReference
from seatrial.pipeline.state import Verdict

__all__ = ["Entry", "Ledger"]


class Entry(Struct, frozen=True, kw_only=True):
    """One entry: a `release`, `rollback`, `deploy`, `scale` or `undeploy`, or what was `found` in the registry.

    `digests` are the digests that the registry returned, by tag; `before` are those of tags that had another digest
    before. `revision` is the commit, `inputs` the digest of the build's inputs, `builder` what built the image, `size`
    its bytes, and `seconds` how long the command had taken. `environment` is the one whose settings were used, such as
    staging; empty for none. `who` is the user and host; `when` is ISO 8601 in UTC.
    `verdict` is None if the image was published untested. `service` and `replicas` are those of a deployment, None for
    the others. What older versions did not record is None.
    """

    action: str
    app: str
    repository: str
    version: str
    image: str | None
    digests: Mapping[str, str]
    before: Mapping[str, str] = {}
    revision: str | None = None
    inputs: str | None = None
    builder: str | None = None
    size: int | None = None
    seconds: float | None = None
    environment: str | None = None
    verdict: Mapping[str, Any] | None = None
    service: str | None = None
    replicas: int | None = None
    who: str
    when: str

    def is_of(self, app: str, environment: str) -> bool:
        """Return whether this is about an app in an environment; older entries, which do not say which, are of each."""
        return self.app == app and self.environment in (None, environment)

    @staticmethod
    def verdict_of(verdict: Verdict | None) -> Mapping[str, Any] | None:
        """Return a verdict in the types of JSON, as the ledger stores it."""
        return json.loads(json.dumps(msgspec.to_builtins(verdict))) if verdict else None


_DECODER = msgspec.json.Decoder(Entry)


class Ledger:
    """The ledger of one project: a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def entries(self, repository: str | None = None) -> tuple[Entry, ...]:
        """Return all entries, or those of one repository, oldest first; damaged lines are skipped."""
        return tuple(self.newest_first(repository))[::-1]

    def newest_first(self, repository: str | None = None, tag: str | None = None) -> Iterator[Entry]:
        """Yield all entries, or those of one repository or about one tag, newest first; damaged lines are skipped.

        Only lines that are yielded are parsed, so what is found near the end costs the same in a long ledger.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._failure("cannot read the ledger", error) from error
        word = tag or repository
        for line in _lines_from_the_end(content, json.dumps(word).encode() if word else b""):
            one = _entry(line)
            if one and repository in (None, one.repository) and (tag is None or tag in one.digests):
                yield one

    def released(self, repository: str) -> dict[str, str]:
        """Return the digest that was last released under each tag of a repository, the latest release last.

        A deployment releases nothing: it may run what a tag pointed to before.
        """
        found: dict[str, str] = {}
        for one in self.entries(repository):
            for tag, digest in one.digests.items() if one.service is None else ():
                found.pop(tag, None)
                found[tag] = digest
        return found

    def last(self, reference: ImageReference) -> Entry | None:
        """Return the last release of a tag, or None."""
        entries = self.newest_first(str(reference.with_tag("")), reference.tag)
        return next((one for one in entries if one.service is None), None)

    def digest(self, reference: ImageReference) -> str | None:
        """Return the digest that was last released under a tag, or None."""
        found = self.last(reference)
        return found.digests[str(reference.tag)] if found else None

    def append(self, entry: Entry) -> None:
        """Append an entry as one line and flush it to disk; raise `StepFailed` if that fails."""
        try:
            self._append(entry)
        except OSError as error:
            raise self._failure("the result could not be recorded in the ledger", error) from error

    def _append(self, entry: Entry) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = f"{json.dumps(msgspec.to_builtins(entry), sort_keys=True)}\n".encode()
        with self.path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # closing the file releases it
            if self._last_line_incomplete():
                line = b"\n" + line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def _failure(self, what: str, error: OSError) -> StepFailed:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        look = f"make room (df -h {self.path.parent})" if full else f"check the file (ls -l {self.path})"
        return StepFailed(what, reason=f"{self.path}: {error.strerror}", hint=f"{look}, then run it again")

    def _last_line_incomplete(self) -> bool:
        """Return whether the last line has no newline: its writer was killed."""
        with self.path.open("rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return False
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"


def _lines_from_the_end(content: bytes, word: bytes) -> Iterator[bytes]:
    """Yield the lines that hold a word, the last one first."""
    end = len(content)
    while end >= 0 and (found := content.rfind(word, 0, end)) >= 0:
        start = content.rfind(b"\n", 0, found) + 1
        stop = content.find(b"\n", found)
        yield content[start : stop if stop >= 0 else None]
        end = start - 1


def _entry(line: bytes) -> Entry | None:
    try:
        return _DECODER.decode(line)
    except (msgspec.DecodeError, ValueError):
        pass
    try:  # what is not UTF-8 in a name is no damage
        return msgspec.convert(json.loads(line.decode("utf-8", "replace")), Entry)
    except (msgspec.ValidationError, ValueError):
        return None
