"""A compose file says how an app is deployed, where the settings do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.settings.composing import WEB, composed, refused, web
from tests.settings.loading import load

WHOLE = """\
version: "3.8"
name: shop
x-health: &health {interval: 1m30s, timeout: 500ms, retries: 3, start_period: 0s, disable: false}
services:
  web:
    image: ${REGISTRY}/web
    build: .
    pull_policy: build
    depends_on: [db]
    expose: [5000]
    profiles: [live]
    develop: {watch: []}
    attach: false
    x-mine: 1
    ports:
      - 53:5353/udp
      - 80:8000/tcp
      - {target: 9000, published: "9000", mode: host, protocol: tcp, name: metrics, app_protocol: http}
      - 7001-7002:7003-7004
      - 7005-7006:7005
    labels: [team=shop, bare]
    logging: {driver: json-file, options: {max-size: 10m, max-file: 3}}
    env_file: [one.env, {path: two.env, required: false}]
    environment: {MODE: live, DEBUG: True, RATE: 1.10, ON: on, AT: 22:22, GIVEN: , MISSING: , NAME: "${WHO:-x}$$"}
    healthcheck: {<<: *health, test: curl localhost || exit 1}
    stop_grace_period: 1m
    mem_limit: 64m
    mem_reservation: 32m
    cpus: 0.5
    pids_limit: 50
    scale: 2
    tmpfs: /run
    volumes:
      - data:/data
      - {type: volume, source: more, target: /more, read_only: false}
      - {type: tmpfs, target: /cache, tmpfs: {size: 64m}}
    networks: {back: , default: {priority: 1}}
    secrets: [token, {source: db_password, target: password, uid: "0", gid: "0", mode: 0444}]
    configs: [{source: app, target: /etc/app.conf}, robots]
    restart: always
    init: true
    read_only: true
    cap_drop: [NET_ADMIN]
    security_opt: ["no-new-privileges:true"]
    privileged: false
    tty: false
    stdin_open: "false"
    deploy:
      mode: replicated
      endpoint_mode: vip
      replicas: 2
      update_config:
        {parallelism: 2, delay: 10s, monitor: 1s, order: stop-first, failure_action: rollback, max_failure_ratio: 0}
      placement: {constraints: [node.role == worker, node.labels.disk == ssd]}
      resources: {limits: {cpus: ".5", memory: 64M, pids: 50}, reservations: {cpus: 0.25, memory: 32m}}
      labels: {traefik.enable: true, x-team: , count: 1e3}
      restart_policy: {condition: any}
  db: {image: postgres, privileged: true, environment: {X: "$UNSET_WORD"}}
volumes: {data: , more: {driver: local, external: false}}
networks: {back: {external: true, name: backend}}
secrets: {token: {external: true}, db_password: {external: {name: db_password_2}}}
configs: {app: {external: true}, robots: {external: true}}
"""
# The names of the keys in the Compose Specification, as in June 2026.
SPEC = {
    "": "annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs container_name "
    "cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset credential_spec "
    "depends_on deploy develop device_cgroup_rules devices dns dns_opt dns_search domainname entrypoint env_file "
    "environment expose extends external_links extra_hosts gpus group_add healthcheck hostname image init ipc "
    "isolation label_file labels links logging mac_address mem_limit mem_reservation mem_swappiness memswap_limit "
    "models network_mode networks oom_kill_disable oom_score_adj pid pids_limit platform ports post_start pre_stop "
    "privileged profiles provider pull_policy pull_refresh_after read_only restart runtime scale secrets security_opt "
    "shm_size stdin_open stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits use_api_socket user "
    "userns_mode uts volumes volumes_from working_dir",
    "logging": "driver options",
    "healthcheck": "disable interval retries start_interval start_period test timeout",
    "deploy": "endpoint_mode labels mode placement replicas resources restart_policy rollback_config update_config",
    "deploy.update_config": "delay failure_action max_failure_ratio monitor order parallelism",
    "deploy.placement": "constraints max_replicas_per_node preferences",
    "deploy.resources": "limits reservations",
    "deploy.resources.limits": "cpus memory pids",
    "deploy.resources.reservations": "cpus devices generic_resources memory",
    "deploy.restart_policy": "condition delay max_attempts window",
}


def test_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every key that is understood becomes a setting, with the values that docker's own tools read in it."""
    monkeypatch.setenv("GIVEN", "given")
    for name in ("MISSING", "UNSET_WORD", "WHO"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "one.env").write_text("MODE=file\nMORE=file\nMISSING=file\n")
    (tmp_path / ".env").write_text("WHO=captain\nGIVEN=not this\n")

    app = composed(tmp_path, WHOLE)

    assert app.environment == {
        "MODE": "live",
        "MORE": "file",
        "DEBUG": "true",
        "RATE": "1.1",
        "ON": "on",
        "AT": "22:22",
        "GIVEN": "given",
        "NAME": "captain$",
    }
    assert (app.port, app.stop_grace, app.memory, app.cpus, app.pids) == (8000, 60, 64 * 1024**2, 0.5, 50)
    assert (app.tmpfs, app.volumes) == (("/cache", "/run"), {"data": "/data", "more": "/more"})
    wanted = app.deploy
    assert (wanted.port, wanted.mode, wanted.replicas, wanted.order) == (80, "ingress", 2, "stop-first")
    assert (wanted.parallelism, wanted.delay, wanted.monitor) == (2, 10, 1)
    assert [(one.published, one.target, one.protocol, one.mode) for one in wanted.ports] == [
        (53, 5353, "udp", "ingress"),
        (9000, 9000, "tcp", "host"),
        (7001, 7003, "tcp", "ingress"),
        (7002, 7004, "tcp", "ingress"),
        (7005, 7005, "tcp", "ingress"),
        (7006, 7005, "tcp", "ingress"),
    ]
    assert (wanted.reserved_cpus, wanted.reserved_memory) == (0.25, 32 * 1024**2)
    assert wanted.labels == {"traefik.enable": "true", "x-team": "", "count": "1000"}
    assert wanted.container_labels == {"team": "shop", "bare": ""}
    assert (wanted.log_driver, wanted.log_options) == ("json-file", {"max-size": "10m", "max-file": "3"})
    assert wanted.constraints == ("node.role == worker", "node.labels.disk == ssd")
    assert wanted.networks == ("backend",)
    assert wanted.secret_files == {"token": "token", "db_password_2": "password"}
    assert wanted.configs == {"app": "/etc/app.conf", "robots": "/robots"}
    assert wanted.health_command == ("/bin/sh", "-c", "curl localhost || exit 1")
    assert (wanted.health_interval, wanted.health_timeout, wanted.health_start_period) == (90, 0.5, 0)
    assert wanted.health_retries == 3
    assert load(tmp_path, WEB % ("", "")).app().environment == {}  # what only deploy takes, run does not


