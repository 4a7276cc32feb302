"""Deployments on a swarm of three nodes, with the real commands; the world is read with the SDK and plain HTTP."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence

import docker
import pytest

from tests.cli_project import Done, Project, failed
from tests.conftest import TestRegistry, wait_until
from tests.servers.swarm_engine import SwarmNode
from tests.swarm.visitors import Visits, visitors
from tests.waiting import page

pytestmark = pytest.mark.swarm

DEPLOY = "deploy: {mode: host, replicas: 3, monitor: 1"
COMPOSE = """\
services:
  page:
    build: .
    ports: ["{port}:8000", {{target: 9000, published: {port}, protocol: udp, mode: host}}]
    labels: [kind=page]
    logging: {{driver: json-file, options: {{max-size: 1m}}}}
    deploy: {{labels: {{team: shop}}, resources: {{reservations: {{memory: 16m}}}}}}
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

LONGEST_GAP = 10.0
"""Seconds; up to 2.7 were seen."""


def service_image(client: docker.DockerClient, project: Project) -> str:
    """Return the image that the project's service runs."""
    (service,) = client.services.list(filters={"name": f"{project.name}-web"})
    return str(service.attrs["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"])


def released(project: Project, registry: TestRegistry, version: str, **app: str) -> None:
    """Release a version of an app as the user demo, without a smoke test."""
    project.write(**{"settings": f"{DEPLOY}}}", **app})  # type: ignore[arg-type]
    done = project.invoke("release", *_where(registry), "--version", version, "--untested")
    assert done.code == 0, done.all


def deployed(project: Project, registry: TestRegistry, version: str) -> Done:
    """Deploy a version, and return how the command ended."""
    return project.invoke("deploy", *_where(registry), "--version", version, "--json")


def _where(registry: TestRegistry) -> tuple[str, ...]:
    return ("--user", "demo", "--registry", registry.host)


@pytest.fixture
def everywhere(shop: Project, nodes: list[SwarmNode]) -> Callable[[], list[str | None]]:
    """A function that returns what each node answers, None for one that does not."""
    return lambda: [page(shop.port, one.address) for one in nodes]


def _shifts(visits: Visits, nodes: Sequence[SwarmNode]) -> list[list[str]]:
    return [visits.pages(one.address) for one in nodes]


