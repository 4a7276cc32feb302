"""Bad settings are refused with file and line before any request to the engine."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from seatrial.model.app import App
from seatrial.model.check import Check
from seatrial.settings.reading import settings_of
from seatrial.settings.settings import Settings
from tests.cli_project import make_project
from tests.faults.test_input import invoke, refusal

APP = "seatrial:\n  apps:\n    web:\n"
KNOWN = {*settings_of(Settings), *settings_of(App), *settings_of(Check)}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The valid settings file of a tiny project."""
    folder = tmp_path / "project"
    folder.mkdir()
    make_project(folder, name="demo", base="python", port=5000)
    return folder / "invoke.yaml"


@pytest.mark.parametrize(
    ("text", "line", "name"),
    [
        ("seatrial:\n  user: [x\n", 3, ""),
        ("seatrial:\n\tuser: x\n", 2, ""),
        ("seatrial:\n  user: 'x\n", 3, ""),
        ("seatrial: *nobody\n", 1, "nobody"),
        ("seatrial: {}\n---\nseatrial: {}\n", 2, ""),
        ("seatrial:\n  user: a\n  user: b\n", 3, "'user'"),
        ("seatrial: {}\nseatrial: {}\n", 2, "'seatrial'"),
        (f"{APP}      port: 1\n      port: 2\n", 5, "'port'"),
        ("- seatrial\n", 1, ""),
        ("seatrial\n", 1, ""),
        ("seatrial: yes\n", 1, "seatrial:"),
        ("\nseatrial: [1]\n", 2, "seatrial:"),
    ],
)
@pytest.mark.parametrize("command", [("build", "--version", "1"), ("--list",)])
def test_damaged(file: Path, command: tuple[str, ...], text: str, line: int, name: str) -> None:
    """Invalid YAML, a repeated key and a file that is not a mapping fail with their line, even for --list."""
    file.write_text(text)
    place, _, problem = refusal(file.parent, *command).reason.partition(": ")
    assert place == f"{file}:{line}"
    assert name in problem


@pytest.mark.parametrize(
    ("text", "line", "key", "right"),
    [
        ("seatrial:\n  usr: bob\n", 2, "usr", ["user"]),
        ("seatrial:\n  project: demo\n  regsitry: ghcr.io\n", 3, "regsitry", ["registry"]),
        ("seatrial:\n  zzz: 1\n", 2, "zzz", ["project", "registry", "user", "local_registry_port", "browser", "apps"]),
        (f"{APP}      port: 80\n      dockerfle: D\n", 5, "apps.web.dockerfle", ["dockerfile"]),
        (f"{APP}      checks:\n        - {{path: /}}\n        - txt: hi\n", 6, "apps.web.checks.1.txt", ["text"]),
        (f"{APP}      checks:\n        - stauts: 200\n", 5, "apps.web.checks.0.stauts", ["status"]),
    ],
)
def test_unknown_key(file: Path, text: str, line: int, key: str, right: list[str]) -> None:
    """An unknown setting fails with its line, and the nearest known one is proposed, or all of them."""
    file.write_text(text)
    refused = refusal(file.parent, "build", "--version", "1")
    assert f"seatrial.{key}" in refused.message
    assert refused.reason.startswith(f"{file}:{line}: ")
    assert f"'{key.rpartition('.')[2]}'" in refused.reason
    assert [name for name in re.findall(r"[a-z_]+", refused.hint) if name in KNOWN] == right


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        (f"{APP}      port: many\n", 4, "apps.web.port"),
        (f"{APP}      port: 70000\n", 4, "apps.web.port"),
        (f"{APP}      checks: []\n", 4, "apps.web.checks"),
        (f"{APP}      checks: /\n", 4, "apps.web.checks"),
        (f"{APP}      checks:\n        - {{}}\n        - status: 99\n", 6, "apps.web.checks.1.status"),
        (f"{APP}      smoke_timeout: 0\n", 4, "apps.web.smoke_timeout"),
        (f"{APP}      build_args: [A=1]\n", 4, "apps.web.build_args"),
        ("seatrial:\n  apps: [web]\n", 2, "apps"),
        ("seatrial:\n  apps:\n    web: 3\n", 3, "apps.web"),
        ("seatrial:\n  local_registry_port: []\n", 2, "local_registry_port"),
    ],
)
def test_wrong_type(file: Path, text: str, line: int, key: str) -> None:
    """A value of the wrong type or out of range fails with its line."""
    file.write_text(text)
    refused = refusal(file.parent, "build", "--version", "1")
    assert f"seatrial.{key} " in refused.message
    assert refused.reason.startswith(f"{file}:{line}: ")
    assert f"{file}:{line}" in refused.hint


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("seatrial:\n  user: 1.10\n", 2),
        ("seatrial:\n  project: 007\n", 2),
        ("seatrial:\n  registry: no\n", 2),
        (f"{APP}      build_args: {{PYTHON: 3.10}}\n", 4),
        (f"{APP}      environment:\n        DEBUG: yes\n", 4),
        (f"{APP}      memory: 512\n", 4),
        (f"{APP}      checks:\n        - text: 1.10\n", 5),
    ],
)
def test_number_for_text(file: Path, text: str, line: int) -> None:
    """A YAML number or boolean is refused where text is expected: 1.10 would have become 1.1."""
    file.write_text(text)
    refused = refusal(file.parent, "build", "--version", "1")
    assert refused.reason.startswith(f"{file}:{line}: ")
    assert "`str" in refused.reason
    assert "quotes" in refused.hint


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("seatrial:\n  user: Alice\n", "'Alice'"),
        ("seatrial:\n  registry: https://x\n", "'https://x'"),
        ("seatrial:\n  project: My Project\n", "'My Project'"),
        (f"{APP}      repository: Me/App\n", "'Me/App'"),
        (f"{APP}      repository: me/app:1\n", "'me/app:1'"),
        (f"{APP}      base_images: ['py thon']\n", "'py thon'"),
        (f"{APP}      memory: much\n", "much"),
        ("seatrial:\n  apps:\n    Web: {}\n", "'Web'"),
        (f"{APP}      checks:\n        - path: healthz\n", ".yaml:5: `path` 'healthz'"),
    ],
)
def test_bad_name(file: Path, text: str, name: str) -> None:
    """Names in the settings follow the same rules as those on the command line."""
    file.write_text(text)
    refused = refusal(file.parent, "build", "--version", "1")
    assert name in f"{refused.message}: {refused.reason}"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("seatrial:\n  user: {}\n", 2),
        ("seatrial:\n  local_registry_port: {a: 1}\n", 2),
        ("seatrial:\n  1: x\n", 2),
        (f"{APP}      environment: {{on: x}}\n", 4),
        ("seatrial: !!set {a}\n", 1),
        ("seatrial:\n  user: !!foo x\n", 2),
        ("seatrial:\n  user: 2020-02-30\n", 0),
        (f"seatrial: {'[' * 1000}\n", 0),
    ],
)
def test_more_than_invoke_can_take(file: Path, text: str, line: int) -> None:
    """YAML that Invoke cannot merge into its settings is refused, too."""
    file.write_text(text)
    assert refusal(file.parent, "build", "--version", "1").reason.startswith(f"{file}:{line or ''}")


