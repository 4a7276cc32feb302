"""A registry is asked as Docker would ask it, and every answer it may give becomes one of our errors."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from seatrial.errors import PushRefused, RegistryUnavailable, SeatrialError
from seatrial.model.reference import ImageReference
from seatrial.registry.client import HttpRegistry
from seatrial.registry.credentials import Credential, CredentialStore, Secret
from tests.servers.local_server import Asked, Reply, listen, serve

MANIFEST = b'{"schemaVersion": 2, "config": {"digest": "sha256:c0"}}'
DIGEST = f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"
PASSWORD = f"S3ntinel-{secrets.token_hex(8)}"
CREDENTIAL = Credential(user="alice", secret=Secret(PASSWORD))
BASIC = f"Basic {base64.b64encode(f'alice:{PASSWORD}'.encode()).decode()}"


@pytest.fixture
def store(tmp_path: Path) -> CredentialStore:
    """Credentials of nobody yet."""
    return CredentialStore(tmp_path / "docker")


def name(host: str) -> ImageReference:
    """The image that is asked for."""
    return ImageReference.parse(f"{host}/demo/app:1")


def test_open_registry(store: CredentialStore) -> None:
    """An open registry is asked once, without credentials; the digest is the one of the bytes, whatever it says."""
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
    """An index is known by its digest alone."""
    with serve(lambda _: Reply(body=b'{"manifests": []}')) as server:
        found = HttpRegistry(server.host, store).manifest(name(server.host))
    assert found is not None
    assert found.config is None


def test_nothing_there(store: CredentialStore) -> None:
    """A name that the registry does not hold is nothing, not an error."""
    with serve(lambda _: Reply(status=404, body=b"{}")) as server:
        assert HttpRegistry(server.host, store).manifest(name(server.host)) is None


def _guarded(asked: Asked) -> Reply:
    if asked.headers.get("Authorization") == BASIC:
        return Reply(body=MANIFEST)
    return Reply(status=401, headers={"WWW-Authenticate": 'Basic realm="tests"'})


def test_basic(store: CredentialStore) -> None:
    """A registry that wants a password gets the one Docker keeps, and only once it asks for it."""
    with serve(_guarded) as server:
        store.put(server.host, CREDENTIAL)
        registry = HttpRegistry(server.host, store)
        assert registry.manifest(name(server.host)) is not None
        registry.check_login(CREDENTIAL)
    assert ["Authorization" in one.headers for one in server.asked] == [False, True, False, True]


def test_wrong_password(store: CredentialStore) -> None:
    """A wrong password is refused by name, and never shown."""
    wrong = Credential(user="alice", secret=Secret(f"{PASSWORD}-old"))
    with serve(_guarded) as server, pytest.raises(PushRefused) as caught:
        HttpRegistry(server.host, store).check_login(wrong)
    assert "alice" in caught.value.message
    assert caught.value.hint == f"invoke login --user alice --registry {server.host}"
    assert PASSWORD not in repr(caught.value) + str(caught.value)


def test_nobody_logged_in(store: CredentialStore) -> None:
    """Without credentials a guarded registry says whom to log in as where."""
    with serve(_guarded) as server, pytest.raises(PushRefused) as caught:
        HttpRegistry(server.host, store).manifest(name(server.host))
    assert "login" in caught.value.hint
    assert server.host in caught.value.hint
    assert "keeps no credentials" in caught.value.reason


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
    """A token service gets password, service and the scope that is needed, and its token opens the registry."""
    with serve(_with_tokens(lambda _: Reply(body=json.dumps({field: "t0ken"}).encode()))) as server:
        store.put(server.host, CREDENTIAL)
        assert HttpRegistry(server.host, store).manifest(name(server.host)) is not None
    token = server.asked[1]
    assert parse_qs(urlsplit(token.path).query) == {"service": ["s"], "scope": ["repository:demo/app:pull"]}
    assert token.headers["Authorization"] == BASIC


def test_bearer_for_nobody(store: CredentialStore) -> None:
    """A public image needs a token, too, which is asked for without a name."""
    with serve(_with_tokens(lambda _: Reply(body=b'{"token": "t0ken"}'))) as server:
        assert HttpRegistry(server.host, store).manifest(name(server.host)) is not None
    assert all("Authorization" not in one.headers for one in server.asked[:2])


def test_identity_token(store: CredentialStore) -> None:
    """An identity token is traded for an access token, as Docker does."""
    with serve(_with_tokens(lambda _: Reply(body=b'{"access_token": "t0ken"}'))) as server:
        store.path.parent.mkdir()
        store.path.write_text(json.dumps({"auths": {server.host: {"identitytoken": PASSWORD}}}))
        assert HttpRegistry(server.host, store).manifest(name(server.host)) is not None
    assert server.asked[1].method == "POST"
    form = parse_qs(server.asked[1].body.decode())
    assert form["refresh_token"] == [PASSWORD]
    assert form["grant_type"] == ["refresh_token"]


def test_identity_token_stays(store: CredentialStore) -> None:
    """A token service that sends us on does not make us hand the identity token to somebody else."""
    with serve(lambda _: Reply(body=b'{"access_token": "t0ken"}')) as elsewhere:
        moved = Reply(status=307, headers={"Location": f"http://localhost:{elsewhere.port}/token"})
        known = Credential(user="<token>", secret=Secret(PASSWORD), token=True)
        with serve(_with_tokens(lambda _: moved)) as server, pytest.raises(RegistryUnavailable, match="no token"):
            HttpRegistry(server.host, store).check_login(known)
    assert not elsewhere.asked


@pytest.mark.parametrize("status", [401, 403])
def test_token_refused(store: CredentialStore, status: int) -> None:
    """A token service that does not accept the credentials is a refusal, not an outage."""
    with serve(_with_tokens(lambda _: Reply(status=status))) as server, pytest.raises(PushRefused, match="token"):
        HttpRegistry(server.host, store).check_login(CREDENTIAL)


@pytest.mark.parametrize("answer", [Reply(status=500), Reply(body=b"<html>"), Reply(body=b"[]"), Reply(body=b"{}")])
def test_token_service_out_of_order(store: CredentialStore, answer: Reply) -> None:
    """A token service that gives no token is one of our errors, whatever it gives instead."""
    with serve(_with_tokens(lambda _: answer)) as server, pytest.raises(SeatrialError):
        HttpRegistry(server.host, store).check_login(CREDENTIAL)


@pytest.mark.parametrize("scheme", ["http", "HTTP", "ftp", ""])
def test_no_password_in_the_clear(store: CredentialStore, scheme: str) -> None:
    """A challenge that names a token service without TLS elsewhere gets no password, and no request at all."""
    realm = f"{scheme}://tokens.invalid/token"
    with serve(_with_tokens(lambda _: Reply(), realm)) as server, pytest.raises(PushRefused):
        HttpRegistry(server.host, store).check_login(CREDENTIAL)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "disguise",
    ["127.0.0.1.evil.invalid", "localhost.evil.invalid", "localhost@evil.invalid", "localhost:1@evil.invalid"],
)
def test_no_password_to_a_disguise(store: CredentialStore, disguise: str) -> None:
    """A host that only begins like this machine's own is not this machine."""
    realm = f"http://{disguise}/token"
    with serve(_with_tokens(lambda _: Reply(), realm)) as server, pytest.raises(PushRefused):
        HttpRegistry(server.host, store).check_login(CREDENTIAL)
    assert len(server.asked) == 1


