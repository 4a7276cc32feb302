"""Wrong settings: refused with file and line before the engine is spoken to, whatever the file is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seatrial.settings.settings_file import SETTINGS_FILE
from tests.cli_project import make_project
from tests.faults.test_input import invoke, refusal

APP = "seatrial:\n  apps:\n    web:\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The settings file of a tiny project, right as it is."""
    folder = tmp_path / "project"
    folder.mkdir()
    make_project(folder, name="demo", base="python", port=5000)
    return folder / SETTINGS_FILE


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("seatrial:\n  user: [x\n", 3, "expected"),
        ("seatrial:\n\tuser: x\n", 2, "cannot start any token"),
        ("seatrial:\n  user: 'x\n", 3, "unexpected end of stream"),
        ("seatrial: *nobody\n", 1, "undefined alias"),
        ("seatrial: {}\n---\nseatrial: {}\n", 2, "another document"),
        ("seatrial:\n  user: a\n  user: b\n", 3, "'user' is already on line 2"),
        ("seatrial: {}\nseatrial: {}\n", 2, "'seatrial' is already on line 1"),
        (f"{APP}      port: 1\n      port: 2\n", 5, "'port' is already on line 4"),
        ("- seatrial\n", 1, "not a mapping"),
        ("seatrial\n", 1, "not a mapping"),
        ("seatrial: yes\n", 1, "'seatrial:' is not a mapping"),
        ("\nseatrial: [1]\n", 2, "'seatrial:' is not a mapping"),
    ],
)
@pytest.mark.parametrize("command", [("build", "--version", "1"), ("--list",)])
def test_damaged(file: Path, command: tuple[str, ...], text: str, line: int, words: str) -> None:
    """What is no YAML, says a thing twice or is no mapping is told with its line, even before a list of tasks."""
    file.write_text(text)
    output = refusal(file.parent, *command)
    assert f"why:  {file}:{line}: " in output
    assert words in output


@pytest.mark.parametrize(
    ("text", "line", "key", "move"),
    [
        ("seatrial:\n  usr: bob\n", 2, "usr", "write 'user'"),
        ("seatrial:\n  project: demo\n  regsitry: ghcr.io\n", 3, "regsitry", "write 'registry'"),
        ("seatrial:\n  zzz: 1\n", 2, "zzz", "use one of: project, registry, user, local_registry_port, browser, apps"),
        (f"{APP}      port: 80\n      dockerfle: D\n", 5, "apps.web.dockerfle", "write 'dockerfile'"),
        (f"{APP}      checks:\n        - {{path: /}}\n        - txt: hi\n", 6, "apps.web.checks.1.txt", "write 'text'"),
        (f"{APP}      checks:\n        - stauts: 200\n", 5, "apps.web.checks.0.stauts", "write 'status'"),
    ],
)
def test_unknown_key(file: Path, text: str, line: int, key: str, move: str) -> None:
    """A misspelt key is told with its line, and the nearest one there is."""
    file.write_text(text)
    output = refusal(file.parent, "build", "--version", "1")
    assert f"seatrial.{key} " in output
    assert f"why:  {file}:{line}: there is no setting '{key.rpartition('.')[2]}'" in output
    assert output.endswith(f"next: {move}\n")


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
    """A value of the wrong kind or out of its range is told with its line."""
    file.write_text(text)
    output = refusal(file.parent, "build", "--version", "1")
    assert f"seatrial.{key} " in output
    assert f"why:  {file}:{line}: expected " in output
    assert output.endswith(f"next: fix {file}:{line}\n")


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
    """What YAML takes for a number or a truth is not taken for text: 1.10 would have become 1.1."""
    file.write_text(text)
    output = refusal(file.parent, "build", "--version", "1")
    assert f"why:  {file}:{line}: expected `str" in output
    assert output.endswith("next: write it in quotes\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seatrial:\n  user: Alice\n", "'Alice' is not a valid user name"),
        ("seatrial:\n  registry: https://x\n", "'https://x' is not a valid registry"),
        ("seatrial:\n  project: My Project\n", "'My Project' is not a valid project name"),
        (f"{APP}      repository: Me/App\n", "'Me/App' is not a valid image name"),
        (f"{APP}      repository: me/app:1\n", "'me/app:1' is not a valid image name"),
        (f"{APP}      base_images: ['py thon']\n", "'py thon' is not a valid image name"),
        (f"{APP}      memory: much\n", "the setting memory: 'much' is not a valid size"),
        ("seatrial:\n  apps:\n    Web: {}\n", "'Web' is not a valid app name"),
        (f"{APP}      checks:\n        - path: healthz\n", ".yaml:5: `path` 'healthz' is not a valid path"),
    ],
)
def test_bad_name(file: Path, text: str, words: str) -> None:
    """Names in the settings obey the rules of those on the command line."""
    file.write_text(text)
    assert words in refusal(file.parent, "build", "--version", "1")


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
    """What is YAML, and stops Invoke as it merges settings, is told, too."""
    file.write_text(text)
    assert f"why:  {file}:{line or ''}" in refusal(file.parent, "build", "--version", "1")


def test_directory(file: Path) -> None:
    """A folder in the file's place is told."""
    file.unlink()
    file.mkdir()
    assert f"{file}: it is not a regular file" in refusal(file.parent, "build", "--version", "1")


def test_pipe(file: Path) -> None:
    """A pipe in the file's place is told; nobody waits for what never comes."""
    file.unlink()
    os.mkfifo(file)
    assert f"{file}: it is not a regular file" in refusal(file.parent, "build", "--version", "1")


def test_ten_megabytes(file: Path) -> None:
    """A file that no person wrote is not read."""
    file.write_bytes(b"# much ado\n" * (10 * 1024 * 1024 // 11))
    assert "settings have at most 1,048,576" in refusal(file.parent, "build", "--version", "1")


def test_not_utf8(file: Path) -> None:
    """Text in another encoding is told."""
    file.write_bytes("seatrial:\n  project: caf\u00e9\n".encode("latin-1"))
    assert f"{file}: 'utf-8' codec" in refusal(file.parent, "build", "--version", "1")


@pytest.mark.parametrize("words", [("-f", "missing.yaml", "build"), ("build", "-f", "missing.yaml")])
def test_named_file_is_missing(file: Path, words: tuple[str, ...]) -> None:
    """A settings file that -f names must be there."""
    assert "missing.yaml: there is no such file" in refusal(file.parent, *words)


def test_named_file_in_environment_is_missing(file: Path) -> None:
    """A settings file that the environment names must be there."""
    output = refusal(file.parent, "build", INVOKE_RUNTIME_CONFIG="missing.yaml")
    assert "missing.yaml: there is no such file" in output


def test_named_file_is_read(file: Path) -> None:
    """A settings file that -f names stands above the project's own."""
    (file.parent / "other.yaml").write_text("seatrial:\n  user: Alice\n")
    assert "'Alice' is not a valid user name" in refusal(file.parent, "-f", "other.yaml", "tag")


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
def test_all_right(file: Path, content: bytes) -> None:
    """An empty file, a comment, a BOM and Windows' line ends are all right."""
    file.write_bytes(content)
    assert invoke(file.parent, "--list").returncode == 0
    assert invoke(file.parent, "build", "--version", "1").returncode == 3, "the engine is what is missing"


def test_no_file(file: Path) -> None:
    """A project needs no settings file."""
    file.unlink()
    assert invoke(file.parent, "--list").returncode == 0
    assert invoke(file.parent, "build", "--version", "1").returncode == 3, "the engine is what is missing"
