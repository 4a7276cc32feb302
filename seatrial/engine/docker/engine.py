"""The Docker Engine itself, through the SDK's low-level client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from docker.auth import encode_header
from docker.errors import APIError, NotFound
from docker.utils.json_stream import json_stream, stream_as_text

from seatrial.engine.builders.build import build, builder
from seatrial.engine.connection import Connection, api_url, engine_words
from seatrial.engine.docker.containers import Containers
from seatrial.engine.docker.transfer import follow_transfer, transfer_error, watched
from seatrial.engine.model import BuildRequest, EngineDetails, EngineInfo, HistoryEntry, Image
from seatrial.engine.parsing import details_of, image_of, real_names
from seatrial.engine.protocol import Emit
from seatrial.errors import StepFailed
from seatrial.model.app import BuildOptions
from seatrial.model.platforms import normal_platform
from seatrial.model.reference import ImageReference
from seatrial.registry.credentials import Credential

__all__ = ["DockerEngine"]


class DockerEngine(Containers):
    """The engine as `Engine` describes it; it is spoken to on first need."""

    def __init__(self, connection: Connection | None = None) -> None:
        super().__init__(connection or Connection())

    @property
    def endpoint(self) -> str:
        """Where the engine is, as in DOCKER_HOST."""
        return self._connection.endpoint

    def info(self) -> EngineInfo:
        """Return which engine answers."""
        with self._connection.translate_errors():
            client = self._connection.client
            version = client.version()
            return EngineInfo(endpoint=self.endpoint, version=version["Version"], api=client.api_version)

    def details(self) -> EngineDetails:
        """Return what it tells of itself when asked outright: slower than `info`."""
        with self._connection.translate_errors():
            return details_of(self._connection.client.info())

    def platform(self) -> str:
        """Return the platform it builds for, as in `linux/amd64`."""
        with self._connection.translate_errors():
            version = self._connection.client.version()
            return normal_platform(f"{version['Os']}/{version['Arch']}")

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def image(self, what: str) -> Image | None:
        """Return the image of that name or id, or None."""
        with self._connection.translate_errors(f"the image {what} cannot be looked at"):
            try:
                return image_of(self._connection.client.inspect_image(what))
            except NotFound:
                return None

    def images(self, labels: Mapping[str, str] | None = None) -> list[Image]:
        """Return the images that carry all these labels, the newest first."""
        with self._connection.translate_errors("the images cannot be listed"):
            found = self._connection.client.images(filters={"label": _label_filter(labels or {})})
        return [
            Image(
                id=entry["Id"],
                tags=real_names(entry.get("RepoTags")),
                digests=real_names(entry.get("RepoDigests")),
                labels=entry.get("Labels") or {},
                created=float(entry.get("Created") or 0),
                size=int(entry.get("Size") or 0),
            )
            for entry in found
        ]

    def inspect_image(self, what: str) -> dict[str, Any]:
        """Return Docker's own description of an image; `StepFailed` when there is none."""
        with self._connection.translate_errors(f"the image {what} cannot be looked at"):
            found: dict[str, Any] = self._connection.client.inspect_image(what)
            return found

    def history(self, what: str) -> list[HistoryEntry]:
        """Return an image's history, the newest layer first; `StepFailed` when there is no such image."""
        with self._connection.translate_errors(f"the history of {what} cannot be read"):
            found = self._connection.client.history(what)
        return [
            HistoryEntry(
                id=entry["Id"],
                created=float(entry["Created"]),
                created_by=entry["CreatedBy"] or "",
                size=int(entry["Size"]),
                comment=entry.get("Comment") or "",
                tags=tuple(entry.get("Tags") or ()),
            )
            for entry in found
        ]

    def builder(self, options: BuildOptions) -> str:
        """Return who would build with these options, for people; `Unavailable` when nobody here can."""
        return builder(self._connection, options)

    def build(self, request: BuildRequest, emit: Emit) -> str:
        """Build, and give the image's id; `BuildFailed` otherwise."""
        return build(self._connection, request, emit)

    def tag(self, image_id: str, reference: ImageReference) -> None:
        """Let a name point to an image."""
        with self._connection.translate_errors(f"{reference.familiar} cannot be tagged"):
            self._connection.client.tag(image_id, reference.name, tag=reference.tag)

    def untag(self, reference: ImageReference) -> None:
        """Take a name away; the image goes with its last name."""
        with self._connection.translate_errors(f"{reference.familiar} cannot be taken away"):
            try:
                self._connection.client.remove_image(reference.familiar)
            except NotFound:
                return

    def pull(
        self, reference: ImageReference, credential: Credential | None, emit: Emit, *, platform: str | None = None
    ) -> None:
        """Fetch an image, for a platform like `linux/arm64`; `RegistryUnavailable` or `StepFailed` otherwise."""
        with self._connection.translate_errors(f"{reference.familiar} cannot be pulled"):
            try:
                stream = self._connection.client.pull(
                    reference.name,
                    tag=reference.digest or reference.tag or "latest",
                    stream=True,
                    decode=True,
                    auth_config=_auth(credential),
                    platform=platform,
                )
                follow_transfer(stream, reference, "pull", credential, emit)
            except APIError as error:
                raise transfer_error(engine_words(error), reference, "pull", credential) from error

    def push(
        self, reference: ImageReference, credential: Credential | None, emit: Emit, *, stall: float = 120
    ) -> str | None:
        """Send one tag and give the digest the engine says was pushed, where it says one.

        An error in the stream is raised, `stall` seconds without a word are one, too. Only the registry can tell
        whether it holds it now.
        """
        with self._connection.translate_errors(f"{reference.familiar} cannot be pushed"), watched(reference, stall):
            client = self._connection.client
            response = client.post(
                api_url(client, f"images/{reference.name}/push"),
                params={"tag": reference.tag or "latest"},
                headers={"X-Registry-Auth": encode_header(_auth(credential))},
                stream=True,
                timeout=stall,
            )
            with response:  # left early, the engine stops sending
                try:
                    client._raise_for_status(response)  # noqa: SLF001  its errors tell what the engine said
                except APIError as error:
                    raise transfer_error(engine_words(error), reference, "push", credential) from error
                stream = json_stream(stream_as_text(response.iter_content(chunk_size=None)))
                return follow_transfer(stream, reference, "push", credential, emit)

    def import_image(self, archive: Path, reference: ImageReference, changes: Sequence[str]) -> str:
        """Make an image of a root file system's tar with Dockerfile instructions on top; give its id."""
        with (
            self._connection.translate_errors(f"{reference.familiar} cannot be made of {archive}"),
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
            raise StepFailed(f"{reference.familiar} was not made", reason=response.text, hint="docker system df")
        return image.id


def _label_filter(labels: Mapping[str, str]) -> list[str]:
    return [f"{key}={value}" for key, value in labels.items()]


def _auth(credential: Credential | None) -> dict[str, str]:
    """Return what the engine sends to the registry; never nothing, which engine 28.3.3 does not survive."""
    if credential is None:
        return {}
    if credential.token:
        return {"identitytoken": credential.secret.reveal()}
    return {"username": credential.user, "password": credential.secret.reveal()}
