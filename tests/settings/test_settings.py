"""Settings are read once, checked, and turned into apps."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from seatrial.errors import UsageError
from seatrial.model.app import App, BuildOptions, Check
from seatrial.model.facts_policy import FactsPolicy
from seatrial.model.reference import DOCKER_HUB, ImageReference
from seatrial.settings.reading import settings_of
from seatrial.settings.settings import Settings
from seatrial.settings.variables import environment
from seatrial.tasks import ns
from tests.settings.loading import load, refused

APP = "seatrial: {apps: {web: {%s}}}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a project folder whose name is not a valid project name."""
    folder = tmp_path / "My Shop!"
    folder.mkdir()
    return folder


def test_defaults(root: Path) -> None:
    """A project without settings is one app in its own folder, named after it, with one check."""
    settings = Settings.load({}, root)
    assert (settings.project, settings.registry, settings.user) == ("my-shop", DOCKER_HUB, None)
    assert settings.app() == App(
        project="my-shop",
        name="my-shop",
        root=root.resolve(),
        context=root,
        dockerfile=root / "Dockerfile",
        repository=ImageReference(repository="library/my-shop"),
        host_port=5000,
        unset=frozenset({"port", "host_port"}),
        memory=512 * 1024**2,
    )


def test_every_key(root: Path) -> None:
    """Every setting sets its field."""
    text = """
seatrial:
  project: shop
  registry: ghcr.io
  user: alice
  local_registry_port: '5051'
  apps:
    web:
      context: app
      dockerfile: docker/Web.Dockerfile
      repository: univesp/web
      port: 8000
      host_port: 8080
      checks:
        - method: POST
          path: /orders?dry=1
          headers: {Authorization: Bearer x, X-Version: "{version}"}
          body: {item: rope, "on": [1, 2.5, null, true]}
          status: 201
          text: [thanks, "{version}"]
          not_text: Traceback
          matches: '^\\d+ items$'
          json: {order: {id: 1}}
          response_headers: {Content-Type: json}
          within: 0.5
        - {redirect: "https://shop.example/", status: 308}
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
      tmpfs: [/data, /var/cache/x/]
      smoke_timeout: 2.5
      build_timeout: 60
      image_facts: fail
      image_facts_allowed: [setuid, labels]
      image_budget: 1.5 GB
"""
    settings = load(root, text)
    assert (settings.project, settings.registry, settings.user) == ("shop", "ghcr.io", "alice")
    assert settings.local_registry_port == 5051
    assert settings.app("web") == App(
        project="shop",
        name="web",
        root=root.resolve(),
        context=root / "app",
        dockerfile=root / "docker" / "Web.Dockerfile",
        repository=ImageReference(repository="univesp/web"),
        port=8000,
        host_port=8080,
        checks=(
            Check(
                method="POST",
                path="/orders?dry=1",
                headers={"Authorization": "Bearer x", "X-Version": "{version}"},
                body={"item": "rope", "on": [1, 2.5, None, True]},
                status=201,
                text=("thanks", "{version}"),
                not_text="Traceback",
                matches=r"^\d+ items$",
                json={"order": {"id": 1}},
                response_headers={"Content-Type": "json"},
                within=0.5,
            ),
            Check(redirect="https://shop.example/", status=308),
        ),
        base_images=(ImageReference(repository="library/python", tag="3.13-slim"),),
        environment={"B": "2"},
        memory=1024**3,
        tmpfs=("/data", "/var/cache/x"),
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
        facts=FactsPolicy(mode="fail", allowed=("setuid", "labels"), budget=3 * 512 * 1024**2),
    )
    assert settings.app() is settings.app("web"), "the only app needs no name"
    assert settings.app().labels == {"seatrial.project": "shop", "seatrial.app": "web"}
    assert settings.app().container_name == "shop-web"


@pytest.mark.parametrize(("text", "mode"), [("", "warn"), ("off", "off"), ("'off'", "off"), ("on", "warn")])
def test_a_setting_without_a_value(root: Path, text: str, mode: str) -> None:
    """A setting without a value has its default; the word `off`, which YAML reads as false, is a value."""
    app = load(root, APP % f"port: , checks: , image_facts: {text}").app("web")
    assert (app.repository.name, app.context, app.port, app.checks) == ("web", root, 5000, (Check(),))
    assert app.facts.mode == mode
    assert load(root, "seatrial:\n  user:\n  apps:\n    web:\n").app("web").repository.name == "web"


