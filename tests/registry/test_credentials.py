"""Credentials are read and saved as Docker does, and never shown."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from seatrial.errors import CredentialsError
from seatrial.model.reference import DOCKER_HUB
from seatrial.registry.credentials import Credential, CredentialStore, Secret, SecretKind
from tests.registry.stored import ALICE, BOB, PASSWORD, Hold, encoded, refused

TOKEN = PASSWORD[:-3]
HUB_KEY = "https://index.docker.io/v1/"


def token(kind: SecretKind) -> Credential:
    """The credential whose secret is such a token."""
    return Credential(user="<token>", secret=Secret(TOKEN), kind=kind)


def test_a_secret_is_never_shown() -> None:
    """A secret is printed as three stars, and cannot be a dictionary key or JSON."""
    assert PASSWORD not in f"{ALICE} {ALICE!r} {[ALICE.secret]}"
    assert "***" in repr(ALICE)
    assert ALICE.secret != PASSWORD
    with pytest.raises(TypeError):
        hash(ALICE.secret)
    with pytest.raises(TypeError):
        json.dumps(ALICE.secret)
    assert not hasattr(ALICE.secret, "__dict__")


@pytest.mark.parametrize(
    "content",
    ["", " \n", {}, {"auths": {}}, {"auths": None}, {"auths": {"r.io": {}}}, {"auths": {"other.io": {"auth": "x"}}}],
)
def test_nobody(store: CredentialStore, hold: Hold, content: object) -> None:
    """Without a file, in an empty one, and without an entry there is no credential."""
    assert store.get("r.io") is None
    assert hold(content).get("r.io") is None


@pytest.mark.parametrize(
    ("registry", "key"),
    [
        *(("r.io", key) for key in ("r.io", "https://r.io", "http://r.io/v1/", "https://r.io/v2/", "https://r.io/")),
        *((DOCKER_HUB, key) for key in (HUB_KEY, "index.docker.io", "docker.io")),
    ],
)
def test_keys(hold: Hold, registry: str, key: str) -> None:
    """A registry is found under every name that Docker's tools have used, and its usual name comes first."""
    auths = {"other.io": BOB, key: {"auth": encoded()}}
    assert hold({"auths": auths}).get(registry) == ALICE
    usual = HUB_KEY if registry == DOCKER_HUB else registry
    assert hold({"auths": {f"http://{registry}/": BOB, **auths, usual: {"auth": encoded()}}}).get(registry) == ALICE


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ({"username": "alice", "password": PASSWORD}, ALICE),
        ({"auth": encoded(), "username": "bob", "password": "x"}, ALICE),
        ({"auth": encoded("u", "a:b:ç\0\0")}, Credential(user="u", secret=Secret("a:b:ç"))),
        ({"auth": encoded(), "identitytoken": ""}, ALICE),
        ({"auth": encoded("<token>", ""), "identitytoken": TOKEN}, token(SecretKind.IDENTITY_TOKEN)),
        ({**BOB, "identitytoken": "x", "registrytoken": TOKEN}, token(SecretKind.REGISTRY_TOKEN)),
    ],
)
def test_entries(hold: Hold, entry: object, found: Credential) -> None:
    """An entry holds a password in base64 or plainly, or a token, which comes first."""
    assert hold({"auths": {"r.io": entry}}).get("r.io") == found


@pytest.mark.parametrize(
    ("content", "part"),
    [
        *(('{"auths": {', "line 1"), ("\ufeff{}", "line 1"), ("[" * 9999, "recursion"), (" " * 2**21, "1,048,576")),
        *(([], ""), ("null", ""), ({"auths": []}, ""), ({"auths": "x"}, ""), ({"credHelpers": ["x"]}, "")),
        *(({"auths": {"r.io": entry}}, '"r.io"') for entry in (PASSWORD, [PASSWORD], None)),
        *(
            ({"auths": {"r.io": {"auth": auth}}}, '"r.io"')
            for auth in (PASSWORD, encoded().rstrip("="), f"{encoded()}é", encoded(user=""), [PASSWORD], 5)
        ),
        ({"auths": {"r.io": {"auth": base64.b64encode(PASSWORD.encode()).decode()}}}, '"r.io"'),
        ({"auths": {"r.io": {"auth": base64.b64encode(b"alice:\xff\xfe").decode()}}}, '"r.io"'),
        *(({"auths": {"r.io": {kind: f"{PASSWORD}\n"}}}, '"r.io"') for kind in ("identitytoken", "registrytoken")),
    ],
)
def test_damaged(hold: Hold, content: object, part: str) -> None:
    """The error for a file or an entry of another form than Docker's says where, and shows no value."""
    assert part in refused(hold(content)).reason


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_only_a_regular_file_is_read(store: CredentialStore, make: Callable[[Path], None]) -> None:
    """A folder, a pipe or a device in place of the file is an error at once."""
    store.path.parent.mkdir()
    make(store.path)
    refused(store)


