"""Every fault of the registry proxy works as described; without a fault it changes nothing."""

from __future__ import annotations

import hashlib
import http.client
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
import requests

from tests.conftest import TestRegistry, wait_until
from tests.servers.local_server import Asked, Reply, Served, serve
from tests.servers.registry_proxy import (
    Delay,
    Flip,
    Hang,
    Rate,
    RegistryFault,
    RegistryProxy,
    Reset,
    Response,
    Swap,
    refusal,
    registry_proxy,
)

MANIFESTS = "/v2/demo/app/manifests/1"


@pytest.fixture
def upstream() -> Iterator[Served]:
    """A stand-in for a registry that echoes requests."""

    def echo(asked: Asked) -> Reply:
        digest = f"sha256:{hashlib.sha256(asked.body).hexdigest()}"
        return Reply(body=asked.body or b"held", headers={"X-Host": asked.headers["Host"], "X-Digest": digest})

    with serve(echo) as served:
        yield served


def _post(proxy: RegistryProxy, body: bytes = b"held", timeout: float = 10) -> requests.Response:
    return requests.post(f"http://{proxy.host}/v2/demo/app/blobs/uploads/", data=body, timeout=timeout)


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


def test_answer(upstream: Served) -> None:
    """The proxy answers by itself as often as the rule says, and passes nothing on."""
    busy = refusal(429, "TOOMANYREQUESTS", "slow down", method="POST", times=1, headers={"Retry-After": "1"})
    with registry_proxy(upstream.host, busy, Response(status=405, body=b"no\n", method="POST", times=1)) as proxy:
        answers = [_post(proxy) for _ in range(3)]
        assert requests.get(f"http://{proxy.host}/v2/", timeout=10).ok

    assert [one.status_code for one in answers] == [429, 405, 200]
    assert answers[0].json() == {"errors": [{"code": "TOOMANYREQUESTS", "message": "slow down"}]}
    assert answers[0].headers["Retry-After"] == "1"
    assert answers[1].text == "no\n"
    assert [one.method for one in upstream.asked] == ["POST", "GET"]


def test_faults_can_be_changed(upstream: Served) -> None:
    """New faults apply from the next request on, and their counts start at zero."""
    with registry_proxy(upstream.host) as proxy:
        assert _post(proxy).ok
        for _ in range(2):
            proxy.faults = (Response(status=502, times=1),)
            assert [_post(proxy).status_code for _ in range(2)] == [502, 200]
        proxy.forget()
        assert not proxy.log


@pytest.mark.parametrize("fault", [Delay(seconds=0.2), Rate(bytes_per_second=5000)])
def test_slow(upstream: Served, fault: RegistryFault) -> None:
    """A delay and a limited rate take time, and change nothing else."""
    body = b"x" * 1000
    with registry_proxy(upstream.host, fault) as proxy:
        began = time.monotonic()
        assert _post(proxy, body).content == body
    assert 0.19 < time.monotonic() - began < 2


def test_reset(upstream: Served) -> None:
    """The connection is reset inside a body, and the registry gets the part before."""
    fault = Reset(after=3, times=1)
    with registry_proxy(upstream.host, fault) as proxy:
        host, port = proxy.host.split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabcd")
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
        wait_until(lambda: bool(upstream.asked))
        assert upstream.asked[0].body == b"abc"
        assert [one.status for one in proxy.log] == [None]
        assert _post(proxy).ok


def test_flip(upstream: Served) -> None:
    """One byte is changed; a shorter body passes unchanged."""
    with registry_proxy(upstream.host, Flip(at=2)) as proxy:
        assert _post(proxy, b"abcd").content == b"abbd"
        assert _post(proxy, b"ab").content == b"ab"


def test_hang(upstream: Served) -> None:
    """Nothing is sent until the proxy closes; then the connection and its thread end."""
    with registry_proxy(upstream.host, Hang()) as proxy:
        with pytest.raises(requests.ReadTimeout):
            _post(proxy, timeout=0.1)
        host, port = proxy.host.split(":")
        connection = socket.create_connection((host, int(port)))
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        wait_until(lambda: proxy.count() == 2)
    with connection:
        assert connection.recv(1) == b""
    assert not upstream.asked
    wait_until(lambda: not [one for one in threading.enumerate() if "process_request" in one.name])


def test_swap_of_an_answer(upstream: Served) -> None:
    """GET and HEAD answer with the replaced manifest's length and digest."""
    digest = f"sha256:{hashlib.sha256(b'held back').hexdigest()}"
    with registry_proxy(upstream.host, Swap(path="/manifests/", change=lambda body: body + b" back")) as proxy:
        for method, text in (("GET", b"held back"), ("HEAD", b"")):
            answer = requests.request(method, f"http://{proxy.host}{MANIFESTS}", timeout=10)
            assert answer.content == text
            assert answer.headers["Content-Length"] == "9"
            assert answer.headers["Docker-Content-Digest"] == digest


def test_registry_is_down(free_port: int) -> None:
    """Without a registry the proxy closes the connection and keeps running."""
    with registry_proxy(f"localhost:{free_port}") as proxy:
        for _ in range(2):
            with pytest.raises(requests.ConnectionError):
                _post(proxy)


@pytest.mark.engine
@pytest.mark.parametrize(("fault", "status"), [(None, 201), (Flip(method="PATCH"), 400)])
def test_upload(open_registry: TestRegistry, fault: RegistryFault | None, status: int) -> None:
    """An upload in chunks works through the proxy, and the registry detects a changed byte."""
    body = secrets.token_bytes(200_000)
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    with registry_proxy(open_registry.host, *([fault] if fault else [])) as proxy:
        begun = requests.post(f"http://{proxy.host}/v2/demo/upload/blobs/uploads/", timeout=10)
        assert begun.headers["Location"].startswith(f"http://{proxy.host}/")
        pieces = (body[at : at + 50_000] for at in range(0, len(body), 50_000))
        sent = requests.patch(begun.headers["Location"], data=pieces, timeout=10)
        done = requests.put(sent.headers["Location"], params={"digest": digest}, timeout=10)
        assert done.status_code == status
        assert [(one.method, one.status) for one in proxy.log] == [("POST", 202), ("PATCH", 202), ("PUT", status)]
        if status == 201:
            got = requests.get(f"http://{proxy.host}/v2/demo/upload/blobs/{digest}", timeout=10)
            assert got.content == body
