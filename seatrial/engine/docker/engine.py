"""The Docker Engine itself, through the SDK's low-level client, which is loaded on first use."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.engine.connection import Connection, api_url
from seatrial.engine.docker.containers import Containers
from seatrial.engine.failures import AbsentError, engine_message, message_in
from seatrial.engine.model import BuildRequest, EngineDetails, EngineInfo, HistoryEntry, Image
from seatrial.engine.parsing import details_of, history_of, image_of, label_filter, listed_image, platform_of
from seatrial.engine.protocol import Emit
from seatrial.errors import EngineUnavailable, StepFailed
from seatrial.model.app import BuildOptions
from seatrial.model.reference import ImageReference
from seatrial.registry.credentials import Credential

if TYPE_CHECKING:  # most commands have nothing to do with a swarm
    from seatrial.engine.swarm import Swarm

__all__ = ["DockerEngine", "auth_header"]

_MORE_LISTINGS = 20
_LISTING_PAUSE = 0.05


class DockerEngine(Containers):
    """The `Engine` that talks to Docker; it connects on first use."""

    def __init__(self, connection: Connection | None = None) -> None:
        super().__init__(connection or Connection())

    @property
    def endpoint(self) -> str:
        """The engine's address as in DOCKER_HOST."""
        return self._connection.endpoint.url

    @property
    def published_host(self) -> str:
        """The host at which published ports answer: 127.0.0.1, or that of an engine on another machine."""
        return self._connection.endpoint.published_host

    def report_waiting(self, tell: Callable[[str], object]) -> None:
        """Call `tell` with a sentence when an answer is being waited for."""
        self._connection.tell = tell

    def info(self) -> EngineInfo:
        """Return the engine's version and API."""
        with self._connection.translate_errors():
            client = self._connection.client
            version = client.version()
            return EngineInfo(
                endpoint=self.endpoint, version=version.get("Version") or "(unknown)", api=client.api_version
            )

    def details(self) -> EngineDetails:
        """Return what the engine reports about itself; slower than `info`."""
        with self._connection.translate_errors():
            return details_of(self._connection.client.info())

    def platform(self) -> str:
        """Return the platform that the engine builds for, as in `linux/amd64`."""
        with self._connection.translate_errors():
            version = self._client.version()
        if found := platform_of(version.get("Os"), version.get("Arch")):
            return found
        raise EngineUnavailable(
            "the engine's platform is not known",
            reason=f"what answers at {self.endpoint} does not report it",
            hint="docker version, or give --platform",
        )

    @cached_property
    def swarm(self) -> Swarm:
        """The swarm that the engine manages, or could."""
        from seatrial.engine.docker.swarm import DockerSwarm

        return DockerSwarm(self._connection)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def image(self, name_or_id: str) -> Image | None:
        """Return the image of that name or id, or None."""
        translated = self._connection.translate_errors(f"the image {name_or_id} cannot be inspected")
        with suppress(AbsentError), translated:
            return image_of(self._connection.client.inspect_image(name_or_id))
        return None

    def images(self, labels: Mapping[str, str] | None = None) -> list[Image]:
        """Return the images with all these labels, newest first."""
        for _ in range(_MORE_LISTINGS):
            with suppress(AbsentError):  # with the containerd image store, if an image is removed during the listing
                return self._images(labels or {})
            time.sleep(_LISTING_PAUSE)
        return self._images(labels or {})

    def _images(self, labels: Mapping[str, str]) -> list[Image]:
        with self._connection.translate_errors("the images cannot be listed"):
            found = self._connection.client.images(filters={"label": label_filter(labels)})
        return [listed_image(entry) for entry in found]

    def inspect_image(self, name_or_id: str) -> dict[str, Any]:
        """Return Docker's own description of an image; raise `StepFailed` if there is no such image."""
        with self._connection.translate_errors(f"the image {name_or_id} cannot be inspected"):
            found: dict[str, Any] = self._connection.client.inspect_image(name_or_id)
            return found

    def history(self, name_or_id: str) -> list[HistoryEntry]:
        """Return an image's history, newest layer first; raise `StepFailed` if there is no such image."""
        with self._connection.translate_errors(f"the history of {name_or_id} cannot be read"):
            return history_of(self._connection.client.history(name_or_id))

    def builder(self, options: BuildOptions) -> str:
        """Return the name of the builder for these options; raise `Unavailable` if no builder here supports them."""
        from seatrial.engine.builders.build import builder

        return builder(self._connection, options, self._client)

    def build(self, request: BuildRequest, emit: Emit) -> str:
        """Build an image and return its id; raise `BuildFailed` if the build fails."""
        from seatrial.engine.builders.build import build

        build(self._connection, request, emit, self._client)
        name = request.reference.familiar
        image = self.image(name)
        return image.id if image else str(self.inspect_image(name)["Id"])  # raises the engine's error

    def tag(self, image_id: str, reference: ImageReference) -> None:
        """Point a name to an image."""
        with self._connection.translate_errors(f"{reference.familiar} cannot be tagged"):
            self._client.tag(image_id, reference.name, tag=reference.tag)

    def untag(self, reference: ImageReference) -> None:
        """Remove a name; the image itself is removed if this was its last name."""
        translated = self._connection.translate_errors(f"{reference.familiar} cannot be untagged")
        with suppress(AbsentError), translated:
            self._connection.client.remove_image(reference.familiar)

    def remove_image(self, image_id: str) -> None:
        """Remove an image that has at most one name; do nothing if it is absent. Raise `StepFailed` if it is in use."""
        with suppress(AbsentError), self._connection.translate_errors(f"the image {image_id} cannot be removed"):
            self._connection.client.remove_image(image_id)

    def disk_use(self) -> int | None:
        """Return the bytes of all image layers and of the build cache, each counted once; None if the engine fails."""
        with suppress(StepFailed), self._connection.translate_errors("the disk usage cannot be read"):
            client = self._connection.client
            # From API 1.42 on, the types that are asked for; before, the engine counts volumes and containers, too.
            response = client.get(api_url(client, "system/df"), params={"type": ["image", "build-cache"]})
            client._raise_for_status(response)  # noqa: SLF001  its errors hold the engine's message
            found = response.json()
            cache = (one["Size"] for one in found.get("BuildCache") or () if not one["Shared"])
            return int(found["LayersSize"]) + int(sum(cache))
        return None

    def pull(
        self, reference: ImageReference, credential: Credential | None, emit: Emit, *, platform: str | None = None
    ) -> None:
        """Pull an image, for a platform such as `linux/arm64`; raise `RegistryUnavailable` or `StepFailed`."""
        _ = self._connection.client  # loads the SDK, without what it does not need
        from docker.errors import APIError

        from seatrial.engine.docker.transfer import follow_transfer, transfer_error

        with self._connection.translate_errors(f"{reference.familiar} cannot be pulled"):
            try:
                stream = self._connection.client.pull(
                    reference.name,
                    tag=reference.digest or reference.tag or "latest",
                    stream=True,
                    decode=True,
                    auth_config=_auth_config(credential),
                    platform=platform,
                )
                follow_transfer(stream, reference, "pull", credential, emit)
            except APIError as error:
                raise transfer_error(engine_message(error), reference, "pull", credential) from error

    def push(
        self, reference: ImageReference, credential: Credential | None, emit: Emit, *, stall: float = 120
    ) -> str | None:
        """Push one tag and return the digest that the engine reports, or None.

        Raise an error from the stream, or `RegistryUnavailable` after `stall` seconds without a message. Only the
        registry knows whether it holds the image now.
        """
        from seatrial.engine.docker.transfer import follow_transfer, transfer_error, translate_push_errors
        from seatrial.engine.messages import read_messages

        with (
            self._connection.translate_errors(f"{reference.familiar} cannot be pushed"),
            translate_push_errors(reference, stall),
        ):
            client = self._client
            response = client.post(
                api_url(client, f"images/{reference.name}/push"),
                params={"tag": reference.tag or "latest"},
                headers=auth_header(credential),
                stream=True,
                timeout=stall,
            )
            with response:  # closing it early makes the engine stop
                if not response.ok:
                    raise transfer_error(message_in(response.text), reference, "push", credential)
                stream = read_messages(response.iter_content(chunk_size=None))
                return follow_transfer(stream, reference, "push", credential, emit)

    def import_image(self, archive: Path, reference: ImageReference, changes: Sequence[str]) -> str:
        """Import the tar of a root file system, apply Dockerfile instructions, and return the image's id."""
        with (
            self._connection.translate_errors(f"{reference.familiar} cannot be imported from {archive}"),
            archive.open("rb") as body,
        ):
            client = self._connection.client
            response = client.post(
                api_url(client, "images/create"),
                params={
                    "fromSrc": "-",
                    "repo": reference.name,
                    "tag": reference.tag,
                    "changes": list(changes),
                },
                data=body,
                timeout=None,
            )
            client._raise_for_status(response)  # noqa: SLF001  the SDK's own import_image joins `changes` wrongly
        image = self.image(reference.familiar)
        if image is None:
            raise StepFailed(f"{reference.familiar} was not created", reason=response.text, hint="docker system df")
        return image.id


def auth_header(credential: Credential | None) -> dict[str, str]:
    """Return the credentials as the header in which the engine takes them."""
    return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(_auth_config(credential)).encode()).decode()}


def _auth_config(credential: Credential | None) -> dict[str, str]:
    """Return the credentials as the SDK wants them; without any an empty dictionary, as None crashes engine 28.3.3."""
    if credential is None:
        return {}
    if credential.token:
        return {credential.kind.value: credential.secret.reveal()}
    return {"username": credential.user, "password": credential.secret.reveal()}
