"""What ledger, engine and registry hold under each tag, and where they differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import UNSET, Struct

from seatrial.engine.model import Image
from seatrial.errors import SeatrialError, Unavailable
from seatrial.model.app import App
from seatrial.model.version import Version
from seatrial.output.app_documents import DeploymentDocument, ServiceDocument
from seatrial.output.documents import StatusDocument, StatusesDocument, TagStatus, as_text
from seatrial.output.hints import UNKNOWN_CALL, Call
from seatrial.output.json_report import error_document
from seatrial.output.service_status import deployment_documents, service_document, service_lines
from seatrial.output.tables import table
from seatrial.pipeline.world import World
from seatrial.registry.model import Manifest
from seatrial.steps.publish.destination import Destination
from seatrial.steps.publish.publication import is_same_image
from seatrial.wording import pluralize, short_digest

__all__ = ["ReleaseStatus", "release_status", "show_statuses", "tag_statuses"]

_MOST = 20
_UNKNOWN = "unknown"
_NOT_ASKED = "no registry was asked, because no user is known: invoke status --user NAME"


class ReleaseStatus(Struct, frozen=True, kw_only=True):
    """The tags of an app's repository, how many are left out, and the error that hides a part of the answer.

    `service` is the app's in the swarm; if the engine manages none, `unknown` says so. `deployments` are those in the
    ledger, the newest first. `asked` is whether it is known where the app is published.
    """

    app: str
    destination: Destination
    rows: tuple[TagStatus, ...]
    remaining: int
    asked: bool
    problem: SeatrialError | None
    service: ServiceDocument | None
    unknown: str
    deployments: tuple[DeploymentDocument, ...]


def release_status(world: World, app: App, known: Destination | None) -> ReleaseStatus:
    """Return the status of all tags of an app; no registry is asked if it is not known where the app is published."""
    destination = known or Destination(target=app, user=None)
    rows, remaining, problem = tag_statuses(world, destination, ask=known is not None)
    service, unknown = service_document(world, app)
    return ReleaseStatus(
        app=app.name,
        destination=destination,
        rows=tuple(rows),
        remaining=remaining,
        asked=known is not None,
        problem=problem,
        service=service,
        unknown=unknown,
        deployments=deployment_documents(world.ledger.newest_first(str(destination.repository)), app),
    )


def show_statuses(found: Sequence[ReleaseStatus], *, as_json: bool, call: Call = UNKNOWN_CALL) -> str:
    """Return the status of one app or of several, as tables or JSON."""
    calls = [call.about(one.app if len(found) > 1 else "") for one in found]
    if not as_json:
        return "\n\n".join(_table(one, its) for one, its in zip(found, calls, strict=True))
    documents = tuple(_document(one, its) for one, its in zip(found, calls, strict=True))
    return as_text(documents[0] if len(documents) == 1 else StatusesDocument(apps=documents))


def _document(found: ReleaseStatus, call: Call) -> StatusDocument:
    return StatusDocument(
        repository=_repository(found),
        tags=found.rows,
        more=found.remaining,
        asked=found.asked,
        error=error_document(found.problem, call) if found.problem else UNSET,
        service=found.service or UNSET,
        deployments=found.deployments or UNSET,
    )


def _repository(found: ReleaseStatus) -> str:
    return str(found.destination.repository) if found.asked else found.destination.repository.name


def _table(found: ReleaseStatus, call: Call) -> str:
    asked, rows = found.asked, found.rows
    note = "".join(f"\n{line}" for line in service_lines(found.service, found.unknown, found.deployments))
    note += "" if asked else f"\n{call.complete(_NOT_ASKED)}"
    if not rows:
        words = "not built, not released" if found.problem or not asked else "not built, not released, not published"
        return f"nothing is known about {found.destination.repository.name}: {words}{note}"
    columns = {
        "TAG": [row.tag for row in rows],
        "VERSION": [row.version or "-" for row in rows],
        "REGISTRY": [_shown(row.registry) for row in rows],
        "ENGINE": [_shown(row.engine) for row in rows],
        "LEDGER": [_shown(row.ledger) for row in rows],
        **({"ENVIRONMENT": [row.environment or "-" for row in rows]} if any(row.environment for row in rows) else {}),
        "STATE": [row.state for row in rows],
    }
    text = f"{_repository(found)}\n" + table(tuple(columns), [*zip(*columns.values(), strict=True)])
    more = f"\nand {pluralize(found.remaining, 'more tag')} in the registry" if found.remaining else ""
    return f"{text}{more}{note}"


def tag_statuses(
    world: World, destination: Destination, *, ask: bool = True
) -> tuple[list[TagStatus], int, SeatrialError | None]:
    """Return the status of each tag, the number of further tags, and the error that hides a part of the answer.

    Without `ask` the registry is left out.
    """
    repository, problem = destination.repository, None
    released = world.ledger.released(str(repository))
    entries = world.ledger.entries(str(repository))
    made_in = {tag: one.environment for one in entries for tag in one.digests if one.service is None}
    published: list[str] | None = None
    manifests: dict[str, Manifest | None] = {}
    tags, remaining = list(released), 0
    try:
        if ask:
            published = list(world.published_tags(repository))
            tags, remaining = _chosen(released, published, destination)
            manifests = {tag: world.published_manifest(repository.with_tag(tag)) for tag in tags if tag in published}
    except SeatrialError as error:  # it is down, or refuses us
        problem, published = error, None
    images: dict[str, Image | None] | None = None
    try:
        engine_images = _engine_images(world, destination)
        images = {tag: engine_images.get(tag) for tag in dict.fromkeys([*tags, *engine_images])}
        tags = list(images)
    except Unavailable as error:
        problem = problem or error
    # Of 1, 1.4 and 1.4.2 with one digest, the longest is the version; the others are moving tags.
    own = [one for one in sorted(manifests, key=lambda tag: tag.count(".")) if _version(one, destination)]
    versions = {found.digest: _version(tag, destination) for tag in own if (found := manifests[tag])}
    rows = []
    for tag in _sorted(tags, destination):
        found, image = manifests.get(tag), images.get(tag) if images is not None else None
        registry = _UNKNOWN if published is None else found.digest if found else None
        engine = _UNKNOWN if images is None else image.id if image else None
        digest = found.digest if found else released.get(tag, "")
        version = versions.get(digest) or _version(tag, destination)
        same = image is not None and is_same_image(image, repository.with_tag(tag), found)
        state = _state(registry, engine, released.get(tag), same=same) if ask else "not asked"
        rows.append(
            TagStatus(
                tag=tag,
                version=str(version) if version else None,
                registry=registry,
                engine=engine,
                ledger=released.get(tag),
                state=state,
                environment=made_in.get(tag) or UNSET,
            )
        )
    return rows, remaining, problem


def _chosen(released: Iterable[str], published: list[str], destination: Destination) -> tuple[list[str], int]:
    """Return the tags to show, and how many are left out.

    Shown are the tags that were released from here last, the newest other versions, and the moving tags of all these.
    """
    moves = {tag: _moving(tag, destination) for tag in published}
    always = frozenset(destination.target.tags)  # latest
    moving = always.union(*moves.values())
    known = dict.fromkeys([*released][-2 * _MOST :])
    versions = [tag for tag in _sorted(published, destination) if tag not in known and tag not in moving]
    shown = [*known, *versions[:_MOST]]
    with_them = always.union(*(moves.get(tag, ()) for tag in shown))
    shown += [tag for tag in published if tag in with_them and tag not in known]
    return shown, len(set(published).difference(shown))


def _version(tag: str, destination: Destination) -> Version | None:
    """Return the version whose own tag this could be, or None; a moving tag such as 1.4 could be one, too."""
    if tag in destination.target.tags:
        return None
    return next(iter(Version.published([tag], destination.target.tags)), None)


def _moving(tag: str, destination: Destination) -> frozenset[str]:
    """Return the tags that move with the release whose own tag this could be."""
    version = _version(tag, destination)
    return frozenset(version.tags(destination.target.tags).moving if version and version.release else ())


def _engine_images(world: World, destination: Destination) -> dict[str, Image]:
    """Return the app's images in the engine by tag, under their local names and the published ones."""
    found: dict[str, Image] = {}
    for image in world.engine.images(destination.target.labels):
        for name in image.tags:
            name_here, _, tag = name.rpartition(":")
            if name_here == destination.repository.name:
                found[tag] = image
            elif name_here == destination.target.repository.name:
                found.setdefault(tag, image)
    return found


def _sorted(tags: Iterable[str], destination: Destination) -> list[str]:
    """Return the tags with the newest release first; tags of no release come last."""
    versions = {tag: _version(tag, destination) or Version("") for tag in sorted(set(tags))}
    always = destination.target.tags  # latest
    return sorted(versions, key=lambda tag: (versions[tag].ordered, tag.count("."), tag in always), reverse=True)


def _state(registry: str | None, engine: str | None, ledger: str | None, *, same: bool) -> str:
    """Return the state of a tag: the first that fits."""
    words = {
        "unknown": registry == _UNKNOWN,
        "gone": registry is None and ledger is not None,
        "not published": registry is None,
        "not as released": ledger not in (None, registry),
        "engine unknown": engine == _UNKNOWN,
        "no image here": engine is None,
        "up to date": same,
    }
    return next((word for word, fits in words.items() if fits), "local image differs")


def _shown(digest: str | None) -> str:
    return "-" if digest is None else short_digest(digest)