def test_every_key_of_the_specification(tmp_path: Path) -> None:
    """A key of a service is understood, as above, and documented; or it is refused by its path."""
    understood = yaml.safe_load(WHOLE)["services"]["web"]
    page = (Path(__file__).parent.parent.parent / "docs/deploy.md").read_text("utf-8")
    page, _, refusals = page.partition("| why |")
    assert not [name for name in understood if f"`{name}" not in page and name != "x-mine"]
    for path, names in SPEC.items():
        trail = path.split(".") if path else []
        known: Any = understood
        for key in trail:
            known = known[key]
        for name in [one for one in names.split() if one not in known]:
            value: Any = {name: ["x"]}
            for key in reversed(trail):
                value = {key: value}
            where = ".".join(("services", "web", *trail, name))
            assert refused(tmp_path, web(value)).message == f"{where}: not understood by deploy"
            assert f"{name}`" in refusals, name
        assert {*known} - {*names.split()} <= {"x-mine"}


def test_the_settings_win(tmp_path: Path) -> None:
    """What the settings name is taken from them: values and lists as a whole, variables and volumes one by one."""
    service = {"environment": ["A=1", "B=1"], "mem_limit": "64m", "deploy": {"replicas": 2}, "tmpfs": ["/a"]}
    text = web(service | {"secrets": ["theirs"]}, secrets={"theirs": {"external": True}})
    more = ", replicas: 3, port: 81, secrets: [ours]"

    app = composed(tmp_path, text, more, ", environment: {B: '2'}, tmpfs: [/b], memory: 1g")

    assert (app.environment, app.tmpfs, app.memory) == ({"A": "1", "B": "2"}, ("/b",), 1024**3)
    assert (app.deploy.replicas, app.deploy.port, app.port) == (3, 81, 5000)
    assert app.deploy.secret_files == {"ours": "ours", "theirs": "theirs"}


@pytest.mark.parametrize(("app", "own"), [("", (8000, 80)), (", port: 9000", (9000, 81)), (", port: 1", (1, 80))])
def test_which_port_is_the_apps(tmp_path: Path, app: str, own: tuple[int, int]) -> None:
    """The checks ask the port that the app's settings name, else the first that speaks TCP; the others are more."""
    service = {"ports": ["53:53/udp", "80:8000", {"target": 9000, "published": 81, "mode": "host"}]}

    found = composed(tmp_path, web(service), app=app)

    assert (found.port, found.deploy.port) == own
    assert {one.published for one in found.deploy.ports} == {53, 80, 81} - {own[1]}
    assert found.deploy.update_order == "stop-first"  # whichever of them is in mode host


@pytest.mark.parametrize(
    ("services", "more", "chosen"),
    [
        ("{web: {ports: ['1:1']}, db: {build: .}}", "", 1),
        ("{a: {image: '${HOST:-x}/you/web:1', ports: ['1:1']}, b: {build: ., ports: ['2:2']}}", "", 1),
        ("{a: {image: postgres, ports: ['1:1']}, b: {build: ., ports: ['2:2']}}", "", 2),
        ("{a: {image: other, ports: ['1:1']}}", "", 1),
        ("{web: {ports: ['1:1']}, b: {ports: ['2:2']}}", ", compose_service: b", 2),
        ("{a: {build: .}, b: {build: .}}", "", "they are a, b"),
        ("{a: {build: .}, b: {build: .}}", ", compose_service: c", "there is no service c"),
        ("", "", "no services"),
    ],
)
def test_which_service(tmp_path: Path, services: str, more: str, chosen: int | str) -> None:
    """The service is the named one, or has the app's name or image, or is the only one to build, or the only one."""
    text = f"services: {services}"
    if isinstance(chosen, str):
        assert chosen in refused(tmp_path, text, more).reason
    else:
        assert composed(tmp_path, text, more).deploy.port == chosen


@pytest.mark.parametrize(
    ("healthcheck", "command"),
    [
        ({"test": ["CMD", "a", "b c"]}, ("a", "b c")),
        ({"test": ["CMD-SHELL", "a b"]}, ("/bin/sh", "-c", "a b")),
        ({"test": ["NONE"]}, ("NONE",)),
        ({"test": "a", "disable": True}, ("NONE",)),
    ],
)
def test_health_checks(tmp_path: Path, healthcheck: dict[str, Any], command: tuple[str, ...]) -> None:
    """A health check's command is for the shell or not, or it turns the image's own off."""
    assert composed(tmp_path, web({"healthcheck": healthcheck})).deploy.health_command == command