def test_several_apps(root: Path) -> None:
    """With several apps one must be named; a wrong name is refused with the nearest one."""
    settings = load(root, "seatrial: {apps: {web: {}, worker: {}}}")
    assert settings.app("worker").name == settings.app(["worker", "worker"]).name == "worker"
    assert [app.name for app in settings.chosen(["worker", "web"])] == ["web", "worker"]
    for name, message, reason, hint in (
        (None, "no app selected", "this project has web, worker", "--app web"),
        (["web", "worker"], "this is about one app", "--app named web, worker", "--app web"),
        ("wroker", "there is no app 'wroker'", "the apps in invoke.yaml are web, worker", "--app worker"),
    ):
        with pytest.raises(UsageError) as caught:
            settings.app(name)
        assert (caught.value.message, caught.value.reason, caught.value.hint) == (message, reason, hint)


def test_apps_that_need_each_other(root: Path) -> None:
    """An app comes after those that it needs; an app that does not exist and a circle are refused."""
    settings = load(root, "seatrial: {apps: {web: {needs: [api]}, api: {needs: [base]}, base: {repository: me/base}}}")
    assert [app.name for app in settings.chosen()] == ["base", "api", "web"]
    assert {name: one.name for name, one in settings.apps["api"].needed.items()} == {"base": "me/base"}
    error = refused(root, "seatrial:\n  apps:\n    web:\n      needs: [bse]\n    base:\n")
    assert (error.place.line if error.place else 0, error.hint) == (4, "write 'base'")
    error = refused(root, "seatrial:\n  apps:\n    b: {needs: [a]}\n    a:\n      needs: [c]\n    c: {needs: [b]}\n")
    circle = error.reason.split(": ")[-1].split(" needs ")
    assert circle[0] == circle[-1]
    needs = {"a": "c", "b": "a", "c": "b"}
    assert all(needs[one] == other for one, other in itertools.pairwise(circle))


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        *(("my...app", "my-app"), ("site_-_v2", "site-v2"), ("a___b", "a-b"), ("a__b--c.d", "a__b--c.d")),
        *(("日本", "app"), ("x" * 62 + "-y", "x" * 62)),
    ],
)
def test_names_of_folders(tmp_path: Path, folder: str, name: str) -> None:
    """The folder's name becomes a name that project, app and image can have."""
    (tmp_path / folder).mkdir()
    app = Settings.load({}, tmp_path / folder).app()
    assert (app.project, app.name, app.repository.name) == (name, name, name)


def test_names_that_are_no_images(root: Path) -> None:
    """An app's name need not be an image's; its image has the nearest one."""
    assert load(root, "seatrial: {apps: {a___b: {}}}").app("a___b").repository.name == "a-b"
    error = refused(root, "seatrial: {project: 'My Shop!'}")
    assert load(root, f"seatrial: {{{error.hint}}}").project == "my-shop"


def test_environment_variables_know_their_names() -> None:
    """The tasks name every setting that INVOKE_SEATRIAL_* can set, since Invoke reads no others; none has a value."""
    named = ns.configuration()["seatrial"]
    assert named.keys() | {"apps", "hooks"} == set(settings_of(Settings))
    assert Settings.load(named, Path("/somewhere")) == Settings.load({}, Path("/somewhere"))


def test_dockers_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Docker's configuration is in DOCKER_CONFIG, otherwise in the home folder."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert environment().docker_config == tmp_path
    monkeypatch.setenv("DOCKER_CONFIG", "")
    monkeypatch.setenv("HOME", "/home/alice")
    assert environment().docker_config == Path("/home/alice/.docker")


def test_an_import_reads_nothing(tmp_path: Path) -> None:
    """The tasks can be imported beside a settings file that is damaged."""
    (tmp_path / "invoke.yaml").write_text("seatrial: [")
    subprocess.run([sys.executable, "-c", "import seatrial.tasks"], cwd=tmp_path, check=True)