def test_no_password_to_a_redirect(store: CredentialStore) -> None:
    """A guarded registry that sends us on to another host does not make us take the password there."""
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
    ("status", "kind", "words"),
    [
        (403, PushRefused, "answered 403"),
        (429, RegistryUnavailable, "rate limit"),
        (500, RegistryUnavailable, "answered 500"),
        (503, RegistryUnavailable, "answered 503"),
        (307, RegistryUnavailable, "answered 307"),
    ],
)
def test_bad_status(store: CredentialStore, status: int, kind: type[SeatrialError], words: str) -> None:
    """A status that is no answer is named; what may pass later is an outage, a refusal is none."""
    moved = {"Location": "http://127.0.0.1:9/v2/"} if status == 307 else {}
    with serve(lambda _: Reply(status=status, headers=moved)) as server, pytest.raises(kind, match=words):
        HttpRegistry(server.host, store).manifest(name(server.host))


@pytest.mark.parametrize("body", [b"<html>hello", b"", b"[]", b"1", b"\xff\xfe"])
def test_no_manifest(store: CredentialStore, body: bytes) -> None:
    """An answer that is no manifest is no registry's."""
    with serve(lambda _: Reply(body=body)) as server, pytest.raises(RegistryUnavailable, match="no manifest"):
        HttpRegistry(server.host, store).manifest(name(server.host))


def test_no_http(store: CredentialStore) -> None:
    """What does not speak HTTP is out of reach, in words and without a traceback."""
    with listen(lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")) as port:
        host = f"127.0.0.1:{port}"
        with pytest.raises(RegistryUnavailable) as caught:
            HttpRegistry(host, store).manifest(name(host))
    assert host in caught.value.message
    assert "object at 0x" not in caught.value.reason


def test_down(store: CredentialStore, free_port: int) -> None:
    """A local registry that is down says so, and how to start it."""
    host = f"localhost:{free_port}"
    with pytest.raises(RegistryUnavailable, match="refused") as caught:
        HttpRegistry(host, store).manifest(name(host))
    assert caught.value.exit_code == 3
    assert "invoke up" in caught.value.hint
    assert "Errno" not in caught.value.reason


def test_proxies_ignored(store: CredentialStore, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment does not come between us and a registry."""
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{free_port}")
    with serve(lambda _: Reply(body=MANIFEST)) as server:
        assert HttpRegistry(server.host, store).manifest(name(server.host)) is not None


def test_keeps_where_docker_does(store: CredentialStore) -> None:
    """What is kept for a registry is what is asked with next time."""
    registry = HttpRegistry("r.io", store)
    assert registry.credential() is None
    assert registry.save_credential(CREDENTIAL) == str(store.path)
    assert registry.credential() == CREDENTIAL
