"""The messages of the registry package; each sentence is pinned here, once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seatrial.errors import SeatrialError
from seatrial.model.reference import DOCKER_HUB, ImageReference
from seatrial.registry.client import HttpRegistry
from seatrial.registry.credentials import Credential, CredentialStore, Secret
from seatrial.registry.errors import push_refused, read_only, unreadable, untrusted
from seatrial.registry.http import RegistryHttp
from seatrial.registry.model import Manifest
from tests.servers.local_server import Reply, serve

ALICE = Credential(user="alice", secret=Secret("S3ntinel"), origin="config.json")
IMAGE = ImageReference.parse("r.io/shop/web")
DAMAGED = "Docker's configuration {folder}/config.json is damaged"
FIX = "fix the file, or move it away and log in again: mv {folder}/config.json {folder}/config.json.broken"
NOT_READ = "r.io/web:1 cannot be looked up"
CHECK = "check that r.io is a registry and is up"
Provoke = Callable[[Path], SeatrialError]


def _raised(action: Callable[[], object]) -> SeatrialError:
    with pytest.raises(SeatrialError) as caught:
        action()
    return caught.value


def _answer(status: int = 200, body: bytes = b"") -> Provoke:
    def provoke(folder: Path) -> SeatrialError:
        with serve(lambda _: Reply(status=status, body=body)) as server:
            registry = HttpRegistry(server.host, CredentialStore(folder))
            error = _raised(lambda: registry.manifest(ImageReference.parse(f"{server.host}/web:1")))
        texts = (text.replace(server.host, "r.io") for text in (error.message, error.reason, error.hint))
        message, reason, hint = texts
        return SeatrialError(message, reason=reason, hint=hint)

    return provoke


def _index(body: bytes) -> Provoke:
    manifest = Manifest(digest="sha256:1", config=None, body=body)
    return lambda folder: _raised(
        lambda: HttpRegistry("r.io", CredentialStore(folder)).configuration(IMAGE.with_tag("1"), manifest)
    )


def _config(content: str) -> Provoke:
    def provoke(folder: Path) -> SeatrialError:
        (folder / "config.json").write_text(content)
        return _raised(lambda: CredentialStore(folder).get("r.io"))

    return provoke


ROWS: list[tuple[Any, ...]] = [
    (
        lambda _: push_refused("r.io", None, "denied"),
        "r.io requires a login",
        "denied; Docker has no credentials for it",
        "invoke login --user NAME --registry r.io",
    ),
    (
        lambda _: push_refused("r.io", ALICE, "denied"),
        "r.io does not allow alice to do this",
        "denied; the credentials are those stored for alice (config.json)",
        "invoke login --user alice --registry r.io",
    ),
    (
        lambda _: push_refused("r.io", ALICE, "denied", IMAGE),
        "alice may not push to r.io/shop/web",
        "denied; logged in as alice (config.json), whose access token may be read-only",
        "invoke login --user alice --registry r.io (with a token that may write)",
    ),
    (
        lambda _: push_refused(DOCKER_HUB, ALICE, "denied", ImageReference.parse("shop/web")),
        "alice may not push to shop/web",
        "denied; logged in as alice (config.json), pushing to shop",
        "invoke login --user shop (or push to your own account: --user alice)",
    ),
    (
        lambda _: read_only("it failed", "r.io", "405"),
        "it failed",
        "the registry r.io is read-only: 405",
        "ask the operator of r.io to end its maintenance, then run it again",
    ),
    (
        lambda _: unreadable("it failed", Path("/ca.crt"), "no PEM"),
        "it failed",
        "/ca.crt cannot be read as a certificate: no PEM",
        "fix /ca.crt, or remove it",
    ),
    (
        lambda _: untrusted("it failed", "r.io", "expired"),
        "it failed",
        "the certificate of r.io is not trusted: expired",
        "copy the certificate of the authority that signed it to /etc/docker/certs.d/r.io/ca.crt",
    ),
    (_answer(500), NOT_READ, "r.io answered 500 Internal Server Error", CHECK),
    (_answer(400), NOT_READ, "r.io answered 400 Bad Request", "read the answer of r.io above"),
    (
        _answer(429),
        NOT_READ,
        "r.io answered 429 Too Many Requests (rate limit)",
        "wait a minute, then run it again",
    ),
    (_answer(body=b"<html>"), NOT_READ, "r.io did not answer with a manifest: <html>", CHECK),
    (
        _index(b'{"manifests": []}'),
        "r.io/shop/web:1 cannot be inspected",
        "it is an empty index, not an image",
        "use another version",
    ),
    (
        lambda _: _raised(lambda: RegistryHttp("localhost:1", lambda: None).send("GET", "/v2/")),
        "the registry localhost:1 cannot be reached",
        "Connection refused",
        "invoke up (starts one at the port in the settings), then check: curl http://localhost:1/v2/",
    ),
    (_config("[]"), DAMAGED, "it does not hold a JSON object", FIX),
    (
        _config('{"auths": {"r.io": {"auth": "x"}}}'),
        DAMAGED,
        'the entry "r.io" does not hold base64 of USER:PASSWORD',
        FIX,
    ),
    (
        _config('{"credsStore": "a/b"}'),
        DAMAGED,
        "the credential helper for r.io is not a valid name",
        FIX,
    ),
    (
        _config('{"credsStore": "nobody-has"}'),
        "the credential helper docker-credential-nobody-has does not work",
        "it is not installed",
        "install docker-credential-nobody-has, or remove it from {folder}/config.json",
    ),
]


@pytest.mark.parametrize(("provoke", "message", "reason", "hint"), ROWS, ids=[row[2][:40] for row in ROWS])
def test_message(tmp_path: Path, provoke: Provoke, message: str, reason: str, hint: str) -> None:
    """An error says what failed, why, and what to type."""
    error = provoke(tmp_path)
    expected = [text.replace("{folder}", str(tmp_path)) for text in (message, reason, hint)]
    assert [error.message, error.reason, error.hint] == expected
