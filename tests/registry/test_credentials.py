"""Credentials are read and saved as Docker does, and never shown."""

from __future__ import annotations

import base64
import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seatrial.errors import CredentialsError
from seatrial.model.reference import DOCKER_HUB
from seatrial.registry import credentials
from seatrial.registry.credentials import Credential, CredentialStore, Secret, SecretKind

PASSWORD = "S3ntinel-5d41402abc4b2a76"
HUB_KEY = "https://index.docker.io/v1/"


def encoded(user: str = "alice", password: str = PASSWORD) -> str:
    """The entry of a user in config.json."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def store(tmp_path: Path) -> CredentialStore:
    """A credential store in a folder that does not exist yet."""
    return CredentialStore(tmp_path / "docker")


@pytest.fixture
def hold(store: CredentialStore) -> Callable[[Any], CredentialStore]:
    """A function that writes a configuration: text as it is, anything else as JSON."""

    def write(content: object) -> CredentialStore:
        store.path.parent.mkdir(exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        store.path.write_text(text, "utf-8")
        return store

    return write


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """A function that puts a credential helper (a shell script) on the PATH and returns its short name."""

    def install(script: str) -> str:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        program = folder / "docker-credential-test"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        return "test"

    return install


def refused(store: CredentialStore, registry: str = "r.io") -> CredentialsError:
    """Return the store's error, and check that it never shows the password."""
    with pytest.raises(CredentialsError) as caught:
        store.get(registry)
    error: BaseException | None = caught.value
    while error is not None:
        assert PASSWORD not in f"{error} {error!r}"
        assert encoded() not in f"{error} {error!r}"
        error = error.__cause__
    assert caught.value.exit_code == 2
    assert caught.value.hint
    return caught.value


def test_nobody(store: CredentialStore, hold: Callable[[Any], CredentialStore]) -> None:
    """Without a file or an entry there is no credential."""
    assert store.get("r.io") is None
    contents: list[object] = [
        "",
        " \n",
        {},
        {"auths": {}},
        {"auths": None},
        {"auths": {"r.io": {}}},
        {"auths": {"other.io": {"auth": "x"}}},
    ]
    for content in contents:
        assert hold(content).get("r.io") is None


@pytest.mark.parametrize("key", ["r.io", "https://r.io", "http://r.io", "https://r.io/v2/", "https://r.io/"])
def test_keys(hold: Callable[[Any], CredentialStore], key: str) -> None:
    """A registry is found under every name that Docker's tools have used."""
    kept = hold({"auths": {key: {"auth": encoded()}}}).get("r.io")
    assert kept == Credential(user="alice", secret=Secret(PASSWORD))


@pytest.mark.parametrize("key", [HUB_KEY, "index.docker.io", "docker.io"])
def test_hub_keys(hold: Callable[[Any], CredentialStore], key: str) -> None:
    """The Hub is found under its old address, and under its newer ones."""
    assert hold({"auths": {key: {"auth": encoded()}}}).get(DOCKER_HUB) is not None


def test_colons(hold: Callable[[Any], CredentialStore]) -> None:
    """A password may contain colons and non-ASCII letters; Docker's zero bytes at its end are removed."""
    kept = hold({"auths": {"r.io": {"auth": encoded("u", "a:b:ç\0\0")}}}).get("r.io")
    assert kept is not None
    assert kept.secret.reveal() == "a:b:ç"


def test_identity_token(hold: Callable[[Any], CredentialStore]) -> None:
    """An identity token is read instead of a password, as Docker stores it after a login in the browser."""
    entry = {"auth": encoded("<token>", ""), "identitytoken": PASSWORD}
    kept = hold({"auths": {"r.io": entry}}).get("r.io")
    assert kept == Credential(user="<token>", secret=Secret(PASSWORD), kind=SecretKind.IDENTITY_TOKEN)


@pytest.mark.parametrize("content", ['{"auths": {', "\ufeff{}", "{'auths'}", "no"])
def test_damaged(store: CredentialStore, hold: Callable[[Any], CredentialStore], content: str) -> None:
    """The error for a file that is truncated, empty or not JSON names the line and how to move the file away."""
    error = refused(hold(content))
    assert "line 1" in error.reason
    assert error.hint.endswith(f"mv {store.path} {store.path}.broken")


