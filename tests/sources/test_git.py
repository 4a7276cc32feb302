"""Versions, commits and uncommitted changes of real git repositories."""

from __future__ import annotations

import os
import re
import shutil
from itertools import count
from pathlib import Path

import pytest

from seatrial.errors import UsageError
from seatrial.sources.git import commits_between, described_version, first_uncommitted, git_failure, last_revision
from tests.git import git


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return an app's folder with two committed files, inside a repository."""
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "app.py").write_text("app")
    (shop / " odd name\n").write_text("odd")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "one")
    return shop


def test_outside_of_git(tmp_path: Path) -> None:
    """Without a repository or a commit there is no revision, and the version is `dev`."""
    assert (last_revision(tmp_path), first_uncommitted(tmp_path, ["x"])) == (None, "")
    git(tmp_path, "init", "-q")
    (tmp_path / "x").write_text("x")
    assert (last_revision(tmp_path), first_uncommitted(tmp_path, ["x"])) == (None, "x")
    assert str(described_version(tmp_path)) == "dev"


def test_commits_between(shop: Path) -> None:
    """Only commits that touched the folder count, the newest first; what is not a hash is not given to git."""
    first = git(shop, "rev-parse", "HEAD")
    for name in ("two", "three"):
        (shop / name).write_text("x")
        git(shop, "add", "-A")
        git(shop, "commit", "-qm", f"Add {name}")
    (shop.parent / "elsewhere").write_text("x")
    git(shop.parent, "add", "-A")
    git(shop.parent, "commit", "-qm", "Add something else")
    last = git(shop, "rev-parse", "HEAD")

    found = commits_between(shop, first, f"{last}-dirty")

    assert [one.subject for one in found] == ["Add three", "Add two"]
    assert commits_between(shop, last, last) == ()
    assert commits_between(shop, f"--output={shop / 'made'}", last) == ()
    assert commits_between(shop, "0" * 40, last) == ()
    assert not (shop / "made").exists()


def test_the_last_commit_that_touched_the_folder(shop: Path) -> None:
    """A commit that touches only other folders does not count."""
    first = git(shop, "rev-parse", "HEAD")
    (shop.parent / "elsewhere").write_text("x")
    git(shop.parent, "add", "-A")
    git(shop.parent, "commit", "-qm", "two")

    revision = last_revision(shop)

    assert revision
    assert (revision.commit, revision.source) == (first, None)
    assert str(revision.time) == git(shop, "show", "-s", "--format=%ct", first)


@pytest.mark.parametrize(
    ("remote", "source"),
    [
        ("git@example.org:shop.git", "git@example.org:shop.git"),
        ("ssh://git@example.org/shop.git", "ssh://example.org/shop.git"),
        ("https://joe:S3nti@nel@example.org/shop.git", "https://example.org/shop.git"),
        ("https://joe:S3nti/nel@example.org/shop.git", None),
        *(("/srv/git/shop.git", None), ("file:///srv/git/shop.git", None)),
    ],
)
def test_where_it_comes_from(shop: Path, remote: str, source: str | None) -> None:
    """The remote's URL has no credentials."""
    git(shop, "remote", "add", "origin", remote)
    revision = last_revision(shop)
    assert revision
    assert revision.source == source


@pytest.mark.parametrize(("tag", "version"), [("v1.4.2", "1.4.2"), ("20240115", "20240115")])
def test_the_version_is_the_tag(shop: Path, tag: str, version: str) -> None:
    """A tag on the commit is the version, even if it is digits only; after it, commits are counted."""
    git(shop, "tag", tag)
    assert str(described_version(shop)) == version
    (shop / "app.py").write_text("changed")
    assert str(described_version(shop)) == f"{version}-dirty"
    git(shop, "commit", "-qam", "two")
    assert re.fullmatch(rf"{version}-1-g[0-9a-f]+", str(described_version(shop)))


@pytest.mark.parametrize(("tag", "hint"), [("web/v1.4.2", "web-v1.4.2"), ("1.0+build5", "1.0-build5")])
def test_a_tag_that_is_no_version(shop: Path, tag: str, hint: str) -> None:
    """The error says that the version comes from git, and which one is near."""
    git(shop, "tag", tag)
    with pytest.raises(UsageError, match="git describe says") as caught:
        described_version(shop)
    assert caught.value.hint == f"--version {hint}"