def test_directory(file: Path) -> None:
    """A folder in place of the file is refused."""
    file.unlink()
    file.mkdir()
    assert str(file) in refusal(file.parent, "build", "--version", "1").reason


def test_pipe(file: Path) -> None:
    """A pipe in place of the file is refused without waiting for it."""
    file.unlink()
    os.mkfifo(file)
    assert str(file) in refusal(file.parent, "build", "--version", "1").reason


def test_ten_megabytes(file: Path) -> None:
    """A file of ten megabytes is not read."""
    file.write_bytes(b"# much ado\n" * (10 * 1024 * 1024 // 11))
    assert "1,048,576" in refusal(file.parent, "build", "--version", "1").reason


def test_not_utf8(file: Path) -> None:
    """A file that is not UTF-8 is refused."""
    file.write_bytes("seatrial:\n  project: caf\u00e9\n".encode("latin-1"))
    reason = refusal(file.parent, "build", "--version", "1").reason
    assert str(file) in reason
    assert "utf-8" in reason.lower()


@pytest.mark.parametrize("words", [("-f", "missing.yaml", "build"), ("build", "-f", "missing.yaml")])
def test_named_file_is_missing(file: Path, words: tuple[str, ...]) -> None:
    """A settings file that -f names must exist."""
    assert "missing.yaml" in refusal(file.parent, *words).reason


def test_named_file_in_environment_is_missing(file: Path) -> None:
    """A settings file that the environment names must exist."""
    assert "missing.yaml" in refusal(file.parent, "build", INVOKE_RUNTIME_CONFIG="missing.yaml").reason


def test_named_file_is_read(file: Path) -> None:
    """A settings file that -f names overrides the project's own."""
    (file.parent / "other.yaml").write_text("seatrial:\n  user: Alice\n")
    assert "'Alice'" in refusal(file.parent, "-f", "other.yaml", "tag").reason


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"# only words\n",
        b"seatrial: {}\n",
        b"\xef\xbb\xbfseatrial:\n  project: demo\n",
        b"seatrial:\r\n  project: demo\r\n",
    ],
)
def test_valid(file: Path, content: bytes) -> None:
    """An empty file, a comment, a BOM and Windows line endings are valid."""
    file.write_bytes(content)
    assert invoke(file.parent, "--list").returncode == 0
    assert invoke(file.parent, "build", "--version", "1").returncode == 3, "only the engine is missing"


def test_no_file(file: Path) -> None:
    """A project needs no settings file."""
    file.unlink()
    assert invoke(file.parent, "--list").returncode == 0
    assert invoke(file.parent, "build", "--version", "1").returncode == 3, "only the engine is missing"
