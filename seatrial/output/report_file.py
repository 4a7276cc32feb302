"""A file that a flag names, for a report in some format."""

from __future__ import annotations

import tempfile
from pathlib import Path

from seatrial.errors import StepFailed, UsageError, sanitize
from seatrial.host.atomic_write import remove_abandoned, replace_file

__all__ = ["ReportFile"]


class ReportFile:
    """The file that `flag` names.

    Creating the object raises `UsageError` if the file cannot be written: it is a folder or a special file, or there is
    no permission; `example` is a name that would do. With `check` nothing is written.
    """

    def __init__(self, name: str, *, flag: str, example: str, check: bool = False) -> None:
        self._flag, self._example, self._check = flag, example, check
        self.path = self._writable_path(name)

    def write(self, content: bytes) -> None:
        """Write the file atomically; `StepFailed` when it cannot be written."""
        if self._check:
            return
        try:
            replace_file(self.path, content, mode=0o644)  # CI systems read it as somebody else
        except OSError as error:
            raise StepFailed(
                f"{self.path} cannot be written",
                reason=str(error.strerror or error),
                hint=f"free some space, then run it again with {self._flag} {self._example}",
            ) from error

    def _writable_path(self, name: str) -> Path:
        """Return the path to write to; its folder is made."""
        try:
            path = Path(name).expanduser()
            if not name or path.is_dir():
                raise self._refused(name, "it is a folder" if name else "it names no file")
            if path.exists() and not path.is_file():
                raise self._refused(name, "it is not a regular file")
            path = path.resolve()  # what a link points to is replaced, not the link
            if not self._check:
                path.parent.mkdir(parents=True, exist_ok=True)
                remove_abandoned(path.parent)
                with tempfile.TemporaryFile(dir=path.parent):
                    pass
        except (FileExistsError, NotADirectoryError):
            raise self._refused(name, f"{path.parent} is not a folder") from None
        except OSError as error:
            raise self._refused(name, f"{path.parent}: {error.strerror}") from error
        except (RuntimeError, ValueError) as error:  # ~ of an unknown user; a NUL character
            raise self._refused(name, sanitize(str(error))) from error
        return path

    def _refused(self, name: str, reason: str) -> UsageError:
        hint = f"{self._flag} {self._example}"
        return UsageError(f"{self._flag} {name!r} cannot be written", reason=reason, hint=hint)
