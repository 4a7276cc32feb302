"""The requests of a release and of `run`, sent over the engine's socket without the SDK."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from seatrial.engine.connection import Connection, api_url
from seatrial.engine.docker.socket_http import SocketHttp
from seatrial.engine.failures import AnswerError, message_in

__all__ = ["SocketClient"]

Look = Callable[[str], tuple[Mapping[str, Any] | None, bool]]
"""Returns the engine's description of something, None without one; and whether the engine has no such thing."""


class SocketClient(SocketHttp):
    """The SDK's low-level client as far as a release and `run` need it: loading the SDK takes as long as a short build.

    Methods have the SDK's names and arguments, and raise `AnswerError`. What `look` does not find, and what is rarely
    asked for, the SDK is asked for.
    """

    def __init__(self, path: str, api_version: str, connection: Connection, look: Look) -> None:
        super().__init__(path, api_version)
        self._sdk, self._look = connection, look

    @property
    def timeout(self) -> float:
        """How many seconds an answer is waited for."""
        return self._sdk.limit

    def version(self) -> Any:
        """Return what the engine says about itself."""
        return self._call("GET", "version")

    def inspect_image(self, image: str) -> Any:
        """Return the engine's description of an image."""
        return self._look(f"/images/{quote(image, safe='/:@')}/json")[0] or self._sdk.client.inspect_image(image)

    def inspect_container(self, container: str) -> Any:
        """Return the engine's description of a container."""
        path = f"/containers/{quote(container, safe='')}/json"
        return self._look(path)[0] or self._sdk.client.inspect_container(container)

    def create_container_from_config(self, config: Mapping[str, Any], name: str) -> Any:
        """Create a container."""
        return self._call("POST", "containers/create", config, name=name)

    def start(self, container: str) -> None:
        """Start a container."""
        self._call("POST", f"containers/{container}/start")

    def stop(self, container: str, *, timeout: int) -> None:
        """Stop a container, which may take `timeout` seconds."""
        self._call("POST", f"containers/{container}/stop", wait=timeout, t=str(timeout))

    def rename(self, container: str, name: str) -> None:
        """Rename a container."""
        self._call("POST", f"containers/{container}/rename", name=name)

    def remove_container(self, container: str, *, v: bool, force: bool) -> None:
        """Remove a container."""
        self._call("DELETE", f"containers/{container}", v=str(int(v)), force=str(int(force)))

    def tag(self, image: str, repository: str, *, tag: str | None) -> None:
        """Point a name to an image."""
        self._call("POST", f"images/{quote(image)}/tag", repo=repository, tag=tag or "")

    def exec_create(self, container: str, cmd: list[str], *, stderr: bool = True) -> Any:
        """Prepare a command in a container."""
        return self._call(
            "POST", f"containers/{container}/exec", {"Cmd": cmd, "AttachStdout": True, "AttachStderr": stderr}
        )

    def exec_start(self, made: Mapping[str, str], *, stream: bool = False) -> Iterator[bytes] | bytes:
        """Run a command that is prepared, and return what it writes."""
        url, how = api_url(self, f"exec/{made['Id']}/start"), {"Detach": False, "Tty": False}
        frames = self._checked(self.post, url, json=how, timeout=None).frames()
        return frames if stream else b"".join(frames)

    def exec_inspect(self, made: Mapping[str, str]) -> Any:
        """Return how a command ended."""
        return self._call("GET", f"exec/{made['Id']}/json")

    def logs(self, container: str, *, stream: bool, follow: bool, tail: int | str) -> Any:
        """Return what a container has written; what it will write is the SDK's."""
        if follow:
            return self._sdk.client.logs(container, stream=stream, follow=follow, tail=tail)
        params = {"stdout": "1", "stderr": "1", "tail": str(tail)}
        url = api_url(self, f"containers/{quote(container)}/logs")
        return self._checked(self.get, url, params=params, timeout=self.timeout).frames()

    def events(self, **options: Any) -> Any:
        """Return what has happened in the engine, as the SDK does."""
        return self._sdk.client.events(**options)

    def _call(self, method: str, path: str, body: object = None, *, wait: float = 0, **params: str) -> Any:
        """Send a request, and return the JSON of its answer, None without any; `wait` is how long it may take more."""
        url, seconds = api_url(self, path), self.timeout + wait
        with self._checked(self.send, method, url, params=params, json=body, timeout=seconds) as answer:
            return json.loads(answer.text or "null")

    @staticmethod
    def _checked(send: Callable[..., Any], *words: str, **options: Any) -> Any:
        answer = send(*words, **options)
        if answer.ok:
            return answer
        with answer:
            raise AnswerError(answer.status_code, message_in(answer.text))
