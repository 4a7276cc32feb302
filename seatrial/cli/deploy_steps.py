"""From the flags of `deploy`, `scale` and `undeploy` to their steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.cli.flags import AppFlag, DeployFlags, ImageFlags, RegistryFlags, ReplicasFlag
from seatrial.cli.numbers import typed_version, whole_number
from seatrial.errors import UsageError

if TYPE_CHECKING:  # wrong use ends before the pipeline is loaded
    from seatrial.cli.playbook import Playbook
    from seatrial.pipeline.step import Step

__all__ = ["deploy_steps", "replicas_of", "scale_steps", "undeploy_steps"]


def deploy_steps(playbook: Playbook, image: ImageFlags, where: RegistryFlags, flags: DeployFlags) -> tuple[Step, ...]:
    """Return the steps of `deploy`: a version's service, or with `rollback` that of before."""
    target = playbook.settings.app(image.app)
    version = typed_version(image)
    replicas = replicas_of(flags)
    if not flags.rollback:
        destination, deployed = playbook.destination(target, where), playbook.settings.deployed(image.app)
        if version:
            destination.tags(version)  # raises an error if this version cannot be published
        from seatrial.steps.deploy.deploy import Deploy

        return (
            Deploy(
                target=deployed, version=version, destination=destination, replicas=replicas, untested=flags.untested
            ),
        )
    if version or replicas:
        raise UsageError(
            f"--rollback and {'--version' if version else '--replicas'} exclude each other",
            reason="the way back is to what the service ran before its last update, whatever that was",
            hint=f"invoke deploy --version {version}" if version else "invoke deploy --rollback",
        )
    from seatrial.steps.deploy.back import DeployRollback

    return (DeployRollback(target=target),)


def scale_steps(playbook: Playbook, which: AppFlag, flags: ReplicasFlag) -> tuple[Step, ...]:
    """Return the steps of `scale`; raise `UsageError` without a number."""
    target = playbook.settings.app(which.app)
    if flags.replicas is None:
        raise UsageError("no number of replicas", reason="--replicas was not given", hint="--replicas 2")
    replicas = _replicas(flags.replicas)
    from seatrial.steps.deploy.scale import Scale

    return (Scale(target=target, replicas=replicas),)


def undeploy_steps(playbook: Playbook, which: AppFlag) -> tuple[Step, ...]:
    """Return the steps of `undeploy`."""
    target = playbook.settings.app(which.app)
    from seatrial.steps.deploy.undeploy import Undeploy

    return (Undeploy(target=target),)


def replicas_of(flags: ReplicasFlag) -> int | None:
    """Return the number of replicas that was typed, None for none; raise `UsageError` for what is no number."""
    return None if flags.replicas is None else _replicas(flags.replicas)


def _replicas(text: str) -> int:
    reason = "it takes a whole number from 1 to 9999; undeploy removes the service"
    return whole_number(text, "--replicas", least=1, most=9999, reason=reason, example=2)
