"""The connection to a Docker Engine: opened on first use; every failure becomes one of our errors."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

from seatrial.engine.endpoint import Endpoint, find_endpoint
from seatrial.engine.proxies import proxies_inside
from seatrial.errors import CredentialsError, SeatrialError
from seatrial.host.docker_config import DockerConfig
from seatrial.host.shortage import shortage
from seatrial.settings.variables import Environment, environment

if TYPE_CHECKING:  # loaded only when something has to be done
    import docker

__all__ = ["Connection", "api_url"]

_SECONDS = 60.0
_SECONDS_AFTER_SILENCE = 1.0


class Connection:
    """The connection to the engine that the environment names, found as the docker CLI finds it.

    `seconds` limits the wait for an answer; once an answer did not come in time (`silent`), the next ones get one
    second. `tell` is called when an answer takes long.
    """

    def __init__(self, variables: Environment | None = None) -> None:
        self.seconds = _SECONDS
        self.silent = False
        self.tell: Callable[[str], object] = lambda _: None
        self._variables = variables or environment()
        self._client: docker.APIClient | None = None
        self._opening = Lock()

    @cached_property
    def endpoint(self) -> Endpoint:
        """Where the engine is, even if none answers; raise `UsageError` if what names it is wrong."""
        return find_endpoint(self._variables)

    @cached_property
    def proxies_inside(self) -> dict[str, str]:
        """The proxies that builds and containers get, as variables; none if config.json is damaged."""
        with suppress(CredentialsError):
            config = DockerConfig.read(self._variables.docker_config / "config.json")
            return proxies_inside(config.content, self.endpoint.url)
        return {}

    @property
    def client(self) -> docker.APIClient:
        """The SDK's low-level client, connected on first use."""
        with self._opening:
            if self._client is None:
                self._client = self._connected()
            return self._client

    def _connected(self) -> docker.APIClient:
        endpoint = self.endpoint
        if (config := self._variables.docker_config / "config.json").exists() and not config.is_file():
            DockerConfig.read(config)  # raises: the SDK would read a pipe for ever
        with self.translate_errors():
            with _without_paramiko():
                from seatrial.engine.client import Client

            try:
                return Client(endpoint, self._variables.proxies, timeout=self.limit, waiting=self._waiting)
            except (AttributeError, TypeError, ValueError, KeyError) as error:
                if isinstance(error, OSError):
                    raise
                raise self._damaged_config(error) from error

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
            from seatrial.engine.failures import is_timeout, translated

            if ours := shortage(error, f"the Docker Engine at {self.endpoint.url} cannot be asked"):
                raise ours from error
            if is_timeout(error):
                self.silent = True
                if self._client is not None:
                    self._client.timeout = self.limit
            if known := translated(error, action, self.endpoint, self.seconds):
                raise known from error
            raise

    def _damaged_config(self, error: Exception) -> SeatrialError:
        """Return the error for a config.json that made the SDK stumble: it trusts its shape."""
        config = DockerConfig.read(self._variables.docker_config / "config.json")
        return config.damaged(f"it does not have the shape Docker gives it ({type(error).__name__}: {error})")

    @property
    def limit(self) -> float:
        """How many seconds an answer is waited for."""
        return _SECONDS_AFTER_SILENCE if self.silent else self.seconds

    def _waiting(self, waited: float) -> None:
        where, limit = self.endpoint.url, self.limit
        self.tell(f"waiting for the Docker Engine at {where} ({waited:.0f} s of {limit:g})")


@contextmanager
def _without_paramiko() -> Iterator[None]:
    """Let the SDK be imported without paramiko, which we do not use, and which takes as long as the SDK itself."""
    modules: dict[str, Any] = sys.modules
    known = "paramiko" in modules
    modules.setdefault("paramiko", None)  # as if it were not installed, which the SDK takes into account
    try:
        yield
    finally:
        if not known:
            del modules["paramiko"]


def api_url(client: docker.APIClient, path: str) -> str:
    """Return an API URL, for requests that the SDK does not offer in the form we need."""
    return f"{client.base_url}/v{client.api_version}/{path}"
