"""What is not understood in a compose file, or not valid, is refused by its path and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seatrial.errors import UsageError
from tests.settings.composing import WEB, refused, web
from tests.settings.loading import load


@pytest.mark.parametrize(
    ("service", "where", "words"),
    [
        ({"privileged": True, "ports": []}, "privileged", "true"),
        ({"ports": ["80-82:80-81"]}, "ports[0]", "as many"),
        ({"labels": {"seatrial.app": "x"}}, "labels.seatrial.app", "Seatrial"),
        ({"deploy": {"labels": ["a=b", "seatrial.app=x"]}}, "deploy.labels[1]", "Seatrial"),
        ({"ports": ["127.0.0.1:80:80"]}, "ports[0]", "every address"),
        ({"ports": [{"target": 80, "published": 80, "host_ip": "127.0.0.1"}]}, "ports[0].host_ip", "every address"),
        ({"ports": ["80:80/sctp"]}, "ports[0]", "tcp"),
        ({"ports": [5000]}, "ports[0]", "5000:5000"),
        ({"ports": [{"target": 5000}]}, "ports[0]", "published"),
        ({"ports": [{"published": 80}]}, "ports[0]", "target"),
        ({"volumes": ["./data:/data"]}, "volumes[0]", "folder of a node"),
        ({"volumes": [{"type": "bind", "source": "/a", "target": "/a"}]}, "volumes[0]", "folder of a node"),
        ({"volumes": ["/data"]}, "volumes[0]", "without a name"),
        ({"volumes": ["data:/data:ro"]}, "volumes[0]", "rw"),
        ({"tmpfs": ["/run:size=1g"]}, "tmpfs", "64 MB"),
        ({"networks": {"back": {"aliases": ["x"]}}}, "networks.back.aliases", ""),
        ({"secrets": [{"source": "key", "mode": 256}]}, "secrets[0].mode", "0444"),
        ({"deploy": {"mode": "global"}}, "deploy.mode", "replicated"),
        ({"deploy": {"update_config": {"failure_action": "pause"}}}, "deploy.update_config.failure_action", "rollback"),
        ({"env_file": [{"path": "no.env", "required": False, "format": "raw"}]}, "env_file[0].format", ""),
        ({"healthcheck": {"disable": True, "start_interval": "1s"}}, "healthcheck.start_interval", ""),
        ({"restart": "no"}, "restart", "always"),
        ({"read_only": False}, "read_only", "true"),
        ({"command": "serve"}, "command", "tested"),
    ],
)
def test_what_a_service_cannot_have_here(tmp_path: Path, service: dict[str, Any], where: str, words: str) -> None:
    """A value that a service of ours cannot have is refused like a key, with the reason."""
    things = {"networks": {"back": {"external": True}}, "secrets": {"key": {"external": True}}}

    error = refused(tmp_path, web(service, **things, volumes={"data": {}}))

    assert error.message == f"services.web.{where}: not understood by deploy"
    assert words in error.reason


@pytest.mark.parametrize("kind", ["networks", "secrets", "configs"])
def test_what_compose_would_make(tmp_path: Path, kind: str) -> None:
    """A network, secret or config that is not in the swarm already is refused, and one that the file does not know."""
    text = web({kind: ["one"]}, **{kind: {"one": {"driver": "x"}}})

    message = refused(tmp_path, text).message

    assert message == f"{kind}.one: not understood by deploy"
    assert f"there is no one under {kind}" in refused(tmp_path, web({kind: ["one"]})).reason


def test_all_at_once(tmp_path: Path) -> None:
    """Everything that is not understood is named in one error, each with its line."""
    text = "services:\n  web:\n    user: root\n    ports: ['80:80']\n    dns: x\ninclude: [more.yaml]\n"
    assert refused(tmp_path, text).message == "include: not understood by deploy"

    error = refused(tmp_path, text.replace("include", "x-include"))

    assert error.message == "services.web.user, services.web.dns: not understood by deploy"
    lines = [one.partition(": ")[0] for one in error.details]
    assert lines == [f"{tmp_path}/compose.yaml:{line}" for line in (3, 5)]
    assert error.place
    assert error.place.line == 3


@pytest.mark.parametrize(
    ("service", "where", "words"),
    [
        ({"mem_limit": "$UNSET_WORD"}, "mem_limit", "UNSET_WORD is not set"),
        ({"mem_limit": "1k"}, "mem_limit", "6m"),
        ({"mem_limit": "64m", "deploy": {"resources": {"limits": {"memory": "65m"}}}}, "mem_limit", "something else"),
        ({"deploy": {"replicas": "many"}}, "deploy.replicas", "int"),
        ({"healthcheck": {"interval": 30}}, "healthcheck.interval", "1m30s"),
        ({"healthcheck": {"test": ["curl"]}}, "healthcheck.test", "CMD"),
        ({"volumes": ["data:relative"]}, "volumes[0]", ""),
        ({"environment": 5}, "environment", "mapping"),
        ({"ports": ["80:http"]}, "ports[0]", "65535"),
        ({"ports": ["53:53/udp"]}, "", "no port"),
        ({"deploy": {"resources": {"reservations": {"memory": "1g"}}}}, "deploy.resources.reservations.memory", "more"),
        ({"environment": ["=x"]}, "environment[0]", "NAME=VALUE"),
        ({"env_file": ["no.env"]}, "env_file[0]", "no.env"),
        ({"ports": "80:80"}, "ports", "list"),
        ({"ports": None}, "", "no port"),
    ],
)
def test_wrong_values(
    tmp_path: Path, service: dict[str, Any], where: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value that is wrong is named with its place in the compose file."""
    monkeypatch.delenv("UNSET_WORD", raising=False)

    error = refused(tmp_path, web(service, volumes={"data": {}}))

    assert error.message == f"{f'services.web.{where}'.rstrip('.')}: not valid in compose.yaml"
    assert error.reason.startswith(f"{tmp_path}/compose.yaml:")
    assert words in error.reason


@pytest.mark.parametrize(
    ("text", "line"),
    [("services: {web: {}}\nservices: {}", 2), ("a: !reset b", 1), ("services: [", 1), ("- a", 1), ("a: &a [*a]", 1)],
)
def test_what_is_no_compose_file(tmp_path: Path, text: str, line: int) -> None:
    """What is not valid YAML is named with its line; a file that is missing, with that of the setting."""
    assert refused(tmp_path, text).reason.startswith(f"{tmp_path}/compose.yaml:{line}: ")
    (tmp_path / "compose.yaml").unlink()
    with pytest.raises(UsageError) as caught:
        load(tmp_path, WEB % ("", "")).deployed()
    assert caught.value.reason.startswith(f"{tmp_path}/invoke.yaml:1: there is no file {tmp_path}/compose.yaml")
