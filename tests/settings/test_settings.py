"""Settings are validated once; an error names file, line and the nearest valid word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seatrial.errors import UsageError
from seatrial.model.app import App, BuildOptions, Check, checks_digest
from seatrial.model.reference import DOCKER_HUB, ImageReference
from seatrial.settings.settings import Settings, environment
from tests.settings.loading import load


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a project folder whose name is not a valid project name."""
    folder = tmp_path / "My Shop!"
    folder.mkdir()
    return folder


def wrong(root: Path, text: str) -> UsageError:
    """Return the error that these settings end with."""
    with pytest.raises(UsageError) as caught:
        load(root, text)
    return caught.value


def test_defaults(root: Path) -> None:
    """A project without settings is one app in its own folder, named after it, with one check."""
    settings = Settings.load({}, root)
    assert (settings.project, settings.registry, settings.user) == ("my-shop", DOCKER_HUB, None)
    assert settings.local_registry_port == 5050
    assert settings.app() == App(
        project="my-shop",
        name="my-shop",
        context=root,
        dockerfile=root / "Dockerfile",
        repository=ImageReference(repository="library/my-shop"),
        port=5000,
        host_port=5000,
        checks=(Check(),),
        base_images=(),
        environment={},
        memory=512 * 1024**2,
        smoke_timeout=30.0,
    )


def test_every_key(root: Path) -> None:
    """Every setting sets its field."""
    text = """
seatrial:
  project: shop
  registry: ghcr.io
  user: alice
  local_registry_port: 5051
  apps:
    web:
      context: app
      dockerfile: docker/Web.Dockerfile
      repository: univesp/web
      port: 8000
      host_port: 8080
      checks: [{path: /healthz, status: 201, text: hello, json: {version: "{version}"}}]
      base_images: [python:3.13-slim]
      build_args: {A: "1"}
      build_contexts: {assets: assets, base: "docker-image://alpine"}
      build_secrets: {conf: src=pip.conf, token: env=TOKEN}
      target: final
      platforms: [linux/arm64]
      provenance: true
      sbom: true
      cache: false
      pull: true
      context_limit: 1m
      allow_in_context: [.env]
      environment: {B: "2"}
      memory: 1g
      smoke_timeout: 2.5
      build_timeout: 60
"""
    settings = load(root, text)
    assert (settings.project, settings.registry, settings.user) == ("shop", "ghcr.io", "alice")
    assert settings.local_registry_port == 5051
    assert settings.app("web") == App(
        project="shop",
        name="web",
        context=root / "app",
        dockerfile=root / "docker" / "Web.Dockerfile",
        repository=ImageReference(repository="univesp/web"),
        port=8000,
        host_port=8080,
        checks=(Check(path="/healthz", status=201, text="hello", json={"version": "{version}"}),),
        base_images=(ImageReference(repository="library/python", tag="3.13-slim"),),
        environment={"B": "2"},
        memory=1024**3,
        smoke_timeout=2.5,
        build=BuildOptions(
            arguments={"A": "1"},
            target="final",
            platforms=("linux/arm64",),
            contexts={"assets": str(root / "assets"), "base": "docker-image://alpine"},
            secrets={"conf": f"src={root / 'pip.conf'}", "token": "env=TOKEN"},
            provenance=True,
            sbom=True,
            cache=False,
            pull=True,
            timeout=60.0,
            context_limit=1024**2,
            allowed=(".env",),
        ),
    )
    assert settings.app().labels == {"seatrial.project": "shop", "seatrial.app": "web"}
    assert settings.app().container_name == "shop-web"


@pytest.mark.parametrize(
    ("text", "where", "line", "hint"),
    [
        ("seatrial:\n  projekt: x\n", "seatrial.projekt", 2, "write 'project'"),
        ("# hello\nseatrial:\n  regsitry: x\n", "seatrial.regsitry", 3, "write 'registry'"),
        ("seatrial:\n  apps:\n    web:\n      prot: 1\n", "seatrial.apps.web.prot", 4, "write 'port'"),
        (
            "seatrial:\n  apps:\n    web:\n      checks:\n        - path: /\n        - {staus: 200}\n",
            "seatrial.apps.web.checks.1.staus",
            6,
            "write 'status'",
        ),
        ("seatrial:\n  zzzzzz: 1\n", "seatrial.zzzzzz", 2, "local_registry_port"),
    ],
)
def test_unknown_key(root: Path, text: str, where: str, line: int, hint: str) -> None:
    """A misspelt setting is refused with file, line and the nearest known one."""
    error = wrong(root, text)
    assert error.exit_code == 2
    assert where in error.message
    assert error.reason.startswith(f"{root / 'invoke.yaml'}:{line}: ")
    assert hint in error.hint


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        ("project: [a]", 2),
        ("local_registry_port: http", 2),
        ("local_registry_port: 0", 2),
        ("local_registry_port: 65536", 2),
        ("apps: [web]", 2),
        ("apps: {web: hello}", 2),
        ("apps:\n    web:\n      port: 70000", 4),
        ("apps:\n    web:\n      context: {}", 4),
        ("apps:\n    web:\n      checks: []", 4),
        ("apps:\n    web:\n      checks: [{path: nope}]", 4),
        ("apps:\n    web:\n      checks: [{status: 99}]", 4),
        ("apps:\n    web:\n      smoke_timeout: 0", 4),
        ("apps:\n    web:\n      build_timeout: .inf", 4),
        ("apps:\n    web:\n      environment: {A: [1]}", 4),
        ("apps:\n    web:\n      base_images: {a: b}", 4),
    ],
)
def test_wrong_type(root: Path, lines: str, line: int) -> None:
    """A setting of the wrong type or out of range is refused with file and line."""
    error = wrong(root, f"seatrial:\n  {lines}\n")
    assert f"{root / 'invoke.yaml'}:{line}: " in error.reason


