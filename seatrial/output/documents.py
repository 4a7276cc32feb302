"""The JSON documents of --json as types; their JSON schema is made from these, and lies beside this module."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from seatrial.layers.comparison import StepState
from seatrial.output.app_documents import AppDocument, AppsDocument, DeploymentDocument, ServiceDocument
from seatrial.output.doctor_documents import DoctorDocument
from seatrial.output.document_part import Part
from seatrial.output.explain_documents import ExplainDocument
from seatrial.output.layer_documents import LayersDocument, SharingDocument
from seatrial.pipeline.outcome import Status

__all__ = [
    "AppDocument",
    "AppsDocument",
    "ChangesDocument",
    "CheckDocument",
    "CommandDocument",
    "CommitDocument",
    "DeploymentDocument",
    "DifferenceDocument",
    "Document",
    "EngineDocument",
    "ErrorDocument",
    "ImageDocument",
    "LayerDocument",
    "ReferenceDocument",
    "ServiceDocument",
    "StatusDocument",
    "StatusesDocument",
    "StepDocument",
    "TagStatus",
    "VerdictDocument",
    "as_text",
    "check",
    "json_schema",
    "together",
]


class ErrorDocument(Part, frozen=True, kw_only=True):
    """What failed, why, and what to type next; `cause` is the cause's name in docs/causes.md, if it has one.

    `file` and `line` are the place that has to be changed, if that is known.
    """

    cause: str | UnsetType = UNSET
    file: str | UnsetType = UNSET
    line: int | UnsetType = UNSET
    message: str
    reason: str
    hint: str
    details: tuple[str, ...]


class CheckDocument(Part, frozen=True, kw_only=True):
    """A check or an image check (`about` says which): its problem, if it has one, and the app's answers in their order.

    A problem with `warns` did not fail the step.
    """

    check: str
    about: Literal["app", "image"]
    problem: str | None
    warns: bool
    seconds: float
    answers: tuple[str, ...]


class DifferenceDocument(Part, frozen=True, kw_only=True):
    """One thing that a step changes, before and after; null means nothing."""

    name: str
    before: str | None
    after: str | None


class StepDocument(Part, frozen=True, kw_only=True):
    """The outcome of a step; `before` and `after` are an image's id, a digest or an address."""

    step: str
    app: str | None
    status: Status
    message: str
    reason: str | None
    seconds: float
    attempts: int
    before: str | None
    after: str | None
    moved: str | UnsetType = UNSET
    sent_bytes: int | UnsetType = UNSET
    began: str | UnsetType = UNSET
    notes: tuple[str, ...] | UnsetType = UNSET
    checks: tuple[CheckDocument, ...] | UnsetType = UNSET
    diff: tuple[DifferenceDocument, ...] | UnsetType = UNSET
    error: ErrorDocument | UnsetType = UNSET


class EngineDocument(Part, frozen=True, kw_only=True):
    """The engine that was used."""

    endpoint: str
    version: str


class ReferenceDocument(Part, frozen=True, kw_only=True):
    """A name of the image in a registry, and the digest there; null if it is not published.

    `before` is the digest that the name had before the command; `version_before` is its version, if the name moved.
    """

    reference: str
    digest: str | None
    before: str | UnsetType = UNSET
    version_before: str | UnsetType = UNSET


class LayerDocument(Part, frozen=True, kw_only=True):
    """A step of the image's Dockerfile or base: its bytes, and the digest of its layer, null if it made none.

    `state` is what it is beside the release before: `shared`, `same content` on other layers, `new`, `made again`
    though it says the same, or a `setting` without a layer.
    """

    step: str
    size: int | None
    digest: str | None
    state: StepState | UnsetType = UNSET


class ImageDocument(Part, frozen=True, kw_only=True):
    """The image that the command was about; `size` is in bytes, `layers` are the oldest first."""

    id: str | None
    name: str | None
    size: int | None
    builder: str | None
    references: tuple[ReferenceDocument, ...]
    version: str | UnsetType = UNSET
    platform: str | UnsetType = UNSET
    revision: str | UnsetType = UNSET
    layers: tuple[LayerDocument, ...] | UnsetType = UNSET


class CommitDocument(Part, frozen=True, kw_only=True):
    """A commit of the app's files; `when` is ISO 8601 in UTC."""

    commit: str
    when: str
    author: str
    subject: str


class ChangesDocument(Part, frozen=True, kw_only=True):
    """What has changed since the release before: `version`, of the image `image` with `size` bytes.

    `changed`, `added` and `removed` name inputs of the build; null if they are not known.
    """

    version: str
    image: str | None
    size: int | None
    changed: tuple[str, ...] | None
    added: tuple[str, ...] | None
    removed: tuple[str, ...] | None
    commits: tuple[CommitDocument, ...]


