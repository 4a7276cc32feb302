"""The registry client authenticates as Docker does, and every bad answer becomes one of our errors."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from seatrial.errors import PushRefused, RateLimited, RegistryUnavailable, SeatrialError
from seatrial.model.reference import ImageReference
from seatrial.registry.client import HttpRegistry
from seatrial.registry.credentials import Credential, CredentialStore, Secret, SecretKind
from tests.servers.local_server import Asked, Reply, listen, serve

MANIFEST = b'{"schemaVersion": 2, "config": {"digest": "sha256:c0"}}'
DIGEST = f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"
PASSWORD = f"S3ntinel-{secrets.token_hex(8)}"
CREDENTIAL = Credential(user="alice", secret=Secret(PASSWORD))
BASIC = f"Basic {base64.b64encode(f'alice:{PASSWORD}'.encode()).decode()}"


@pytest.fixture
def store(tmp_path: Path) -> CredentialStore:
    """An empty credential store."""
    return CredentialStore(tmp_path / "docker")


def name(host: str) -> ImageReference:
    """The image that the tests ask for."""
    return ImageReference.parse(f"{host}/demo/app:1")


def test_open_registry(store: CredentialStore) -> None:
    """An open registry gets one request without credentials; the digest is computed from the bytes received."""
    lying = {"Docker-Content-Digest": "sha256:" + "0" * 64}
    with serve(lambda _: Reply(body=MANIFEST, headers=lying)) as server:
        store.put(server.host, CREDENTIAL)
        found = HttpRegistry(server.host, store).manifest(name(server.host))
    assert found is not None
    assert (found.digest, found.config) == (DIGEST, "sha256:c0")
    assert [one.path for one in server.asked] == ["/v2/demo/app/manifests/1"]
    assert "Authorization" not in server.asked[0].headers
    assert "manifest.v2+json" in server.asked[0].headers["Accept"]


def test_index_has_no_config(store: CredentialStore) -> None:
    """An index has a digest but no configuration."""
    with serve(lambda _: Reply(body=b'{"manifests": []}')) as server:
        found = HttpRegistry(server.host, store).manifest(name(server.host))
    assert found is not None
    assert found.config is None


def test_nothing_there(store: CredentialStore) -> None:
    """A missing image is None, not an error."""
    with serve(lambda _: Reply(status=404, body=b"{}")) as server:
        assert HttpRegistry(server.host, store).manifest(name(server.host)) is None


def _guarded(asked: Asked) -> Reply:
    if asked.headers.get("Authorization") == BASIC:
        return Reply(body=MANIFEST)
    return Reply(status=401, headers={"WWW-Authenticate": 'Basic realm="tests"'})


def test_basic(store: CredentialStore) -> None:
    """A registry gets the stored password only after it asks for one."""
    with serve(_guarded) as server:
        store.put(server.host, CREDENTIAL)
        registry = HttpRegistry(server.host, store)
        assert registry.manifest(name(server.host)) is not None
        registry.check_login(CREDENTIAL)
    assert ["Authorization" in one.headers for one in server.asked] == [False, True, False, True]


def test_wrong_password(store: CredentialStore) -> None:
    """The error for a wrong password names the user and never shows the password."""
    wrong = Credential(user="alice", secret=Secret(f"{PASSWORD}-old"))
    with serve(_guarded) as server, pytest.raises(PushRefused) as caught:
        HttpRegistry(server.host, store).check_login(wrong)
    assert "alice" in caught.value.message
    assert caught.value.hint == f"invoke login --user alice --registry {server.host}"
    assert PASSWORD not in repr(caught.value) + str(caught.value)


def test_nobody_logged_in(store: CredentialStore) -> None:
    """Without credentials, the hint is how to log in to this registry."""
    with serve(_guarded) as server, pytest.raises(PushRefused) as caught:
        HttpRegistry(server.host, store).manifest(name(server.host))
    assert caught.value.hint == f"invoke login --user NAME --registry {server.host}"


def _with_tokens(token_service: Callable[[Asked], Reply], realm: str = "") -> Callable[[Asked], Reply]:
    def answer(asked: Asked) -> Reply:
        if asked.path.startswith("/token"):
            return token_service(asked)
        if asked.headers.get("Authorization") == "Bearer t0ken":
            return Reply(body=MANIFEST)
        where = realm or f"http://{asked.headers['Host']}/token"
        return Reply(status=401, headers={"WWW-Authenticate": f'Bearer realm="{where}",service="s",scope="x"'})

    return answer


@pytest.mark.parametrize("field", ["token", "access_token"])
def test_bearer(store: CredentialStore, field: str) -> None:
    """The token service gets password, service and scope, and the registry gets its token."""
    with serve(_with_tokens(lambda _: Reply(body=json.dumps({field: "t0ken"}).encode()))) as server:
        store.put(server.host, CREDENTIAL)
        assert HttpRegistry(server.host, store).manifest(name(server.host)) is not None
    token = server.asked[1]
    assert parse_qs(urlsplit(token.path).query) == {"service": ["s"], "scope": ["repository:demo/app:pull"]}
    assert token.headers["Authorization"] == BASIC


def test_bearer_for_nobody(store: CredentialStore) -> None:
    """The token for a public image is requested without credentials."""
    with serve(_with_tokens(lambda _: Reply(body=b'{"token": "t0ken"}'))) as server:
        assert HttpRegistry(server.host, store).manifest(name(server.host)) is not None
    assert all("Authorization" not in one.headers for one in server.asked[:2])


def test_identity_token(store: CredentialStore) -> None:
    """An identity token is exchanged for an access token, as Docker does."""
    with serve(_with_tokens(lambda _: Reply(body=b'{"access_token": "t0ken"}'))) as server:
        store.path.parent.mkdir()
        store.path.write_text(json.dumps({"auths": {server.host: {"identitytoken": PASSWORD}}}))
        assert HttpRegistry(server.host, store).manifest(name(server.host)) is not None
    assert server.asked[1].method == "POST"
    form = parse_qs(server.asked[1].body.decode())
    assert form["refresh_token"] == [PASSWORD]
    assert form["grant_type"] == ["refresh_token"]


def test_identity_token_stays(store: CredentialStore) -> None:
    """An identity token is not sent to another host when the token service redirects."""
    with serve(lambda _: Reply(body=b'{"access_token": "t0ken"}')) as elsewhere:
        moved = Reply(status=307, headers={"Location": f"http://localhost:{elsewhere.port}/token"})
        known = Credential(user="<token>", secret=Secret(PASSWORD), kind=SecretKind.IDENTITY_TOKEN)
        with serve(_with_tokens(lambda _: moved)) as server, pytest.raises(RegistryUnavailable):
            HttpRegistry(server.host, store).check_login(known)
    assert not elsewhere.asked


@pytest.mark.parametrize("status", [401, 403])
def test_token_refused(store: CredentialStore, status: int) -> None:
    """A token service that rejects the credentials is a refusal, not an outage."""
    with serve(_with_tokens(lambda _: Reply(status=status))) as server, pytest.raises(PushRefused):
        HttpRegistry(server.host, store).check_login(CREDENTIAL)


@pytest.mark.parametrize("answer", [Reply(status=500), Reply(body=b"<html>"), Reply(body=b"[]"), Reply(body=b"{}")])
def test_token_service_out_of_order(store: CredentialStore, answer: Reply) -> None:
    """A token service that issues no token is reported as one of our errors."""
    with serve(_with_tokens(lambda _: answer)) as server, pytest.raises(SeatrialError):
        HttpRegistry(server.host, store).check_login(CREDENTIAL)


@pytest.mark.parametrize("scheme", ["http", "HTTP", "ftp", ""])
def test_no_password_in_the_clear(store: CredentialStore, scheme: str) -> None:
    """A token service on another host without TLS gets no password and no request."""
    realm = f"{scheme}://tokens.invalid/token"
    with serve(_with_tokens(lambda _: Reply(), realm)) as server, pytest.raises(PushRefused):
        HttpRegistry(server.host, store).check_login(CREDENTIAL)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "disguise",
    ["127.0.0.1.evil.invalid", "localhost.evil.invalid", "localhost@evil.invalid", "localhost:1@evil.invalid"],
)
def test_no_password_to_a_disguise(store: CredentialStore, disguise: str) -> None:
    """A host name that only begins like a loopback name is not treated as loopback."""
    realm = f"http://{disguise}/token"
    with serve(_with_tokens(lambda _: Reply(), realm)) as server, pytest.raises(PushRefused):
        HttpRegistry(server.host, store).check_login(CREDENTIAL)
    assert len(server.asked) == 1


def test_no_password_to_a_redirect(store: CredentialStore) -> None:
    """A password is not sent to another host when the registry redirects."""
    with serve(lambda _: Reply(body=MANIFEST)) as elsewhere:

        def answer(asked: Asked) -> Reply:
            if "Authorization" in asked.headers:
                return Reply(status=307, headers={"Location": f"http://localhost:{elsewhere.port}{asked.path}"})
            return _guarded(asked)

        with serve(answer) as server:
            store.put(server.host, CREDENTIAL)
            HttpRegistry(server.host, store).manifest(name(server.host))
    assert all("Authorization" not in one.headers for one in elsewhere.asked)


@pytest.mark.parametrize(
    ("status", "kind", "cause"),
    [
        (403, PushRefused, "denied"),
        (429, RateLimited, "rate-limit"),
        (500, RegistryUnavailable, "no-registry"),
        (503, RegistryUnavailable, "no-registry"),
        (307, RegistryUnavailable, "no-registry"),
    ],
)
def test_bad_status(store: CredentialStore, status: int, kind: type[SeatrialError], cause: str) -> None:
    """An error status is in the reason; a refusal is not an outage."""
    moved = {"Location": "http://127.0.0.1:9/v2/"} if status == 307 else {}
    with (
        serve(lambda _: Reply(status=status, headers=moved)) as server,
        pytest.raises(kind, match=str(status)) as caught,
    ):
        HttpRegistry(server.host, store).manifest(name(server.host))
    assert type(caught.value) is kind
    assert caught.value.cause == cause


@pytest.mark.parametrize("body", [b"<html>hello", b"", b"[]", b"1", b"\xff\xfe"])
def test_no_manifest(store: CredentialStore, body: bytes) -> None:
    """An answer that is not a manifest is reported as an outage that retrying does not end."""
    with serve(lambda _: Reply(body=body)) as server, pytest.raises(RegistryUnavailable) as caught:
        HttpRegistry(server.host, store).manifest(name(server.host))
    assert not caught.value.transient


def test_no_http(store: CredentialStore) -> None:
    """A server that does not speak HTTP is reported as unreachable, in readable text."""
    with listen(lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")) as port:
        host = f"127.0.0.1:{port}"
        with pytest.raises(RegistryUnavailable) as caught:
            HttpRegistry(host, store).manifest(name(host))
    assert host in caught.value.message
    assert "object at 0x" not in caught.value.reason


def test_down(store: CredentialStore, free_port: int) -> None:
    """The hint for a local registry that is down is how to start it."""
    host = f"localhost:{free_port}"
    with pytest.raises(RegistryUnavailable) as caught:
        HttpRegistry(host, store).manifest(name(host))
    assert caught.value.exit_code == 3
    assert "invoke up" in caught.value.hint
    assert "Errno" not in caught.value.reason


def test_proxies_ignored(store: CredentialStore, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies in the environment are not used."""
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{free_port}")
    with serve(lambda _: Reply(body=MANIFEST)) as server:
        assert HttpRegistry(server.host, store).manifest(name(server.host)) is not None


def test_save_credential(store: CredentialStore) -> None:
    """A saved credential is used from then on."""
    registry = HttpRegistry("r.io", store)
    assert registry.credential() is None
    assert registry.save_credential(CREDENTIAL) == str(store.path)
    assert registry.credential() == CREDENTIAL
