"""The JSON documents about apps: the list of them, an app's service and its deployments."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from seatrial.output.document_part import Part

__all__ = ["AppDocument", "AppsDocument", "DeploymentDocument", "ServiceDocument"]


class AppDocument(Part, frozen=True, kw_only=True):
    """An app of the project; paths are relative to the project's folder, `repository` is the image's name here."""

    name: str
    context: str
    dockerfile: str
    repository: str
    port: int
    host_port: int


class AppsDocument(Part, frozen=True, kw_only=True, tag_field="schema", tag="seatrial.apps/1"):
    """The apps of the project."""

    apps: tuple[AppDocument, ...]


class ServiceDocument(Part, frozen=True, kw_only=True):
    """An app's service in the swarm: its image with the digest, its replicas, and how many of them serve.

    `replicas` is null if it runs once on each node. `update` is Swarm's word for how the last update ended, or null.
    """

    name: str
    version: str | None
    image: str
    replicas: int | None
    serving: int
    update: str | None


class DeploymentDocument(Part, frozen=True, kw_only=True):
    """What the ledger says about a service: its `action` is `deploy`, also for the way back, `scale` or `undeploy`.

    `digest` is null if the entry has none. `when` is ISO 8601 in UTC, `who` the user and host.
    """

    action: str
    version: str
    digest: str | None
    service: str
    replicas: int | None
    when: str
    who: str
    environment: str | UnsetType = UNSET