class VerdictDocument(Part, frozen=True, kw_only=True):
    """A smoke test of an earlier run that counted; `checked` has a line for each check."""

    when: str
    summary: str
    checked: tuple[str, ...]
    screenshot: str | UnsetType = UNSET


class CommandDocument(Part, frozen=True, kw_only=True, tag_field="schema", tag="seatrial.command/1"):
    """How a command, or a chain of them, ended; `error` is an error outside its steps.

    `app`, `version` and `repository` (where it is published) are what it was about, `environment` whose settings were
    used, such as staging. `page` is the repository's page for people, as on Docker Hub. `documents` are those of a
    chain's tasks that only read, by the task's name. Of several apps `steps` are those of all, `image` is empty, and
    `apps` has the document of each, as it would be for this app alone.
    """

    command: str
    status: Status
    exit_code: int
    check: bool
    engine: EngineDocument | None
    steps: tuple[StepDocument, ...]
    image: ImageDocument
    environment: str | UnsetType = UNSET
    app: str | UnsetType = UNSET
    version: str | UnsetType = UNSET
    repository: str | UnsetType = UNSET
    began: str | UnsetType = UNSET
    seconds: float | UnsetType = UNSET
    changes: ChangesDocument | UnsetType = UNSET
    verdict: VerdictDocument | UnsetType = UNSET
    page: str | UnsetType = UNSET
    address: str | UnsetType = UNSET
    screenshot: str | UnsetType = UNSET
    build_log: str | UnsetType = UNSET
    error: ErrorDocument | UnsetType = UNSET
    documents: Mapping[str, Any] | UnsetType = UNSET
    apps: tuple[CommandDocument, ...] | UnsetType = UNSET


def together(documents: Sequence[CommandDocument]) -> CommandDocument:
    """Return one document of the runs of several apps, which may have been different commands."""
    newest = max(documents, key=lambda one: one.began or "")
    found = {one.status for one in documents}
    return CommandDocument(
        command=newest.command if len({one.command for one in documents}) == 1 else "report",
        status=next((one for one in (Status.FAILED, Status.UNKNOWN, Status.CHANGED) if one in found), Status.OK),
        exit_code=next((one.exit_code for one in documents if one.exit_code), 0),
        check=False,
        engine=newest.engine,
        steps=tuple(step for one in documents for step in one.steps),
        image=ImageDocument(id=None, name=None, size=None, builder=None, references=()),
        environment=newest.environment,
        began=newest.began,
        apps=tuple(documents),
    )


class TagStatus(Part, frozen=True, kw_only=True):
    """One tag: version, digests in registry and ledger, image in the engine, state, environment of its last release.

    Null means that there is nothing, `unknown` that the engine or registry did not answer, or was not asked.
    """

    tag: str
    version: str | None
    registry: str | None
    engine: str | None
    ledger: str | None
    state: str
    environment: str | UnsetType = UNSET


class StatusDocument(Part, frozen=True, kw_only=True, tag_field="schema", tag="seatrial.status/1"):
    """The tags of a repository; `more` is how many are left out, `error` hides a part of the answer.

    `service` is the app's service in the swarm that the engine manages, if there is one; `deployments` are the last 20
    in the ledger, the newest first.
    With `asked` false nobody knows where the app is published: `repository` is its name here.
    """

    repository: str
    tags: tuple[TagStatus, ...]
    more: int
    asked: bool = True
    service: ServiceDocument | UnsetType = UNSET
    deployments: tuple[DeploymentDocument, ...] | UnsetType = UNSET
    error: ErrorDocument | UnsetType = UNSET


class StatusesDocument(Part, frozen=True, kw_only=True, tag_field="schema", tag="seatrial.statuses/1"):
    """The tags of several apps' repositories."""

    apps: tuple[StatusDocument, ...]


Document = (
    CommandDocument
    | DoctorDocument
    | StatusDocument
    | StatusesDocument
    | AppsDocument
    | ExplainDocument
    | LayersDocument
    | SharingDocument
)


def as_text(document: Document) -> str:
    """Return a document as it is printed: in ASCII, so that it is valid JSON in any locale."""
    return json.dumps(msgspec.to_builtins(document), indent=2)


def check(text: str) -> None:
    """Raise `msgspec.ValidationError` if a text is none of these documents."""
    msgspec.json.decode(text, type=Document)


def json_schema() -> str:
    """Return the JSON schema of all documents, the content of documents.schema.json."""
    schema: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(schema | msgspec.json.schema(Document), indent=2) + "\n"
