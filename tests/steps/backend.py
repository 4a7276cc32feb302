"""What a step test stands on: an engine and a registry, looked at and disturbed by another path than Seatrial's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from seatrial.engine.protocol import Engine
from seatrial.host.firewall import Redirects
from seatrial.registry.model import Registry

__all__ = ["PORT", "Backend", "Containers", "Images"]

PORT = 8080
Images = frozenset[tuple[str, tuple[str, ...]]]
Containers = frozenset[tuple[str, str, str, str]]


class Backend(Protocol):
    """An engine and a registry, and what is there for everybody to see: only what bears the project's name."""

    @property
    def engine(self) -> Engine:
        """The engine as Seatrial speaks to it."""
        ...

    @property
    def redirects(self) -> Redirects:
        """Who redirects connections."""
        ...

    @property
    def host(self) -> str:
        """The registry's host."""
        ...

    @property
    def login(self) -> tuple[str, str] | None:
        """The user and password the registry knows; None when it lets everybody in."""
        ...

    @property
    def base(self) -> str:
        """The image the app starts from."""
        ...

    def registry(self, host: str) -> Registry:
        """Return a registry as Seatrial speaks to it."""
        ...

    def images(self) -> Images:
        """Return the images: ids with their names."""
        ...

    def labels(self, name: str) -> Mapping[str, str]:
        """Return the labels of an image."""
        ...

    def containers(self) -> Containers:
        """Return the containers: names, ids, image ids and states."""
        ...

    def published(self, repository: str) -> Mapping[str, str]:
        """Return the tags the registry holds, with their digests."""
        ...

    def image_ids(self, repository: str, tag: str) -> frozenset[str]:
        """Return the ids an image may have that the registry holds under a tag."""
        ...

    def saved(self) -> str | None:
        """Return `user:password` as it is kept for the registry."""
        ...

    def save_login(self, user: str, password: str) -> None:
        """Keep a login for the registry, as `docker login` would."""
        ...

    def put_image(self, name: str, labels: Mapping[str, str] | None = None) -> None:
        """Let a name point to an image that Seatrial did not build; with labels to one that bears them."""
        ...

    def remove_image(self, image_id: str) -> None:
        """Take an image away with all its names."""
        ...

    def publish(self, repository: str, tag: str, labels: Mapping[str, str] | None = None) -> str:
        """Let the registry hold an image that Seatrial neither built nor pushed; give its digest.

        The engine holds it no longer then.
        """
        ...

    def put_container(self, name: str, labels: Mapping[str, str], host_port: int = 0) -> str:
        """Start a container that Seatrial did not make; give its id."""
        ...

    def clean(self) -> None:
        """Take away what bears the project's name and not its label."""
        ...
