"""A deployment as docker commands."""

from __future__ import annotations

import os
import shlex

from seatrial.engine.swarm import ServiceSpec
from seatrial.model.app import App
from seatrial.model.deployment import NO_HEALTH_CHECK
from seatrial.model.shell import ShellCommand, Variable, Word
from seatrial.model.version import Version
from seatrial.pipeline.explanation import explained_image
from seatrial.pipeline.step import Explanation
from seatrial.pipeline.world import World
from seatrial.steps.deploy.release import Release
from seatrial.steps.deploy.service import spec_for
from seatrial.steps.publish.destination import Destination, version_of

__all__ = ["explain_command", "explain_deploy"]

_DIGEST = "{{index .RepoDigests 0}}"
_TMP = "/tmp"  # noqa: S108  inside the container


def explain_command(service: str, *words: str, effect: str, notes: tuple[str, ...] = ()) -> Explanation:
    """Return what one `docker service` command does."""
    command = ShellCommand(argv=("docker", "service", *words), object=f"service {service}", effect=effect)
    return Explanation(commands=(command,), notes=notes)


def explain_deploy(
    world: World, app: App, destination: Destination, version: Version | None, replicas: int | None
) -> Explanation:
    """Return the creation of the app's service as docker commands."""
    from seatrial.steps.smoke.explain import environment_words, values_needed  # loads what sends requests

    image = explained_image(world, app, version)
    version = version or version_of(image)
    reference = destination.repository.with_tag(destination.tags(version).own[0])
    app = app.in_image(image.exposed)
    release = Release(reference=reference, digest="", version=version, image=image)
    spec = spec_for(app, release, None, replicas)
    words: list[Word] = ["--name", spec.name, "--replicas", str(spec.replicas), "--with-registry-auth", "--init"]
    for key, value in spec.labels.items():
        words += ["--label", f"{key}={value}"]
    for key, value in (spec.own_labels | dict(spec.container_labels)).items():
        words += ["--container-label", f"{key}={value}"]
    for one in spec.ports:
        port = f"mode={one.mode},target={one.target},published={one.published},protocol={one.protocol}"
        words += ["--publish", port]
    words += environment_words(app)
    words += ["--log-driver", spec.log_driver] if spec.log_driver else []
    words += [word for key, value in spec.log_options.items() for word in ("--log-opt", f"{key}={value}")]
    words += ["--limit-memory", str(spec.memory), "--limit-pids", str(spec.pids), "--stop-grace-period"]
    words += [f"{spec.stop_grace:g}s", "--read-only", "--cap-drop", "ALL"]
    words += [] if not spec.cpus else ["--limit-cpu", f"{spec.cpus:g}"]
    words += [] if not spec.reserved_cpus else ["--reserve-cpu", f"{spec.reserved_cpus:g}"]
    words += [] if not spec.reserved_memory else ["--reserve-memory", str(spec.reserved_memory)]
    for path in (_TMP, *spec.tmpfs):
        words += ["--mount", f"type=tmpfs,destination={path},tmpfs-size=67108864,tmpfs-mode=1777"]
    for path, name in spec.volumes.items():
        words += ["--mount", f"type=volume,source={name},destination={path}"]
    for flag, values in (("constraint", spec.constraints), ("network", spec.networks)):
        words += [word for value in values for word in (f"--{flag}", value)]
    for flag, files in (("secret", spec.secrets), ("config", spec.configs)):
        words += [word for name, path in files.items() for word in (f"--{flag}", f"source={name},target={path}")]
    words += _health_words(spec)
    words += ["--update-failure-action", "rollback", "--update-order", spec.order]
    words += ["--update-parallelism", str(spec.parallelism), "--update-delay", f"{spec.delay:g}s"]
    words += ["--update-monitor", f"{spec.monitor:g}s"]
    return Explanation(
        commands=(
            ShellCommand(
                argv=("docker", "pull", "--quiet", reference.familiar),
                object=f"image {reference.familiar}",
                effect="is fetched from the registry, for its digest",
            ),
            ShellCommand(
                argv=("docker", "image", "inspect", "--format", _DIGEST, reference.familiar),
                saves="published",
                object=f"image {reference.familiar}",
                effect="has this digest in the registry",
            ),
            ShellCommand(
                argv=("docker", "service", "create", *words, ("", Variable("published"))),
                object=f"service {spec.name}",
                effect="is created; the command ends when all replicas run",
                needs=values_needed(app),
            ),
        ),
        notes=(
            *_compose_notes(app),
            "updates a service that is there, and only if it differs; Swarm goes back if a new container fails",
            "asks the registry for the digest, and pulls nothing here",
            "deploys only what a verdict or the ledger knows; names the cause of a failure; records it in the ledger",
            "checks the app at each node that publishes its port, and goes back if it does not answer as it should",
        ),
    )


def _compose_notes(app: App) -> list[str]:
    """Return from where a service's options are that the settings leave out."""
    if app.deploy.compose is None:
        return []
    file = os.path.relpath(app.deploy.compose, app.root)
    return [f"takes what the settings leave out from the service {app.deploy.compose_service} of {file}"]


def _health_words(spec: ServiceSpec) -> list[str]:
    """Return the flags for a service's health check."""
    if spec.health_command == NO_HEALTH_CHECK:
        return ["--no-healthcheck"]
    words = ["--health-cmd", _shell_line(spec.health_command)] if spec.health_command else []
    for name in ("interval", "timeout", "start_period"):
        if seconds := getattr(spec, f"health_{name}"):
            words += [f"--health-{name.replace('_', '-')}", f"{seconds:g}s"]
    return [*words, "--health-retries", str(spec.health_retries)] if spec.health_retries else words


def _shell_line(command: tuple[str, ...]) -> str:
    """Return a command as a line for the shell, which --health-cmd takes."""
    match command:
        case ("/bin/sh", "-c", line):
            return line
    return shlex.join(command)
