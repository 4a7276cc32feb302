"""Credential helpers are asked as the docker CLI asks them, within limits, and their output is never shown."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from seatrial.registry import credentials
from seatrial.registry.credentials import Credential, HelperError, Secret, SecretKind
from tests.registry.stored import ALICE, BOB, PASSWORD, Hold, encoded, refused

Install = Callable[[str], str]


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
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


@pytest.mark.parametrize(("user", "kind"), [("alice", SecretKind.PASSWORD), ("<token>", SecretKind.IDENTITY_TOKEN)])
def test_helper_gets(hold: Hold, helper: Install, user: str, kind: SecretKind) -> None:
    """A registry's own helper is used before the general one and before the file."""
    answer = json.dumps({"Username": user, "Secret": PASSWORD})
    name = helper(f"read key; [ \"$key\" = r.io ] || exit 1\necho '{answer}'")
    both = {"credsStore": "absent", "credHelpers": {"r.io": name}, "auths": {"r.io": BOB}}
    assert hold(both).get("r.io") == Credential(user=user, secret=Secret(PASSWORD), kind=kind)


@pytest.mark.parametrize(
    "script",
    [
        "echo 'credentials not found in native keychain'; exit 1",
        "echo 'No stored credential for https://index.docker.io/v1/' >&2; exit 1",
        *(
            f"echo '{words}'; exit 1"
            for words in ("item could not be found in the keychain", "Element not found.", "no usernames")
        ),
        """echo '{"Username": "", "Secret": ""}'""",  # as docker-credential-pass answers
    ],
)
def test_helper_without_entry(hold: Hold, helper: Install, script: str) -> None:
    """A helper without an entry, in the protocol's words or its own, means that the file's entry counts."""
    store = hold({"credsStore": helper(script), "auths": {"r.io": {"auth": encoded()}}})
    assert (store.get("r.io"), store.get("other.io")) == (ALICE, None)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (f"printf '\\377 error for {PASSWORD}'; exit 3", "exit code 3"),
        (f"echo 'error for {PASSWORD}' >&2; exit 1", "exit code 1"),
        ("""echo 'exec: "pass": executable file not found in $PATH'; exit 1""", "pass, which it needs"),
        ("echo 'sh: 1: gpg: command not found' >&2; exit 127", "a program, which it needs"),
        ("echo 'gpg: decryption failed: No secret key'; exit 1", "exit code 1"),
        ("yes", "65,536 bytes"),
        *((f"echo '{one}'", "unexpected") for one in ("[]", '{"Username": 1, "Secret": 2}', PASSWORD)),
    ],
)
def test_helper_fails(hold: Hold, helper: Install, script: str, reason: str) -> None:
    """A helper that fails, misses a program or answers in another shape is an error without its output."""
    error = refused(hold({"credsStore": helper(script)}))
    assert isinstance(error, HelperError)
    assert "docker-credential-test" in str(error)
    assert reason in error.reason


def test_helper_keeps(hold: Hold, helper: Install, tmp_path: Path) -> None:
    """A helper gets the password on standard input, and the file does not contain it."""
    store = hold({"credsStore": helper(f'cat > {tmp_path}/kept; echo "$@" > {tmp_path}/argv')})
    assert store.put("r.io", ALICE) == "docker-credential-test"
    kept = json.loads((tmp_path / "kept").read_text())
    assert kept == {"ServerURL": "r.io", "Username": "alice", "Secret": PASSWORD}
    assert (tmp_path / "argv").read_text() == "store\n"
    assert PASSWORD not in store.path.read_text()


def test_helper_hangs(hold: Hold, helper: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A helper that does not answer is killed."""
    monkeypatch.setattr(credentials, "_HELPER_SECONDS", 0.2)
    name = helper(f"echo $$ > {tmp_path}/pid; exec sleep 60")
    began = time.monotonic()
    assert "0.2 s" in refused(hold({"credsStore": name})).reason
    assert time.monotonic() - began < 5
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


@pytest.mark.parametrize("name", ["../evil", "/bin/x", 5, ["x"]])
def test_helper_is_a_name(hold: Hold, name: object) -> None:
    """A helper is a name; a path or another type is an error."""
    refused(hold({"credHelpers": {"r.io": name}}))
