"""The line to a Docker Engine: opened late, and every way it can break told in our own errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import docker
import requests
import urllib3
from docker.errors import APIError, DockerException, StreamParseError
from docker.utils import kwargs_from_env

from seatrial.errors import CredentialsError, EngineUnavailable, SeatrialError, StepFailed

__all__ = ["Connection", "api_url", "engine_words", "stream_error"]

_DEFAULT_ENDPOINT = "unix:///var/run/docker.sock"
_ANSWER_SECONDS = 60
_LOWEST_SERVER_ERROR = 500


class Connection:
    """One engine, found as the docker CLI finds it: DOCKER_HOST, else the current context, else the usual socket."""

    def __init__(self) -> None:
        self._client: docker.APIClient | None = None
        self._endpoint: str | None = None

    @property
    def endpoint(self) -> str:
        """Where the engine is, as in DOCKER_HOST; known whether it answers or not."""
        if self._endpoint is None:
            self._endpoint = self._where().get("base_url") or _DEFAULT_ENDPOINT
        return self._endpoint

    @property
    def client(self) -> docker.APIClient:
        """The SDK's low-level client, connected on first use."""
        if self._client is None:
            with self.translate_errors():
                try:
                    self._client = docker.APIClient(
                        version="auto",
                        timeout=_ANSWER_SECONDS,
                        **{"base_url": self.endpoint, **self._where()},
                    )
                except (AttributeError, TypeError, ValueError, KeyError) as error:
                    # docker-py reads the user's config.json here and trusts its shape
                    raise CredentialsError(
                        "Docker's configuration is damaged",
                        reason=f"config.json does not have the shape Docker gives it ({type(error).__name__})",
                        hint="mend or move away config.json in ~/.docker (or where DOCKER_CONFIG points)",
                    ) from error
        return self._client

    def close(self) -> None:
        """Let go of the engine."""
        if self._client is not None:
            self._client.close()
            self._client = None

    @contextmanager
    def translate_errors(self, action: str = "the engine was asked in vain") -> Iterator[None]:
        """Turn whatever the SDK, requests or urllib3 raise inside into our errors.

        An answer of the engine itself becomes `StepFailed(what)`; a line that breaks becomes `EngineUnavailable`.
        """
        try:
            yield
        except SeatrialError:
            raise
        except APIError as error:  # before OSError, which it also is
            raise StepFailed(action, reason=engine_words(error), hint="docker info") from error
        except (
            requests.exceptions.RequestException,
            urllib3.exceptions.HTTPError,
            StreamParseError,
            DockerException,
            OSError,
        ) as error:
            raise self._unavailable(error) from error

    def _where(self) -> dict[str, Any]:
        given: dict[str, Any] = kwargs_from_env()
        if "base_url" not in given:
            try:
                given = {**docker.ContextAPI.kwargs_from_context(), **given}
            except (DockerException, OSError, ValueError, AttributeError, TypeError):
                return given  # a damaged context is no context: the usual socket, which the recap names
        return given

    def _unavailable(self, error: BaseException) -> EngineUnavailable:
        words = str(error)
        place = self.endpoint
        if "PermissionError" in words or "Permission denied" in words:
            reason, hint = (
                "permission denied",
                "sudo usermod -aG docker $USER (the docker group is as good as root)",
            )
        elif "FileNotFoundError" in words or "No such file" in words:
            reason, hint = "there is no such socket", "invoke up (or start Docker, or set DOCKER_HOST)"
        elif "refused" in words or "NotADirectory" in words:
            reason, hint = "nobody listens there", "invoke up (or start Docker, or set DOCKER_HOST)"
        elif "timed out" in words.lower() or "Timeout" in type(error).__name__:
            reason, hint = f"it gave no answer for {_ANSWER_SECONDS} s", "docker info"
        elif isinstance(error, DockerException):
            reason, hint = _innermost(error), "docker version"
        else:
            reason, hint = f"the connection was lost ({_innermost(error)})", "docker info, then run it again"
        cause = "permission-denied" if reason == "permission denied" else "no-engine"
        return EngineUnavailable(f"no Docker Engine answers at {place}", reason=reason, hint=hint, cause=cause)


def api_url(client: docker.APIClient, path: str) -> str:
    """Return the URL of what the SDK has no way to ask for as we need it."""
    return f"{client.base_url}/v{client.api_version}/{path}"


def engine_words(error: APIError) -> str:
    """Return what the engine said, without the URL that `str(error)` holds (build arguments stand in it)."""
    words = error.explanation or (error.response.reason if error.response is not None else "") or "no reason given"
    return str(words.decode("utf-8", "replace") if isinstance(words, bytes) else words)


def stream_error(message: dict[str, Any]) -> str | None:
    """Return the error that a message of a progress stream carries, or None."""
    detail = message.get("errorDetail")
    if isinstance(detail, dict) and detail.get("message"):
        return str(detail["message"])
    return str(message["error"]) if message.get("error") else None


def _innermost(error: BaseException) -> str:
    found = re.findall(r"[A-Za-z]+(?:Error|Exception)\([^()]*\)", str(error))
    return found[-1] if found else str(error).partition("\n")[0]
