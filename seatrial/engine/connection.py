"""The connection to a Docker Engine: opened on first use; every failure becomes one of our errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from seatrial.errors import CredentialsError, EngineUnavailable, SeatrialError, StepFailed

if TYPE_CHECKING:  # loaded only when something has to be done
    import docker
    from docker.errors import APIError

__all__ = ["AbsentError", "Connection", "RefusedError", "api_url", "engine_message", "stream_error"]

_DEFAULT_ENDPOINT = "unix:///var/run/docker.sock"
_ANSWER_SECONDS = 60


class RefusedError(StepFailed):
    """The engine answered a request with an error; `status` is that of its HTTP response."""

    status = 0


class AbsentError(RefusedError):
    """The engine has no such image, container or volume."""


class Connection:
    """One engine, found as the docker CLI finds it: DOCKER_HOST, else the current context, else the default socket."""

    def __init__(self, endpoint: str | None = None) -> None:
        self._client: docker.APIClient | None = None
        self._endpoint = endpoint

    @property
    def is_open(self) -> bool:
        """Whether the client is connected."""
        return self._client is not None

    @property
    def endpoint(self) -> str:
        """The engine's address as in DOCKER_HOST; known even if no engine answers."""
        if self._endpoint is None:
            self._endpoint = self._location().get("base_url") or _DEFAULT_ENDPOINT
        return self._endpoint

    @property
    def client(self) -> docker.APIClient:
        """The SDK's low-level client, connected on first use."""
        if self._client is None:
            import docker

            with self.translate_errors():
                try:
                    self._client = docker.APIClient(
                        version="auto",
                        timeout=_ANSWER_SECONDS,
                        **{"base_url": self.endpoint, **self._location()},
                    )
                except (AttributeError, TypeError, ValueError, KeyError) as error:
                    # docker-py reads the user's config.json here and trusts its shape
                    raise CredentialsError(
                        "Docker's configuration is damaged",
                        reason=f"config.json does not have the shape Docker gives it ({type(error).__name__})",
                        hint="fix config.json in ~/.docker (or where DOCKER_CONFIG points), or move it away",
                    ) from error
        return self._client

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    @contextmanager
    def translate_errors(self, action: str = "the request to Docker failed") -> Iterator[None]:
        """Turn what the SDK, requests and urllib3 raise inside into our errors.

        An error from the engine becomes `RefusedError(action)`; a broken connection becomes `EngineUnavailable`.
        """
        try:
            yield
        except SeatrialError:
            raise
        except Exception as error:
            if translated := self._translated(error, action):
                raise translated from error
            raise

    def _translated(self, error: Exception, action: str) -> SeatrialError | None:
        """Return our error for one of the SDK, requests or urllib3; None if it is anything else."""
        import requests
        import urllib3
        from docker.errors import APIError, DockerException, NotFound, StreamParseError

        if isinstance(error, APIError):  # it is an OSError, too
            kind = AbsentError if isinstance(error, NotFound) else RefusedError
            refused = kind(action, reason=engine_message(error), hint="docker info")
            refused.status = error.status_code or 0
            return refused
        broken = (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, StreamParseError)
        return self._unavailable(error) if isinstance(error, (*broken, DockerException, OSError)) else None

    def _location(self) -> dict[str, Any]:
        import docker
        from docker.errors import DockerException
        from docker.utils import kwargs_from_env

        options: dict[str, Any] = kwargs_from_env()
        if "base_url" not in options:
            try:
                options = {**docker.ContextAPI.kwargs_from_context(), **options}
            except (DockerException, OSError, ValueError, AttributeError, TypeError):
                return options  # a damaged context counts as none; the recap names the default socket
        return options

    def _unavailable(self, error: BaseException) -> EngineUnavailable:
        from docker.errors import DockerException

        text = str(error)
        endpoint = self.endpoint
        if "PermissionError" in text or "Permission denied" in text:
            reason, hint = (
                "permission denied",
                "sudo usermod -aG docker $USER, then log in again (members of the docker group can become root)",
            )
        elif "FileNotFoundError" in text or "No such file" in text:
            reason, hint = "the socket does not exist", "invoke up (or start Docker, or set DOCKER_HOST)"
        elif "refused" in text or "NotADirectory" in text:
            reason, hint = "nothing listens there", "invoke up (or start Docker, or set DOCKER_HOST)"
        elif "timed out" in text.lower() or "Timeout" in type(error).__name__:
            reason, hint = f"no answer for {_ANSWER_SECONDS} s", "docker info"
        elif isinstance(error, DockerException):
            reason, hint = _innermost(error), "docker version"
        else:
            reason, hint = f"the connection was lost ({_innermost(error)})", "docker info, then run it again"
        cause = "permission-denied" if reason == "permission denied" else "no-engine"
        return EngineUnavailable(f"no Docker Engine answers at {endpoint}", reason=reason, hint=hint, cause=cause)


def api_url(client: docker.APIClient, path: str) -> str:
    """Return an API URL, for requests that the SDK does not offer in the form we need."""
    return f"{client.base_url}/v{client.api_version}/{path}"


def engine_message(error: APIError) -> str:
    """Return the engine's error message without the URL that `str(error)` adds: it contains build arguments."""
    text = error.explanation or (error.response.reason if error.response is not None else "") or "no reason given"
    return str(text.decode("utf-8", "replace") if isinstance(text, bytes) else text)


def stream_error(message: dict[str, Any]) -> str | None:
    """Return the error in a message of a progress stream, or None."""
    detail = message.get("errorDetail")
    if isinstance(detail, dict) and detail.get("message"):
        return str(detail["message"])
    return str(message["error"]) if message.get("error") else None


def _innermost(error: BaseException) -> str:
    found = re.findall(r"[A-Za-z]+(?:Error|Exception)\([^()]*\)", str(error))
    return found[-1] if found else str(error).partition("\n")[0]
