"""The backend of a step test: an engine and a registry, read and changed without Seatrial's own code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from seatrial.engine.protocol import Engine
from seatrial.registry.model import Registry

__all__ = ["PORT", "Backend", "Containers", "Images"]

PORT = 8080
Images = frozenset[tuple[str, tuple[str, ...]]]
Containers = frozenset[tuple[str, str, str, str]]


class Backend(Protocol):
    """An engine and a registry. Lists contain only what has the project's name or label."""

    @property
    def engine(self) -> Engine:
        """The engine as Seatrial uses it."""
        ...

    @property
    def host(self) -> str:
        """The registry's host."""
        ...

    @property
    def login(self) -> tuple[str, str] | None:
        """The user and password of the registry's account, or None for an open registry."""
        ...

    @property
    def base(self) -> str:
        """The app's base image."""
        ...

    def registry(self, host: str) -> Registry:
        """Return a registry as Seatrial uses it."""
        ...

    def images(self) -> Images:
        """Return the images: ids with their tags."""
        ...

    def labels(self, name: str) -> Mapping[str, str]:
        """Return the labels of an image."""
        ...

    def containers(self) -> Containers:
        """Return the containers: names, ids, image ids and states."""
        ...

    def published(self, repository: str) -> Mapping[str, str]:
        """Return a repository's tags in the registry, with their digests."""
        ...

    def image_ids(self, repository: str, tag: str) -> frozenset[str]:
        """Return the ids that a published image may have in an engine."""
        ...

    def saved(self) -> str | None:
        """Return the login saved for the registry as `user:password`, or None."""
        ...

    def save_login(self, user: str, password: str) -> None:
        """Save a login for the registry as `docker login` would."""
        ...

    def put_image(self, name: str, labels: Mapping[str, str] | None = None) -> None:
        """Tag an image that Seatrial did not build; if there are labels, the image has them."""
        ...

    def remove_image(self, image_id: str) -> None:
        """Remove an image with all its tags."""
        ...

    def publish(self, repository: str, tag: str, labels: Mapping[str, str] | None = None) -> str:
        """Publish an image that Seatrial neither built nor pushed, and return its digest.

        The engine does not keep the image.
        """
        ...

    def put_container(self, name: str, labels: Mapping[str, str], host_port: int = 0) -> str:
        """Start a container that Seatrial did not create, and return its id."""
        ...

    def clean(self) -> None:
        """Remove what has the project's name but not its label."""
        ...