def test_from_version_to_version(
    shop: Project,
    client: docker.DockerClient,
    nodes: list[SwarmNode],
    registry: TestRegistry,
    everywhere: Callable[[], list[str | None]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A version replaces another, a second run changes nothing, and bad versions are taken back, with their causes.

    Who asks another node when one does not answer is always answered.
    """
    repository, addresses = f"page-{shop.name}", [one.address for one in nodes]
    released(shop, registry, "1")
    assert deployed(shop, registry, "1").statuses == {"deploy": "changed"}
    digest = registry.digest(f"demo/{repository}", "1")
    assert service_image(client, shop) == f"{registry.host}/demo/{repository}:1@{digest}"
    assert everywhere() == ["hello 1"] * 3

    released(shop, registry, "2")
    with visitors(addresses, shop.port) as visits:
        assert deployed(shop, registry, "2").statuses == {"deploy": "changed"}
    gaps = {one.name: visits.gap(one.address) for one in nodes}
    with capsys.disabled():
        seen = ", ".join(f"{seconds:.1f} s on {name}" for name, seconds in gaps.items())
        print(f"\n{visits.answered} requests answered, {visits.unanswered} not; the longest gap: {seen}")  # noqa: T201
    assert (visits.unanswered, _shifts(visits, nodes)) == (0, [["hello 1", "hello 2"]] * 3)
    assert visits.answered > 100
    assert max(gaps.values()) < LONGEST_GAP
    again = deployed(shop, registry, "2")
    assert again.statuses == {"deploy": "ok"}
    assert again.document["seconds"] < 1

    good = service_image(client, shop)
    # Under load Python needs a second until it fails.
    slowly, health = DEPLOY.replace("monitor: 1", "monitor: 4"), "health_command: ['false'], health_interval: 1"
    with visitors(addresses, shop.port) as visits:

        def taken_back(version: str, *names: str, cause: str) -> None:
            failed(deployed(shop, registry, version), *names, cause=cause)
            assert service_image(client, shop) == good
            wait_until(lambda: everywhere() == ["hello 2"] * 3, seconds=10)
            assert visits.unanswered == 0

        released(shop, registry, "3", settings=f"{slowly}}}", at_start="import missing_library")
        taken_back("3", "missing_library", "exit code 1", cause="missing-module")
        released(shop, registry, "4", page="good bye")
        taken_back("4", "good bye", cause="wrong-answer")
        released(shop, registry, "5", settings=f"{DEPLOY}, {health}, health_retries: 1}}")
        taken_back("5", cause="unhealthy")

    assert shop.invoke("undeploy").code == 0
    wait_until(lambda: everywhere() == [None] * 3)


def test_what_interrupts_a_rollout(
    shop: Project,
    client: docker.DockerClient,
    nodes: list[SwarmNode],
    registry: TestRegistry,
    everywhere: Callable[[], list[str | None]],
) -> None:
    """A rollout goes on after Ctrl-C and after the loss of a node, every request is answered, and a way leads back."""
    worker = nodes[-1]
    for version in ("1", "2"):
        released(shop, registry, version)
    assert deployed(shop, registry, "1").code == 0

    def begun(version: str) -> None:
        wait_until(lambda: f"hello {version}" in everywhere(), pause=0.1)

    with visitors([one.address for one in nodes], shop.port) as visits:
        process = shop.start("deploy", *_where(registry), "--version", "2", "--json")
        begun("2")
        done = shop.interrupt(process, signal.SIGINT)
        assert (done.code, f"docker service ps {shop.name}-web" in done.error["reason"]) == (130, True)
        assert deployed(shop, registry, "2").statuses == {"deploy": "changed"}
        assert everywhere() == ["hello 2"] * 3
        second = service_image(client, shop)

        shop.write(settings=f"{DEPLOY}, timeout: 12}}")
        process = shop.start("deploy", *_where(registry), "--version", "1", "--json")
        begun("1")
        worker.lose()
        try:
            out, err = process.communicate(timeout=120)
        finally:
            worker.start()
        failed(Done(code=process.returncode, out=out, err=err, seconds=0), worker.name, cause="node-lost")
        shop.write(settings=f"{DEPLOY}}}")
        assert deployed(shop, registry, "1").statuses == {"deploy": "changed"}
        assert everywhere() == ["hello 1"] * 3

        assert shop.invoke("deploy", "--rollback").code == 0
        assert (service_image(client, shop), everywhere()) == (second, ["hello 2"] * 3)
    assert visits.unanswered == 0


def test_a_restart_of_the_manager(shop: Project, nodes: list[SwarmNode], registry: TestRegistry) -> None:
    """A rollout on other nodes goes on while the manager is restarted, and the command waits for it."""
    manager, *workers = nodes
    settings = "deploy: {mode: host, replicas: 2, monitor: 1, constraints: [node.role == worker]}"
    for version in ("1", "2"):
        released(shop, registry, version, settings=settings)
    assert deployed(shop, registry, "1").code == 0
    with visitors([one.address for one in workers], shop.port) as visits:
        process = shop.start("deploy", *_where(registry), "--version", "2", "--json")
        wait_until(lambda: "hello 2" in [page(shop.port, one.address) for one in workers], pause=0.1)
        manager.stop()
        manager.start()
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, out + err
    assert visits.unanswered == 0
    assert _shifts(visits, workers) == [["hello 1", "hello 2"]] * 2


def test_what_a_service_has(shop: Project, client: docker.DockerClient, guarded_registry: TestRegistry) -> None:
    """What a compose file says of secrets, networks, health, ports and log is real; a login travels to what pulls."""
    secret = client.secrets.create(name=f"{shop.name}-key", data=b"S3ntinel")
    config = client.configs.create(name=f"{shop.name}-conf", data=b"config")
    network = client.networks.create(f"{shop.name}-net", driver="overlay")
    read = "print(open('/run/secrets/key').read() + open('/etc/page.conf').read(), flush=True)"
    alone = "deploy: {mode: host, monitor: 1, constraints: [node.role == manager]"
    shop.write(page="hello", at_start=read, settings=f"{alone}, compose: compose.yaml, compose_service: page}}")
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
        assert (container.labels["kind"], service.attrs["Spec"]["Labels"]["team"]) == ("page", "shop")
        assert container.attrs["HostConfig"]["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "1m"}}
        assert {*container.attrs["NetworkSettings"]["Ports"]} == {"8000/tcp", "9000/udp"}
        again = shop.invoke("deploy", *where, "--version", "1", "--json")
        assert again.statuses == {"deploy": "ok"}
        assert again.seconds < 10
    finally:
        assert shop.invoke("undeploy").code == 0
        ours = {"label": f"seatrial.project={shop.name}"}
        wait_until(lambda: not client.api.containers(all=True, filters=ours), seconds=30)
        for thing in (secret, config, network):
            thing.remove()