def test_others_can_read(hold: Hold) -> None:
    """A file with passwords that others can read is warned of once; one without is nobody's business."""
    store = hold({"auths": {"r.io": {"auth": encoded()}}})
    store.path.chmod(0o644)
    assert [store.get("r.io"), store.get("r.io")] == [ALICE, ALICE]
    assert [str(store.path) in text for text in store.warnings] == [True]
    without = CredentialStore(hold({"auths": {"r.io": {}}}).path.parent)
    without.path.chmod(0o644)
    assert (without.get("r.io"), without.warnings) == (None, [])


def test_the_variable_comes_first(store: CredentialStore, hold: Hold) -> None:
    """DOCKER_AUTH_CONFIG has the credentials of its registries; others are in the file."""
    hold({"auths": {"r.io": BOB, "other.io": BOB}})
    first = CredentialStore(store.path.parent, json.dumps({"auths": {"r.io": {"auth": encoded()}}}))
    assert first.get("r.io") == ALICE
    other = first.get("other.io")
    assert other
    assert other.user == "bob"


@pytest.mark.parametrize(
    "value",
    [
        *("{", "{}", '{"auths": []}', f'{{"auths": {{"r.io": {{"auth": "{PASSWORD}"}}}}}}'),
        json.dumps({"auths": {"r.io": {"auth": encoded()}}, "credsStore": "x"}),
        json.dumps({"auths": {"r.io": {"auth": encoded(), "email": "a"}}}),
    ],
)
def test_a_damaged_variable(store: CredentialStore, hold: Hold, value: str) -> None:
    """A DOCKER_AUTH_CONFIG that the docker CLI would not take is warned of, and the file is used."""
    hold({"auths": {"r.io": BOB}})
    second = CredentialStore(store.path.parent, value)
    found = second.get("r.io")
    assert found
    assert found.user == "bob"
    (warning,) = second.warnings
    assert "DOCKER_AUTH_CONFIG" in warning
    assert PASSWORD not in warning


def test_put(store: CredentialStore, hold: Hold) -> None:
    """A saved credential can be read again, other entries stay, and only the owner may read the file."""
    before = {"auths": {"other.io": BOB, "https://r.io": BOB}, "HttpHeaders": {"A": "b"}, "currentContext": "z"}
    hold(before).path.chmod(0o644)
    assert store.put("r.io", ALICE) == str(store.path)
    assert store.get("r.io") == ALICE
    after = json.loads(store.path.read_text())
    assert after == {**before, "auths": {**before["auths"], "r.io": {"auth": encoded()}}}  # type: ignore[dict-item]
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert [one.name for one in store.path.parent.iterdir()] == ["config.json"]


def test_put_first(store: CredentialStore) -> None:
    """The first login creates folder and file for their owner only; Docker Hub has Docker's key."""
    store.put(DOCKER_HUB, token(SecretKind.IDENTITY_TOKEN))
    assert json.loads(store.path.read_text()) == {"auths": {HUB_KEY: {"identitytoken": TOKEN}}}
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700


def test_put_through_link(store: CredentialStore, tmp_path: Path) -> None:
    """A configuration that is a symbolic link stays one, and its target is written."""
    real = tmp_path / "config.json"
    real.write_text('{"a": 1}')
    store.path.parent.mkdir()
    store.path.symlink_to(real)
    store.put("r.io", ALICE)
    assert store.path.is_symlink()
    assert json.loads(real.read_text())["a"] == 1


def test_put_into_damaged(hold: Hold) -> None:
    """A damaged file is not overwritten, as its content may still be wanted."""
    store = hold('{"auths": {')
    with pytest.raises(CredentialsError):
        store.put("r.io", ALICE)
    assert store.path.read_text() == '{"auths": {'
