"""Every fault of the registry proxy works as described; without a fault it changes nothing."""

from __future__ import annotations

import hashlib
import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
import requests

from tests.conftest import wait_until
from tests.servers.local_server import Reply, Served, serve
from tests.servers.registry_proxy import Delay, Flip, Hang, Rate, RegistryProxy, Reset, Response, Swap, registry_proxy

MANIFESTS = "/v2/demo/app/manifests/1"


@pytest.fixture
def upstream() -> Iterator[Served]:
    """A stand-in for a registry that echoes requests."""
    with serve(lambda asked: Reply(body=asked.body or b"held", headers={"X-Host": asked.headers["Host"]})) as served:
        yield served


def _post(proxy: RegistryProxy, body: bytes = b"held", timeout: float = 10) -> requests.Response:
    return requests.post(f"http://{proxy.host}/v2/demo/app/blobs/uploads/", data=body, timeout=timeout)


def _begun(proxy: RegistryProxy) -> socket.socket:
    """Return a connection that has sent part of a request."""
    host, port = proxy.host.split(":")
    connection = socket.create_connection((host, int(port)))
    connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabcd")
    return connection


def test_without_faults(upstream: Served) -> None:
    """Requests and answers pass unchanged, with their Host header, on a persistent connection."""
    with registry_proxy(upstream.host) as proxy, closing(http.client.HTTPConnection(proxy.host)) as connection:
        for body in (b"one", b"two"):
            connection.request("POST", "/v2/?a=b", body=body)
            answer = connection.getresponse()
            assert (answer.status, answer.read(), answer.headers["X-Host"]) == (200, body, proxy.host)
        connection.request("HEAD", MANIFESTS)
        answer = connection.getresponse()
        assert (answer.headers["Content-Length"], answer.read()) == ("4", b"")

        assert [one.path for one in upstream.asked] == ["/v2/?a=b", "/v2/?a=b", MANIFESTS]
        assert [(one.method, one.status) for one in proxy.log] == [("POST", 200), ("POST", 200), ("HEAD", 200)]
        assert proxy.count("POST|PUT") == proxy.count("POST", "^/v2/", status=200) == 2


def test_faults(upstream: Served) -> None:
    """A fault applies as often as its rule says; new faults apply from the next request on."""
    with registry_proxy(upstream.host, Response(status=405, body=b"no\n", method="POST", times=1)) as proxy:
        assert [_post(proxy).status_code for _ in range(2)] == [405, 200]
        assert len(upstream.asked) == 1
        for slow in (Delay(seconds=0.2), Rate(bytes_per_second=5000)):
            proxy.faults = (slow,)
            began = time.monotonic()
            assert _post(proxy, b"x" * 1000).content == b"x" * 1000
            assert time.monotonic() - began > 0.19
        proxy.faults = (Flip(at=2),)
        assert [_post(proxy, body).content for body in (b"abcd", b"ab")] == [b"abbd", b"ab"]
        proxy.faults = (Swap(path="/manifests/", change=lambda body: body + b" back"),)
        digest = f"sha256:{hashlib.sha256(b'held back').hexdigest()}"
        for method, text in (("GET", b"held back"), ("HEAD", b"")):
            answer = requests.request(method, f"http://{proxy.host}{MANIFESTS}", timeout=10)
            assert (answer.content, answer.headers["Content-Length"]) == (text, "9")
            assert answer.headers["Docker-Content-Digest"] == digest


def test_reset(upstream: Served) -> None:
    """The connection is reset inside a body, and the registry gets the part before."""
    with registry_proxy(upstream.host, Reset(after=3, times=1)) as proxy:
        with _begun(proxy) as connection, pytest.raises(ConnectionResetError):
            connection.recv(1)
        wait_until(lambda: bool(upstream.asked))
        assert upstream.asked[0].body == b"abc"
        assert [one.status for one in proxy.log] == [None]


def test_hang(upstream: Served) -> None:
    """Nothing is sent until the proxy closes; then the connection ends."""
    with registry_proxy(upstream.host, Hang()) as proxy:
        with pytest.raises(requests.ReadTimeout):
            _post(proxy, timeout=0.1)
        connection = _begun(proxy)
        wait_until(lambda: proxy.count() == 2)
    with connection:
        assert connection.recv(1) == b""
    assert not upstream.asked