@pytest.mark.parametrize("digits_only", [True, False])
def test_a_hash_is_never_a_release(shop: Path, digits_only: bool) -> None:
    """Without a tag the commit's hash is the version; a hash of digits only gets a prefix."""
    number = count()
    while (abbreviated := git(shop, "rev-parse", "--short", "HEAD")).isdecimal() != digits_only:
        git(shop, "commit", "-q", "--amend", "-m", str(next(number)))

    version = f"g{abbreviated}" if digits_only else abbreviated
    assert str(described_version(shop)) == version
    assert described_version(shop).release is None
    (shop / "app.py").write_text("changed")
    assert str(described_version(shop)) == f"{version}-dirty"
    assert described_version(shop).release is None


def test_uncommitted(shop: Path) -> None:
    """Changed, new and deleted files count when they are among the paths; ignored ones do not."""
    paths = ["app.py", " odd name\n", "new.py", "made.js"]
    assert not first_uncommitted(shop, paths)
    for name in (" odd name\n", "app.py", "new.py"):
        (shop / name).write_text("changed")
        assert first_uncommitted(shop, paths)
        git(shop, "add", "-A")
        assert first_uncommitted(shop, paths)
        assert not first_uncommitted(shop, [])
        git(shop, "stash", "-q", "-u")
    (shop / ".gitignore").write_text("made.js\n.gitignore\n")
    (shop / "made.js").write_text("x")
    assert not first_uncommitted(shop, paths)
    (shop / "app.py").unlink()
    assert first_uncommitted(shop, ["made.js"])


def test_a_file_elsewhere(shop: Path) -> None:
    """A Dockerfile outside the folder counts, too, for uncommitted changes and for the last commit."""
    first = git(shop, "rev-parse", "HEAD")
    elsewhere = shop.parent / "Dockerfile"
    elsewhere.write_text("FROM x")
    assert first_uncommitted(shop, ["app.py", str(elsewhere)])
    assert not first_uncommitted(shop, ["app.py"])
    git(shop.parent, "add", "-A")
    git(shop.parent, "commit", "-qm", "two")
    found = [last_revision(shop), last_revision(shop, elsewhere), last_revision(shop, Path("/etc/passwd"))]
    assert [one and one.commit for one in found] == [first, git(shop, "rev-parse", "HEAD"), first]


def test_in_a_hook(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a hook, git's variables point to the hook's repository; the folder's own repository counts."""
    monkeypatch.setenv("GIT_DIR", ".git")
    (shop / "app.py").write_text("changed")
    assert first_uncommitted(shop, ["app.py"])
    assert last_revision(shop)


def test_a_repository_inside(shop: Path) -> None:
    """Files of a nested repository are uncommitted in the outer one."""
    (shop / "inner").mkdir()
    git(shop / "inner", "init", "-q")
    (shop / "inner" / "x").write_text("x")
    git(shop / "inner", "add", "-A")
    git(shop / "inner", "commit", "-qm", "one")
    assert first_uncommitted(shop, ["inner/x"])
    assert not first_uncommitted(shop, ["app.py"])


@pytest.mark.parametrize(
    ("trouble", "words", "hint"),
    [
        ("another owner", "dubious ownership", "git config --global --add safe.directory"),
        ("no git", "not installed", "install git"),
        ("a lost repository", "not a git repository", "status"),
    ],
)
def test_git_fails(shop: Path, monkeypatch: pytest.MonkeyPatch, trouble: str, words: str, hint: str) -> None:
    """Where there is a repository and git fails, no version is made up and everything counts as uncommitted."""
    monkeypatch.setenv("LC_ALL", "C")
    assert git_failure(shop) is None
    if trouble == "another owner":
        for path in (shop.parent, shop.parent / ".git"):
            os.chown(path, 1234, 1234)
    elif trouble == "no git":
        monkeypatch.setenv("PATH", str(shop))
    else:
        shutil.rmtree(shop.parent / ".git")
        (shop.parent / ".git").write_text("gitdir: /no/such/folder\n")

    with pytest.raises(UsageError, match=words) as raised:
        described_version(shop)

    assert hint in raised.value.hint
    assert str(git_failure(shop)) == str(raised.value)
    assert (last_revision(shop), first_uncommitted(shop, ["app.py"])) == (None, ".")