@pytest.mark.parametrize("content", [[], "null", 1, '"text"', {"auths": []}, {"auths": "x"}, {"credHelpers": ["x"]}])
def test_wrong_shape(hold: Callable[[Any], CredentialStore], content: object) -> None:
    """A JSON file of another shape than Docker's is an error."""
    refused(hold(content))


@pytest.mark.parametrize(
    "entry",
    [
        {"auth": PASSWORD},
        {"auth": base64.b64encode(PASSWORD.encode()).decode()},
        {"auth": encoded(user="")},
        {"auth": base64.b64encode(b"\xff\xfe:x").decode()},
        {"auth": "é"},
        {"auth": [PASSWORD]},
        {"auth": 5},
        PASSWORD,
        [PASSWORD],
        None,
    ],
)
def test_damaged_entry(hold: Callable[[Any], CredentialStore], entry: object) -> None:
    """The error for a damaged entry names its registry, never its value."""
    assert '"r.io"' in refused(hold({"auths": {"r.io": entry}})).reason


def test_not_readable(store: CredentialStore) -> None:
    """A folder in place of the file is an error."""
    store.path.mkdir(parents=True)
    refused(store)


def test_put(store: CredentialStore, hold: Callable[[Any], CredentialStore]) -> None:
    """A saved credential can be read again, other entries stay, and only the owner may read the file."""
    before = {"auths": {"other.io": {"auth": encoded("x", "y")}}, "HttpHeaders": {"A": "b"}, "currentContext": "z"}
    hold(before).path.chmod(0o644)
    credential = Credential(user="alice", secret=Secret(PASSWORD))
    assert store.put("r.io", credential) == str(store.path)
    assert store.get("r.io") == credential
    after = json.loads(store.path.read_text())
    assert after == {**before, "auths": {**before["auths"], "r.io": {"auth": encoded()}}}  # type: ignore[dict-item]
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert [one.name for one in store.path.parent.iterdir()] == ["config.json"]


def test_put_first(store: CredentialStore) -> None:
    """The first login creates folder and file for their owner only; Docker Hub has Docker's key."""
    store.put(DOCKER_HUB, Credential(user="alice", secret=Secret(PASSWORD)))
    assert list(json.loads(store.path.read_text())["auths"]) == [HUB_KEY]
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700


def test_put_replaces(store: CredentialStore, hold: Callable[[Any], CredentialStore]) -> None:
    """A new login replaces an old one, also under another of the registry's names."""
    hold({"auths": {"https://r.io": {"auth": encoded("old", "x")}}})
    new = Credential(user="alice", secret=Secret(PASSWORD))
    store.put("r.io", new)
    assert store.get("r.io") == new


def test_put_through_link(store: CredentialStore, tmp_path: Path) -> None:
    """A configuration that is a symbolic link stays one, and its target is written."""
    real = tmp_path / "dotfiles" / "config.json"
    real.parent.mkdir()
    real.write_text('{"a": 1}')
    store.path.parent.mkdir()
    store.path.symlink_to(real)
    store.put("r.io", Credential(user="alice", secret=Secret(PASSWORD)))
    assert store.path.is_symlink()
    assert json.loads(real.read_text())["a"] == 1
    assert store.get("r.io") is not None


def test_put_into_damaged(hold: Callable[[Any], CredentialStore]) -> None:
    """A damaged file is not overwritten, as its content may still be wanted."""
    store = hold('{"auths": {')
    with pytest.raises(CredentialsError):
        store.put("r.io", Credential(user="alice", secret=Secret(PASSWORD)))
    assert store.path.read_text() == '{"auths": {'


def test_put_token(store: CredentialStore) -> None:
    """An identity token is saved and read as an identity token."""
    token = Credential(user="<token>", secret=Secret(PASSWORD), kind=SecretKind.IDENTITY_TOKEN)
    store.put("r.io", token)
    assert store.get("r.io") == token


