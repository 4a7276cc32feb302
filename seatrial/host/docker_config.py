"""Docker's configuration file `config.json`, read and validated in one place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from msgspec import Struct

from seatrial.errors import CredentialsError
from seatrial.host.regular_files import read_regular_file

__all__ = ["DockerConfig"]

_OTHERS_MAY_READ = 0o044


class DockerConfig(Struct, frozen=True, kw_only=True):
    """What `config.json` holds; without that file, `exists` is false and `content` is empty."""

    path: Path
    exists: bool
    content: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return what the file holds; raise `CredentialsError` if it cannot be read or is not as Docker writes it."""
        config = cls(path=path, exists=False, content={})
        try:
            text = read_regular_file(path).decode("utf-8")
            content = json.loads(text) if text.strip() else {}  # for the docker CLI, too, an empty file holds nothing
        except FileNotFoundError:
            return config
        except json.JSONDecodeError as error:
            raise config.damaged(f"line {error.lineno}, column {error.colno}: {error.msg}") from error
        except OSError as error:
            raise config.damaged(error.strerror or str(error)) from error
        except (ValueError, RecursionError) as error:
            raise config.damaged(str(error)) from error
        if not isinstance(content, dict):
            raise config.damaged("it does not hold a JSON object")
        for key in ("auths", "credHelpers"):
            if not isinstance(content.get(key), dict | None):
                raise config.damaged(f'"{key}" is not an object')
        return cls(path=path, exists=True, content=content)

    @property
    def auths(self) -> Mapping[str, Any]:
        """The stored credentials by registry."""
        return self.content.get("auths") or {}

    @property
    def helpers(self) -> Mapping[str, Any]:
        """The credential helpers by registry, by their short names (`pass` is the program `docker-credential-pass`)."""
        return self.content.get("credHelpers") or {}

    @property
    def context(self) -> str:
        """The current context of the docker CLI."""
        return str(self.content.get("currentContext") or "default")

    @property
    def exposed(self) -> bool:
        """Whether the file holds credentials and other users of this machine may read it."""
        return any(self.auths.values()) and bool(self.path.stat().st_mode & _OTHERS_MAY_READ)

    def damaged(self, reason: str) -> CredentialsError:
        """Return the error for a file that is not as Docker writes it; `reason` says what is wrong."""
        return CredentialsError(
            f"Docker's configuration {self.path} is damaged",
            reason=reason,
            hint=f"fix the file, or move it away and log in again: mv {self.path} {self.path}.broken",
        )
