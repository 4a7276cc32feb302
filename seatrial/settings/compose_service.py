"""What the keys of a service in a compose file mean to `deploy`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from seatrial.errors import UsageError
from seatrial.model.deployment import NO_HEALTH_CHECK, OWN_LABEL
from seatrial.settings.compose_file import Part
from seatrial.settings.compose_ports import ports
from seatrial.settings.compose_rules import Refused, Rule, Setting, only, refuse, section, skip, to
from seatrial.settings.compose_things import configs, networks, secrets, tmpfs, volumes
from seatrial.settings.compose_values import command, environment, number, pairs, seconds, size, texts
from seatrial.settings.interpolation import read_env_file

__all__ = ["SERVICE", "TOP"]


def _environment(part: Part) -> Iterator[Setting | Refused]:
    """Take environment variables."""
    for name, value, one in environment(part):
        yield Setting(("environment", name), value, one)


def _named(*keys: str) -> Rule:
    """Return the rule of names and their values, labels or options; what begins as our own labels is refused."""

    def rule(part: Part) -> Iterator[Setting | Refused]:
        for name, value, one in pairs(part):
            if name.startswith(OWN_LABEL):
                yield Refused(one, f"Seatrial sets the labels that begin with {OWN_LABEL} itself")
            yield Setting((*keys, name), value or "", one)

    return rule


def _env_files(part: Part) -> Iterator[Setting | Refused]:
    """Take the variables of env files, whose paths begin at the compose file; a later file wins."""
    for one in part.list() if isinstance(part.value, list) else [part]:
        is_long = isinstance(one.value, Mapping)
        if is_long:
            yield from _ENV_FILE(one)
        path = one.file.path.parent / (one.at("path") if is_long else one).text()
        if "required" in one and one.at("required").text() == "false" and not path.exists():
            continue
        try:
            found = read_env_file(path, one.file.variables)
        except UsageError as error:
            raise one.error(str(error), error.hint) from error
        for name, value in found.items():
            yield Setting(("environment", name), value, one)


_ENV_FILE = section({"path": skip, "required": skip})


def _healthcheck(part: Part) -> Iterator[Setting | Refused]:
    """Take a health check, or that the image's is not wanted."""
    is_off = "disable" in part and part.at("disable").text() == "true"
    yield from (one for one in _HEALTHCHECK(part) if isinstance(one, Refused) or not is_off)
    if is_off:
        yield Setting(("deploy", "health_command"), [*NO_HEALTH_CHECK], part.at("disable"))


_HEALTHCHECK = section(
    {
        "disable": skip,
        "test": to("deploy", "health_command", parse=command),
        "interval": to("deploy", "health_interval", parse=seconds),
        "timeout": to("deploy", "health_timeout", parse=seconds),
        "start_period": to("deploy", "health_start_period", parse=seconds),
        "retries": to("deploy", "health_retries"),
    }
)
_DEPLOY = section(
    {
        "mode": only("replicated"),
        "endpoint_mode": only("vip"),
        "replicas": to("deploy", "replicas"),
        "update_config": section(
            {
                "parallelism": to("deploy", "parallelism"),
                "delay": to("deploy", "delay", parse=seconds),
                "monitor": to("deploy", "monitor", parse=seconds),
                "order": to("deploy", "order"),
                "failure_action": only("rollback"),
                "max_failure_ratio": only("0"),
            }
        ),
        "placement": section({"constraints": to("deploy", "constraints", parse=texts)}),
        "resources": section(
            {
                "limits": section(
                    {"cpus": to("cpus", parse=number), "memory": to("memory", parse=size), "pids": to("pids")}
                ),
                "reservations": section(
                    {
                        "cpus": to("deploy", "reserved_cpus", parse=number),
                        "memory": to("deploy", "reserved_memory", parse=size),
                    }
                ),
            }
        ),
        "labels": _named("deploy", "labels"),
        "restart_policy": section({"condition": only("any")}),
    }
)
_AS_IT_IS = "the image runs as it was tested"
SERVICE = section(
    {
        "deploy": _DEPLOY,
        "ports": ports,
        "env_file": _env_files,
        "environment": _environment,  # wins over env_file
        "healthcheck": _healthcheck,
        "stop_grace_period": to("stop_grace", parse=seconds),
        "labels": _named("deploy", "container_labels"),
        "logging": section({"driver": to("deploy", "log_driver"), "options": _named("deploy", "log_options")}),
        "mem_limit": to("memory", parse=size),
        "mem_reservation": to("deploy", "reserved_memory", parse=size),
        "cpus": to("cpus", parse=number),
        "pids_limit": to("pids"),
        "scale": to("deploy", "replicas"),
        "volumes": volumes,
        "tmpfs": tmpfs,
        "networks": networks,
        "secrets": secrets,
        "configs": configs,
        "restart": only("always", "unless-stopped"),
        "init": only("true"),
        "read_only": only("true"),
        "cap_drop": skip,  # a service has no capabilities
        "security_opt": only("no-new-privileges:true", "no-new-privileges"),
        "privileged": only("false"),
        "tty": only("false"),
        "stdin_open": only("false"),
        "image": skip,
        "build": skip,
        "pull_policy": skip,
        "depends_on": skip,
        "expose": skip,
        "profiles": skip,
        "develop": skip,
        "attach": skip,
        "container_name": refuse("a service's containers have names of their own"),
        "command": refuse(_AS_IT_IS),
        "entrypoint": refuse(_AS_IT_IS),
        "user": refuse(_AS_IT_IS),
    }
)
"""The rule of a service."""

TOP = section(
    dict.fromkeys(("version", "name", "services", "networks", "volumes", "secrets", "configs", "models"), skip)
)
"""The rule of a whole file: what a service does not name is not looked at."""