def test_helper_gets(hold: Callable[[Any], CredentialStore], helper: Callable[[str], str]) -> None:
    """A registry's own helper is used before the general one and before the file."""
    answer = json.dumps({"ServerURL": "r.io", "Username": "alice", "Secret": PASSWORD})
    name = helper(f"read key; [ \"$key\" = r.io ] || exit 1\necho '{answer}'")
    both = {"credsStore": "absent", "credHelpers": {"r.io": name}, "auths": {"r.io": {"auth": encoded("x", "y")}}}
    assert hold(both).get("r.io") == Credential(user="alice", secret=Secret(PASSWORD))


def test_helper_gives_token(hold: Callable[[Any], CredentialStore], helper: Callable[[str], str]) -> None:
    """A helper with the user `<token>` returns an identity token."""
    name = helper(f"""echo '{{"Username": "<token>", "Secret": "{PASSWORD}"}}'""")
    kept = hold({"credsStore": name}).get("r.io")
    assert kept is not None
    assert kept.token


def test_helper_without_entry(hold: Callable[[Any], CredentialStore], helper: Callable[[str], str]) -> None:
    """A helper without an entry means that there is no credential."""
    name = helper("echo 'credentials not found in native keychain'; exit 1")
    assert hold({"credsStore": name}).get("r.io") is None


def test_helper_keeps(hold: Callable[[Any], CredentialStore], helper: Callable[[str], str], tmp_path: Path) -> None:
    """A helper gets the password on standard input, and the file does not contain it."""
    store = hold({"credsStore": helper(f'cat > {tmp_path}/kept; echo "$@" > {tmp_path}/argv')})
    assert store.put("r.io", Credential(user="alice", secret=Secret(PASSWORD))) == "docker-credential-test"
    kept = json.loads((tmp_path / "kept").read_text())
    assert kept == {"ServerURL": "r.io", "Username": "alice", "Secret": PASSWORD}
    assert (tmp_path / "argv").read_text() == "store\n"
    assert PASSWORD not in store.path.read_text()


def test_helper_missing(hold: Callable[[Any], CredentialStore]) -> None:
    """The error for a helper that is not installed names it."""
    error = refused(hold({"credsStore": "desktop-nobody-has"}))
    assert "install docker-credential-desktop-nobody-has" in error.hint


def test_helper_hangs(
    hold: Callable[[Any], CredentialStore],
    helper: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """A helper that does not answer is killed."""
    monkeypatch.setattr(credentials, "_HELPER_SECONDS", 0.2)
    name = helper(f"echo $$ > {tmp_path}/pid; exec sleep 60")
    began = time.monotonic()
    assert "0.2 s" in refused(hold({"credsStore": name})).reason
    assert time.monotonic() - began < 5
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


@pytest.mark.parametrize("exit_code", [0, 1])
@pytest.mark.parametrize("stream", ["1", "2"])
def test_helper_prints_secret(
    hold: Callable[[Any], CredentialStore], helper: Callable[[str], str], exit_code: int, stream: str
) -> None:
    """A secret in the output of a failing helper is not shown."""
    name = helper(f"printf '\\377 error for {PASSWORD}' >&{stream}; exit {exit_code}")
    assert "docker-credential-test" in str(refused(hold({"credsStore": name})))


@pytest.mark.parametrize("answer", ["[]", "1", '{"Username": "u"}', '{"Username": 1, "Secret": 2}', "", "null"])
def test_helper_with_unexpected_answer(
    hold: Callable[[Any], CredentialStore], helper: Callable[[str], str], answer: str
) -> None:
    """A helper's answer of another shape is an error."""
    assert refused(hold({"credsStore": helper(f"echo '{answer}'")})).hint == "docker login r.io"


@pytest.mark.parametrize("name", ["../evil", "/bin/x", 5, ["x"], {}])
def test_helper_is_a_name(hold: Callable[[Any], CredentialStore], name: object) -> None:
    """A helper is a name; a path or another type is an error."""
    config = {"credHelpers": {"r.io": name}}
    if name:
        refused(hold(config))
