"""Write a version for Kubernetes, as YAML."""

from __future__ import annotations

import yaml

from seatrial.model.app import App
from seatrial.model.version import Version
from seatrial.pipeline.world import World
from seatrial.steps.deploy.manifest import manifest
from seatrial.steps.deploy.release import find_release
from seatrial.steps.publish.destination import Destination

__all__ = ["show_manifest"]


def show_manifest(  # noqa: PLR0913  each argument is one thing
    world: World, app: App, destination: Destination, version: Version | None, *, replicas: int | None, untested: bool
) -> tuple[str, str]:
    """Return the Deployment and the Service of a published version as YAML, and what the user should know, or empty."""
    release = find_release(world, destination, version, untested=untested)
    documents = manifest(app, release, replicas)
    return yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True).rstrip("\n"), release.warning


class _Dumper(yaml.SafeDumper):
    """Writes the same mapping in two places twice, not as an alias."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  the base class's signature
        return True