@pytest.mark.parametrize(
    "lines",
    [
        "project: Shop",
        "project: " + "x" * 64,
        "registry: https://ghcr.io",
        "user: Captain",
        "apps: {Web: {}}",
        "apps: {web: {memory: lots}}",
        "apps: {web: {memory: 1k}}",
        "apps: {web: {tmpfs: [data]}}",
        "apps: {web: {tmpfs: [/]}}",
        "apps: {web: {tmpfs: [/data/../etc]}}",
        "apps: {web: {repository: 'u/web:1'}}",
        "apps: {web: {repository: u/Web}}",
        "apps: {web: {base_images: [Python]}}",
    ],
)
def test_wrong_words(root: Path, lines: str) -> None:
    """A name, size or reference that is not valid ends with exit code 2 and a hint."""
    error = wrong(root, f"seatrial:\n  {lines}\n")
    assert error.exit_code == 2
    assert error.hint


def test_proposed_name_is_good(root: Path) -> None:
    """The name in the hint is valid."""
    error = wrong(root, "seatrial: {project: 'My Shop!'}")
    assert error.hint == "project: my-shop"
    assert load(root, "seatrial: {project: my-shop}").project == "my-shop"


def test_numbers_as_text(root: Path) -> None:
    """A number may be text, as in environment variables."""
    assert load(root, "seatrial: {local_registry_port: '5051'}").local_registry_port == 5051


@pytest.mark.parametrize("value", ["0755", "3.10", "true"])
def test_text_as_numbers(root: Path, value: str) -> None:
    """A text that YAML reads as a number or truth value is refused: 0755 would become 493."""
    error = wrong(root, f"seatrial: {{apps: {{web: {{environment: {{A: {value}}}}}}}}}")
    assert "environment" in error.message
    assert error.hint == "write it in quotes"


def test_empty_app(root: Path) -> None:
    """An app without settings has all defaults and its own name."""
    app = load(root, "seatrial:\n  apps:\n    web:\n").app("web")
    assert (app.repository.name, app.context) == ("web", root)


def test_several_apps(root: Path) -> None:
    """With several apps one must be named; a wrong name is refused with the nearest one."""
    settings = load(root, "seatrial: {apps: {web: {}, worker: {}}}")
    assert settings.app("worker").name == "worker"
    with pytest.raises(UsageError, match="web, worker") as caught:
        settings.app()
    assert caught.value.hint == "--app web"
    with pytest.raises(UsageError, match="wroker") as caught:
        settings.app("wroker")
    assert caught.value.hint == "--app worker"


def test_one_app_needs_no_name(root: Path) -> None:
    """The only app can be selected with and without its name."""
    settings = load(root, "seatrial: {apps: {web: {}}}")
    assert settings.app() is settings.app("web")


@pytest.mark.parametrize(
    ("text", "size"), [("6m", 6 * 1024**2), ("1G", 1024**3), ("8388608", 8388608), ("9000k", 9216000)]
)
def test_memory(root: Path, text: str, size: int) -> None:
    """Memory is written as for `docker run --memory`."""
    assert load(root, f"seatrial: {{apps: {{web: {{memory: '{text}'}}}}}}").app().memory == size


def test_environment_variables_know_their_names() -> None:
    """Every setting that INVOKE_SEATRIAL_* can set has a default, since Invoke reads no others; all are valid."""
    defaults: dict[str, Any] = Settings.defaults()
    assert {"project", "registry", "user", "local_registry_port", "browser"} == set(defaults)
    assert Settings.load(defaults, Path("/somewhere")) == Settings.load({}, Path("/somewhere"))


def test_dockers_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Docker's configuration is in DOCKER_CONFIG, otherwise in the home folder."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert environment().docker_config == tmp_path
    monkeypatch.setenv("DOCKER_CONFIG", "")
    monkeypatch.setenv("HOME", "/home/alice")
    assert environment().docker_config == Path("/home/alice/.docker")


def test_checks_digest() -> None:
    """Different checks have different digests, equal checks the same one."""
    first, second = (Check(path="/"),), (Check(path="/", text="x"),)
    assert checks_digest(first) == checks_digest((Check(),))
    assert checks_digest(first) != checks_digest(second)
    assert str(second[0]) == "GET /"


def test_folders_to_write_to(root: Path) -> None:
    """The setting tmpfs lists absolute folders."""
    assert load(root, "seatrial: {apps: {web: {tmpfs: [/data, /var/cache/x/]}}}").app().tmpfs == (
        "/data",
        "/var/cache/x",
    )
