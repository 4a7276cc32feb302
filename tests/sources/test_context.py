"""The build context: what is sent to a builder and what is refused."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from seatrial.errors import UsageError
from seatrial.host.atomic_write import replace_file
from seatrial.sources.context import Context


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with an app, a state folder and links."""
    for name in ("app.py", "Dockerfile", "static/site.css", ".seatrial/current.json", "sub/.seatrial/x"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "nowhere").symlink_to("/nonexistent")
    return tmp_path


def read(folder: Path) -> Context:
    """Read the context whose Dockerfile is in it."""
    return Context.read(folder, folder / "Dockerfile")


def test_entries(folder: Path) -> None:
    """Files, folders and links are sent in order; links are not followed.

    Seatrial's own files are left out, and so is what cannot be sent. Of an allow-list, only the files are sent.
    """
    replace_file(folder / "invoke.yaml", b"")
    (folder / ".seatrial-123-x.tmp").touch()
    os.mkfifo(folder / "static" / "pipe")
    own = [folder / ".seatrial", folder / "invoke.yaml", folder.parent / "elsewhere"]
    context = Context.read(folder, folder / "Dockerfile", own=own)
    assert tuple(context.entries) == (
        *("Dockerfile", "app.py", "loop", "nowhere", "static", "static/site.css"),
        *("sub", "sub/.seatrial", "sub/.seatrial/x"),
    )
    assert context.left_out == ("static/pipe",)
    (folder / ".dockerignore").write_text("*\n!static/site.css\n")
    assert tuple(read(folder).entries) == ("static", "static/site.css")


@pytest.mark.parametrize("kind", ["folder", "pipe", "loop", "endless"])
def test_an_ignore_file_that_is_none(folder: Path, kind: str) -> None:
    """A `.dockerignore` that is not a regular file is refused: without it, everything would be sent."""
    ignore = folder / ".dockerignore"
    match kind:
        case "folder":
            ignore.mkdir()
        case "pipe":
            os.mkfifo(ignore)
        case "loop":
            ignore.symlink_to(ignore)
        case _:
            ignore.symlink_to("/dev/zero")
    with pytest.raises(UsageError, match=re.escape(str(ignore))):
        read(folder)


def test_too_large(folder: Path) -> None:
    """A context above the limit is refused with its five largest files, before any file is read."""
    for number in range(1, 8):
        with (folder / f"movie{number}.mp4").open("wb") as file:
            file.truncate(number * 1_000_000_000)
    context = read(folder)
    context.check_size(context.size)
    with pytest.raises(UsageError, match="context_limit") as caught:
        context.check_size(context.size - 1)
    assert "28000.0 MB" in caught.value.reason
    assert ".dockerignore" in caught.value.hint
    assert [line.split()[-1] for line in caught.value.details] == [f"movie{number}.mp4" for number in (7, 6, 5, 4, 3)]


_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n"


@pytest.mark.parametrize(
    ("path", "content"),
    [
        *((".env", ""), ("config/.env.production", ""), ("keys/id_rsa", ""), ("id_ed25519", "")),
        *(("tls/server.key", _KEY), ("bundle.pem", f"-----BEGIN CERTIFICATE-----\nMII\n{_KEY}")),
        *((".npmrc", "//registry.npmjs.org/:_authToken=abc\n"), (".netrc", ""), ("store.p12", "")),
        *((".hg", ""), (".svn", ""), (".envrc", ""), ("infra/prod.tfstate", "{}"), (".dockercfg", "{}")),
        *(("config/master.key", "0a1b"), ("config/credentials/production.key", "0a1b"), (".cargo/credentials", "")),
        ("my-service-account.json", '{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----"}'),
        *((".yarnrc.yml", "npmAuthToken: abc\n"), ("pip.conf", "index-url = https://u:p@pypi.example/simple\n")),
        *((".aws/credentials", ""), ("home/.docker/config.json", "{}"), (".git/config", "[core]\n")),
    ],
)
def test_secret_files(folder: Path, path: str, content: str) -> None:
    """A secret is refused with its path, unless .dockerignore lists it or it is allowed."""
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(content)

    with pytest.raises(UsageError) as caught:
        read(folder).check_secrets(())

    path = ".git" if path.startswith(".git/") else path  # a repository's history is one thing
    assert caught.value.reason.startswith(f"{path} ")
    read(folder).check_secrets((path,))
    (folder / ".dockerignore").write_text(f"{path}\n")
    read(folder).check_secrets(())


def test_control_characters_are_not_shown(folder: Path) -> None:
    """A name that would clear the terminal is shown without what does so, also in what to type."""
    (folder / "evil\x1b[2J").mkdir()
    (folder / "evil\x1b[2J" / ".env").touch()
    with pytest.raises(UsageError) as caught:
        read(folder).check_secrets(())
    assert "evil/.env" in caught.value.reason
    assert "evil/.env" in caught.value.hint


def test_links_hold_no_secret(folder: Path) -> None:
    """A link is sent as a link and its target is not opened, not even a pipe."""
    os.mkfifo(folder / "pipe")
    (folder / "server.pem").symlink_to("pipe")
    (folder / ".env").symlink_to("/home/me/.env")
    read(folder).check_secrets(())


@pytest.mark.parametrize(
    ("path", "content"),
    [
        *((".env.example", "A=1"), ("ca.pem", "-----BEGIN CERTIFICATE-----\n"), ("translations.key", "hello")),
        *((".npmrc", "registry=https://registry.npmjs.org/\n"), ("id_rsa.pub", "ssh-rsa AAAA")),
        *(("environment.env.py", ""), ("config.json", "{}"), ("accounts.json", '["alice"]'), ("main.tf", "")),
        *((".yarnrc.yml", "nodeLinker: node-modules\n"), ("pip.conf", "index-url = https://pypi.example/simple\n")),
    ],
)
def test_harmless(folder: Path, path: str, content: str) -> None:
    """A file that only resembles a secret is sent."""
    (folder / path).write_text(content)
    read(folder).check_secrets(())


def test_a_file_that_disappears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that goes while the folder is read is wrong use, not something unexpected."""
    (tmp_path / "app.py").touch()
    real = os.scandir

    class Vanishing:
        """Entries whose files go before anybody looks at them."""

        def __init__(self, folder: str) -> None:
            self._entries = real(folder)

        def __enter__(self) -> list[os.DirEntry[str]]:
            entries = list(self._entries)
            (tmp_path / "app.py").unlink()
            return entries

        def __exit__(self, *_: object) -> None:
            self._entries.close()

    monkeypatch.setattr(os, "scandir", Vanishing)

    with pytest.raises(UsageError, match=r"app\.py"):
        Context.read(tmp_path, None)
