"""The SDK's client with the docker CLI's rules for proxies and certificates, and a limit for every whole answer."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import docker
import requests
import urllib3
from docker.errors import InvalidVersion
from docker.tls import TLSConfig

from seatrial.engine.endpoint import Endpoint, TlsFiles
from seatrial.engine.failures import another_api
from seatrial.engine.proxies import proxy_to_engine
from seatrial.host.signals import start_thread

__all__ = ["Client"]

_TOLD_EVERY = 5.0
_THROUGH_SSH = "http://ssh:80"  # never resolved


class Client(docker.APIClient):  # type: ignore[misc]
    """A client of the engine at an endpoint; it asks for the engine's API version at once.

    `proxies` are this machine's, by scheme and for `no`. `timeout` limits, in seconds, each whole answer to a GET, and
    each silence in the others. `waiting` is called with the seconds that an answer is being waited for, every 5.
    """

    def __init__(
        self, endpoint: Endpoint, proxies: Mapping[str, str], *, timeout: float, waiting: Callable[[float], None]
    ) -> None:
        self._proxies = proxy_to_engine(endpoint, proxies)
        self._waiting = waiting
        self._ssh = None
        if endpoint.url.startswith("ssh:"):
            from seatrial.engine.over_ssh import OverSsh  # late: few engines need it

            self._ssh = OverSsh(endpoint.url)
        try:
            super().__init__(
                base_url=_THROUGH_SSH if self._ssh else endpoint.url,
                version="auto",
                timeout=timeout,
                tls=_tls(endpoint.tls) if endpoint.tls and not endpoint.socket else False,
            )
        except InvalidVersion as error:
            raise another_api(f"its API is {self.api_version}; {error}") from error

    def version(self, api_version: bool = True) -> Any:  # noqa: FBT001, FBT002  the SDK's
        """Return what the engine says about itself; without `api_version`, as the SDK asks at first, its API version.

        That is in the headers of every answer, and for /version the engine runs other programs.
        """
        if not api_version:
            if self._ssh:  # here, because this is the first request, and before it the SDK makes its session
                self.mount(_THROUGH_SSH, self._ssh)
            answer = self._get(self._url("/_ping", versioned_api=False))
            if found := answer.headers.get("Api-Version"):
                return {"ApiVersion": found}
        return super().version(api_version)

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Prepare a request without what only requests reads: .netrc, REQUESTS_CA_BUNDLE, ALL_PROXY."""
        self.trust_env = False
        self.proxies = self._proxies
        prepared: requests.PreparedRequest = super().prepare_request(request)
        return prepared

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send a request; raise `requests.ReadTimeout` if the answer to a GET is not complete in time.

        The timeout of requests starts again with every byte.
        """
        limit = options.get("timeout")
        if request.method != "GET" or limit is None:
            response: requests.Response = super().send(request, **options)
            return response
        answer = _Answer(partial(super().send, request, **options))
        try:
            start_thread(threading.Thread(target=answer.fetch, daemon=True))
            self._wait(answer, limit)
            return answer.result()
        except BaseException:  # also a signal
            answer.abandon()
            raise

    def _wait(self, answer: _Answer, limit: float) -> None:
        began = time.monotonic()
        while not answer.wait(min(_TOLD_EVERY, max(0.0, began + limit - time.monotonic()))):
            waited = time.monotonic() - began
            if waited >= limit:
                raise requests.ReadTimeout("timed out")
            self._waiting(waited)


class _Answer:
    """The answer to a request that another thread sends with `fetch`."""

    def __init__(self, send: Callable[[], requests.Response]) -> None:
        self._send = send
        self._finished, self._abandoned = threading.Event(), threading.Event()
        self._response: requests.Response | None = None
        self._error: Exception | None = None

    def fetch(self) -> None:
        """Send the request, and take its answer."""
        try:
            self._response = self._send()
        except Exception as error:  # noqa: BLE001  `result` raises it
            self._error = error
        self._finished.set()
        if self._abandoned.is_set():
            self._close()

    def wait(self, seconds: float) -> bool:
        """Wait for the answer; return whether it is there."""
        return self._finished.wait(seconds)

    def result(self) -> requests.Response:
        """Return the answer, or raise what came instead."""
        if self._response is None:
            raise self._error or AssertionError("the request was not sent")
        return self._response

    def abandon(self) -> None:
        """Close the answer, also one that is still to come.

        The engine keeps a container locked as long as its files are being sent and nobody reads them.
        """
        self._abandoned.set()
        if self._finished.is_set():
            self._close()

    def _close(self) -> None:
        if self._response is not None:
            self._response.close()


def _tls(files: TlsFiles) -> TLSConfig:
    if not files.verify:
        warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)  # it was asked for
    authority = str(files.authority) if files.authority else None
    client = (str(files.client[0]), str(files.client[1])) if files.client else None
    return TLSConfig(client_cert=client, ca_cert=authority, verify=files.verify)
