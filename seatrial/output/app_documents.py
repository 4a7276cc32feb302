"""The JSON documents about apps: the list of them, and an app's service."""

from __future__ import annotations

from seatrial.output.document_part import Part

__all__ = ["AppDocument", "AppsDocument", "ServiceDocument"]


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
