"""What is sent to a builder, and what must not be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seatrial.errors import UsageError
from seatrial.sources.context import Context


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an app, notes, and links."""
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
    """Files, folders and links are sent in order, links not followed; our own notes stay here."""
    assert tuple(Context.read(folder, folder / "Dockerfile", state_folder=folder / ".seatrial").entries) == (
        *("Dockerfile", "app.py", "loop", "nowhere", "static", "static/site.css"),
        *("sub", "sub/.seatrial", "sub/.seatrial/x"),
    )


def test_allow_list(folder: Path) -> None:
    """An allow-list lets only its files through, with the folders they are in."""
    (folder / ".dockerignore").write_text("*\n!static/site.css\n")
    assert tuple(read(folder).entries) == ("static", "static/site.css")


def test_malformed_pattern(folder: Path) -> None:
    """A pattern Docker refuses is refused with its file and line."""
    (folder / ".dockerignore").write_text("a\n[\n")
    with pytest.raises(UsageError, match="cannot be told") as caught:
        read(folder)
    assert f"{folder}/.dockerignore:2" in caught.value.reason


def test_no_folder(folder: Path) -> None:
    """A context that is a file, or nothing, is told as such."""
    for name, reason in (("app.py", "a file"), ("gone", "no folder")):
        with pytest.raises(UsageError, match=f"no app folder {folder / name}") as caught:
            Context.read(folder / name, folder / "Dockerfile")
        assert reason in caught.value.reason


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_closed_folder(folder: Path) -> None:
    """A folder that cannot be read is named, with what to do."""
    (folder / "static").chmod(0)
    try:
        with pytest.raises(UsageError, match="static cannot be read") as caught:
            read(folder)
    finally:
        (folder / "static").chmod(0o755)
    assert ".dockerignore" in caught.value.hint


def test_too_large(folder: Path) -> None:
    """More bytes than the limit are refused with the five largest files, before anything is read."""
    for number in range(1, 8):
        with (folder / f"movie{number}.mp4").open("wb") as file:
            file.truncate(number * 1_000_000_000)
    context = read(folder)
    context.check_size(context.size)
    with pytest.raises(UsageError, match="too large") as caught:
        context.check_size(context.size - 1)
    assert "28000.0 MB" in caught.value.reason
    assert ".dockerignore" in caught.value.hint
    assert [line.split()[-1] for line in caught.value.details] == [f"movie{number}.mp4" for number in (7, 6, 5, 4, 3)]


_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n"


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (".env", ""),
        ("config/.env.production", ""),
        ("keys/id_rsa", ""),
        ("id_ed25519", ""),
        ("tls/server.key", _KEY),
        ("bundle.pem", f"-----BEGIN CERTIFICATE-----\nMII\n{_KEY}"),
        (".npmrc", "//registry.npmjs.org/:_authToken=abc\n"),
        (".netrc", ""),
        ("store.p12", ""),
        (".aws/credentials", ""),
        ("home/.docker/config.json", "{}"),
    ],
)
def test_planted(folder: Path, path: str, content: str) -> None:
    """A secret is refused by its path, unless .dockerignore names it or it is allowed."""
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(content)

    with pytest.raises(UsageError, match="should not be in an image") as caught:
        read(folder).check_secrets(())

    assert caught.value.reason.startswith(f"{path} would be sent")
    read(folder).check_secrets((path,))
    (folder / ".dockerignore").write_text(f"{path}\n")
    read(folder).check_secrets(())


def test_planted_repository(folder: Path) -> None:
    """A repository's history is refused as one folder, and allowed as one."""
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("[core]\n")
    with pytest.raises(UsageError) as caught:
        read(folder).check_secrets(())
    assert caught.value.reason.startswith(".git would be sent")
    read(folder).check_secrets((".git/",))


def test_links_hold_no_secret(folder: Path) -> None:
    """A link is sent as a link: what it leads to is not opened, be it a pipe that would hold us for ever."""
    os.mkfifo(folder / "pipe")
    (folder / "server.pem").symlink_to("pipe")
    (folder / ".env").symlink_to("/home/me/.env")
    read(folder).check_secrets(())


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (".env.example", "A=1"),
        ("ca.pem", "-----BEGIN CERTIFICATE-----\n"),
        ("translations.key", "hello"),
        (".npmrc", "registry=https://registry.npmjs.org/\n"),
        ("id_rsa.pub", "ssh-rsa AAAA"),
        ("environment.env.py", ""),
        ("config.json", "{}"),
    ],
)
def test_harmless(folder: Path, path: str, content: str) -> None:
    """What only looks a little like a secret is sent."""
    (folder / path).write_text(content)
    read(folder).check_secrets(())
