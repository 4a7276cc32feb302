"""Deployments on a real swarm, with the real commands; the world is read with the SDK and plain HTTP."""

from __future__ import annotations

import signal
import time
from contextlib import suppress

import docker
import pytest
import requests

from tests.cli_project import Done, Project, failed
from tests.conftest import TestRegistry, wait_until

pytestmark = pytest.mark.swarm

DEPLOY = "deploy: {mode: host, monitor: 1"

COMPOSE = """\
services:
  page:
    build: .
    ports: ["{port}:8000"]
    healthcheck:
      test: python3 -c 'import urllib.request as u; u.urlopen("http://127.0.0.1:8000/")'
      interval: 1s
    secrets: [key]
    configs: [{{source: page, target: /etc/page.conf}}]
    networks: [back]
secrets: {{key: {{external: true, name: {name}-key}}}}
configs: {{page: {{external: true, name: {name}-conf}}}}
networks: {{back: {{external: true, name: {name}-net}}}}
"""


def service_image(client: docker.DockerClient, project: Project) -> str:
    """Return the image that the project's service runs."""
    (service,) = client.services.list(filters={"name": f"{project.name}-web"})
    return str(service.attrs["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"])


def answer(project: Project) -> str:
    """Return what the app answers on its port; empty if nothing does."""
    with suppress(requests.RequestException):
        return requests.get(f"http://127.0.0.1:{project.port}/", timeout=5).text
    return ""


def released(project: Project, registry: TestRegistry, version: str, *flags: str) -> None:
    """Release a version as the user demo."""
    done = project.invoke("release", *_where(registry), "--version", version, *flags)
    assert done.code == 0, done.all


def deployed(project: Project, registry: TestRegistry, version: str, *flags: str) -> Done:
    """Deploy a version, and return how the command ended."""
    return project.invoke("deploy", *_where(registry), "--version", version, "--json", *flags)


def _where(registry: TestRegistry) -> tuple[str, ...]:
    return ("--user", "demo", "--registry", registry.host)


def test_from_version_to_version(shop: Project, client: docker.DockerClient, open_registry: TestRegistry) -> None:
    """A version serves; a second run changes nothing; a crash and a wrong answer are taken back, with their causes."""
    repository = f"page-{shop.name}"
    shop.write(settings=f"{DEPLOY}}}")
    released(shop, open_registry, "1")

    assert deployed(shop, open_registry, "1").statuses == {"deploy": "changed"}
    digest = open_registry.digest(f"demo/{repository}", "1")
    assert service_image(client, shop) == f"{open_registry.host}/demo/{repository}:1@{digest}"
    assert answer(shop) == "hello 1"
    assert deployed(shop, open_registry, "1").statuses == {"deploy": "ok"}

    shop.write(settings=f"{DEPLOY}}}", at_start="import missing_library")
    released(shop, open_registry, "2", "--untested")
    failed(deployed(shop, open_registry, "2"), "missing_library", cause="missing-module")
    assert service_image(client, shop).endswith(f"@{digest}")
    assert answer(shop) == "hello 1"

    shop.write(settings=f"{DEPLOY}}}", page="good bye")
    released(shop, open_registry, "3", "--untested")
    failed(deployed(shop, open_registry, "3"), "good bye", cause="wrong-answer")
    assert answer(shop) == "hello 1"

    assert shop.invoke("undeploy").code == 0
    assert answer(shop) == ""


def test_a_signal(shop: Project, client: docker.DockerClient, open_registry: TestRegistry) -> None:
    """Ctrl-C ends the waiting, not the rollout; the next run waits for its end, and `deploy --rollback` goes back."""
    shop.write(settings=f"{DEPLOY.replace('1', '4')}}}")
    for version in ("1", "2"):
        released(shop, open_registry, version, "--untested")
    assert deployed(shop, open_registry, "1").code == 0
    first = service_image(client, shop)
    process = shop.start("deploy", *_where(open_registry), "--version", "2", "--json")
    wait_until(lambda: service_image(client, shop) != first, seconds=30, pause=0.05)
    time.sleep(0.2)

    done = shop.interrupt(process, signal.SIGINT)

    assert (done.code, f"docker service ps {shop.name}-web" in done.error["reason"]) == (130, True)
    assert deployed(shop, open_registry, "2").statuses == {"deploy": "changed"}
    assert answer(shop) == "hello 2"
    assert shop.invoke("deploy", "--rollback").code == 0
    assert (service_image(client, shop), answer(shop)) == (first, "hello 1")


def test_what_a_service_has(shop: Project, client: docker.DockerClient, guarded_registry: TestRegistry) -> None:
    """What a compose file says of secrets, configs, networks and health is real; a login travels to what pulls."""
    secret = client.secrets.create(name=f"{shop.name}-key", data=b"S3ntinel")
    config = client.configs.create(name=f"{shop.name}-conf", data=b"config")
    network = client.networks.create(f"{shop.name}-net", driver="overlay")
    read = "print(open('/run/secrets/key').read() + open('/etc/page.conf').read(), flush=True)"
    shop.write(page="hello", at_start=read, settings=f"{DEPLOY}, compose: compose.yaml, compose_service: page}}")
    (shop.folder / "compose.yaml").write_text(COMPOSE.format(name=shop.name, port=shop.port))
    user, password = guarded_registry.user, guarded_registry.password
    where = ("--user", str(user), "--registry", guarded_registry.host)
    try:
        assert shop.invoke("login", *where, "--password-stdin", stdin=str(password)).code == 0
        done = shop.invoke("release", *where, "--version", "1", "--untested")
        assert done.code == 0, done.all
        for image in client.images.list(filters={"label": f"seatrial.project={shop.name}"}):
            client.images.remove(image.id, force=True)

        done = shop.invoke("deploy", *where, "--version", "1", "--json")

        assert done.statuses == {"deploy": "changed"}, done.all
        (service,) = client.services.list(filters={"name": f"{shop.name}-web"})
        assert "S3ntinel" not in str(service.attrs)
        assert str(password) not in str(service.attrs)
        (container,) = client.containers.list(filters={"label": f"seatrial.project={shop.name}"})
        assert container.attrs["State"]["Health"]["Status"] == "healthy"
        assert b"S3ntinelconfig" in container.logs()
        again = shop.invoke("deploy", *where, "--version", "1", "--json")
        assert again.statuses == {"deploy": "ok"}
        assert again.seconds < 10
    finally:
        assert shop.invoke("undeploy").code == 0
        ours = {"label": f"seatrial.project={shop.name}"}
        wait_until(lambda: not client.api.containers(all=True, filters=ours), seconds=30)
        for thing in (secret, config, network):
            thing.remove()
