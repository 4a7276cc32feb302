"""What a step sees and works on: the engine, the registries and the saved state."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, TypeVar, cast

from msgspec import Struct, field
from msgspec.structs import replace

from seatrial.engine.model import Image
from seatrial.engine.protocol import Emit, Engine
from seatrial.errors import CredentialsError, RateLimited, RegistryUnavailable, StepFailed
from seatrial.events import Event, Info, WarningEvent
from seatrial.host.background import Background
from seatrial.host.lock import Lock, LockImpossibleError, LockOwner
from seatrial.host.process import Process
from seatrial.model.app import VERSION_LABEL, App, Check
from seatrial.model.reference import DOCKER_HUB, ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.ledger import Ledger
from seatrial.pipeline.ownership import another_build
from seatrial.pipeline.retry import RetryPolicy
from seatrial.pipeline.state import StateFolder, Verdict
from seatrial.registry.model import Configuration, Manifest, Registry
from seatrial.sources.git import Revision, last_revision

__all__ = ["NOT_BUILT", "Answers", "PlannedState", "World", "ignore"]

NOT_BUILT = "(not built yet)"
"""The id of an image that check mode assumes will be built."""
_T = TypeVar("_T")


def ignore(event: Event) -> None:
    """Discard the event."""


class PlannedState(Struct, frozen=True, kw_only=True):
    """What a planned change would create; check mode shows it to the next steps."""

    images: tuple[Image, ...] = ()
    current: Mapping[str, Image] = {}
    verified: frozenset[str] = frozenset()
    registries: frozenset[str] = frozenset()
    engine: Engine | None = None


class Answers:
    """The answers to questions that are asked once, for all apps of a run, until they are to be forgotten."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Any] = {}

    def get(self, question: Hashable, ask: Callable[[], _T]) -> _T:
        """Return the answer to a question; `ask` is called if it is not known."""
        known = self._known  # an answer that comes after `forget` is not kept
        if question not in known:
            known[question] = ask()
        return cast("_T", known[question])

    def forget(self) -> None:
        """Ask everything again."""
        self._known = {}


class World(Struct, frozen=True, kw_only=True):
    """What a step may look at and work on.

    `process` is this run; `emit` gets the retries of registry requests; what no step has to wait for is done in the
    `background`. Outside check mode `planned` is empty, so that every query goes to the engine itself.
    `answers` are those of engine and registries since a step was carried out last; while one is, there are none: it
    sees what is there now. `files` has what was read of files and git since a hook ran last.
    """

    engine: Engine
    registry: Callable[[str], Registry]
    state: StateFolder
    process: Process = field(default_factory=Process.this)
    retry_policy: RetryPolicy = RetryPolicy()
    planned: PlannedState = PlannedState()
    emit: Emit = ignore
    background: Background = field(default_factory=Background)
    answers: Answers | None = field(default_factory=Answers)
    files: Answers = field(default_factory=Answers)
    _lasting: Answers = field(default_factory=Answers)

    def once(self, key: Hashable, look: Callable[[], _T]) -> _T:
        """Return what `look` returned for this key the first time in this run."""
        return self._lasting.get(key, look)

    def revision(self, app: App) -> Revision | None:
        """Return the last commit that touched an app's context or Dockerfile; git is asked once."""
        files = (app.context, app.dockerfile)
        return self.files.get(("revision", files), lambda: last_revision(*files))

    @property
    def ledger(self) -> Ledger:
        """The ledger of this project's releases."""
        return Ledger(self.state.folder / "ledger.jsonl")

    def with_planned(self, more: PlannedState) -> World:
        """Return the world as it will be once `more` is there."""
        known = self.planned
        return replace(
            self,
            engine=more.engine or self.engine,
            planned=PlannedState(
                images=(*more.images, *known.images),
                current={**known.current, **more.current},
                verified=known.verified | more.verified,
                registries=known.registries | more.registries,
            ),
        )

    @contextmanager
    def hold_lock(self, lock: Lock, purpose: str, emit: Emit, *, wait: float, required: bool = True) -> Iterator[None]:
        """Hold `lock` for the block; emit a note while waiting; raise `Conflict` if still taken after `wait` s.

        A lock that is not `required` is done without where the state folder cannot be written.
        """

        def waiting(owner: str) -> None:
            if wait:  # otherwise the error names the owner
                emit(Info(text=f"{owner}; waiting up to {wait:g} s"))

        with ExitStack() as held:
            try:
                held.enter_context(lock.hold(LockOwner.this(self.process, purpose), wait=wait, waiting=waiting))
            except LockImpossibleError as error:
                if required or not isinstance(error.__cause__, OSError):
                    raise
                self.state.cannot_write(error.__cause__)
            yield

    def image(self, reference: ImageReference) -> Image | None:
        """Return the image with this name, or None."""
        for image in self.planned.images:
            if reference.familiar in image.tags:
                return image
        name = reference.familiar
        return self._answer(("image", name), lambda: self.engine.image(name))

    def current(self, app: App) -> Image | None:
        """Return the image this project built last, or None: the saved one, else the newest with the app's labels."""
        if app.name in self.planned.current:
            return self.planned.current[app.name]
        recorded = self.state.current(app.name)
        image = self.engine.image(recorded) if recorded else None
        if image and app.labels.items() <= image.labels.items():
            return image
        # By id, too: images without a RUN or COPY have their base image's time, and the engine's order of them varies.
        ours = [one for one in self.engine.images(app.labels) if app.is_in_environment(one.labels)]
        return max(ours, key=lambda one: (one.created, one.id), default=None)

    def is_current(self, app: App, image: Image) -> bool:
        """Return whether this is the image that the project built last."""
        if app.name not in self.planned.current and self.state.current(app.name) == image.id:
            return True
        current = self.current(app)
        return current is not None and current.id == image.id

    def image_for(self, app: App, version: Version | None) -> Image:
        """Return the image of `version`, or if it is None the image built last; raise `StepFailed` if there is none."""
        if version is None:
            image, named = self.current(app), app.repository.name
        else:
            reference = app.repository.with_tag(str(version))
            image, named = self.image(reference), reference.familiar
        if image is None:
            flag = f" --version {version}" if version else ""
            raise StepFailed(
                f"there is no image {named}",
                reason="the engine has no image of that name",
                hint=f"invoke build{flag}",
            )
        if version:
            self._check_taken(app, version, image)
        own = (f"{app.repository.familiar}:{version or ''}", f"{app.repository.familiar}:")
        return replace(image, tags=tuple(sorted(image.tags, key=lambda tag: [not tag.startswith(one) for one in own])))

    def _check_taken(self, app: App, version: Version, image: Image) -> None:
        """Raise `Conflict` if this project built the version last, and its name points to another build's image now."""
        recorded = None if app.name in self.planned.current else self.state.current(app.name)
        if recorded in (None, image.id):
            return
        own = self.engine.image(recorded)
        if own and own.labels.get(VERSION_LABEL) == str(version) and app.labels.items() <= own.labels.items():
            raise another_build(app.repository.with_tag(str(version)), f"built {own.id}", image.id)

    def published_manifest(self, reference: ImageReference) -> Manifest | None:
        """Return the manifest that a registry has under a tag or digest, or None."""
        question = ("manifest", reference, reference.registry in self.planned.registries)
        ask = partial(self._query, reference, lambda registry: registry.manifest(reference), nothing=None)
        return self._answer(question, ask)

    def published_tags(self, repository: ImageReference) -> tuple[str, ...]:
        """Return all tags of a repository in its registry."""
        return self._query(repository, lambda registry: registry.tags(repository), nothing=())

    def configuration(self, reference: ImageReference, manifest: Manifest) -> Configuration:
        """Return the image configuration of a manifest, which the registry has under that reference; asked once."""
        nothing = Configuration(labels={})
        ask = partial(self._query, reference, lambda one: one.configuration(reference, manifest), nothing=nothing)
        return self.once(("configuration", reference.name, manifest.digest), ask)

    def check_push_permission(self, repository: ImageReference) -> None:
        """Raise `PushRefused` if the registry says that we may not push to a repository; it is asked once in a run."""
        ask = partial(self._query, repository, lambda one: one.check_push_permission(repository), nothing=None)
        self.once(("push permission", repository), ask)

    def tag(self, reference: ImageReference, manifest: Manifest, emit: Emit) -> None:
        """Point a tag in the registry to a manifest of the same repository; raise `StepFailed` if it then does not.

        A tag that points there already is left alone.
        """

        def move(registry: Registry) -> None:
            held = registry.manifest(reference)
            if held and held.digest == manifest.digest:
                return
            registry.tag(reference, manifest)
            held = registry.manifest(reference, refresh=True)
            if held is None or held.digest != manifest.digest:
                raise StepFailed(
                    f"{reference.familiar} was moved, but the registry does not show it",
                    reason=f"the registry has {held.digest if held else 'nothing'}, not {manifest.digest}",
                    hint="check whether somebody else pushes there, then run it again",
                )

        self._query(reference, move, emit, nothing=None)

    def _query(
        self, reference: ImageReference, call: Callable[[Registry], _T], emit: Emit | None = None, *, nothing: _T
    ) -> _T:
        """Return a registry's answer, with retries; `nothing` if check mode assumes that the registry is empty."""
        if reference.registry in self.planned.registries:
            return nothing
        registry = self.registry(reference.registry)
        try:
            return self.retry_policy.call(lambda: call(registry), emit or self.emit)
        finally:
            self._emit_warnings(registry, emit or self.emit)

    def _answer(self, question: Hashable, ask: Callable[[], _T]) -> _T:
        return self.answers.get(question, ask) if self.answers else ask()

    def _emit_warnings(self, registry: Registry, emit: Emit) -> None:
        """Emit each warning about credentials once."""
        for text in registry.warnings:
            self.once(("warned", text), partial(emit, WarningEvent(text=text)))

    def pull(self, reference: ImageReference, emit: Emit, *, platform: str | None = None) -> None:
        """Pull an image with the credentials that Docker stores; warn and pull without if they cannot be read."""
        try:
            credential = self.registry(reference.registry).credential()
        except CredentialsError as error:
            emit(WarningEvent(text=f"pulling without credentials: {error}"))
            credential = None
        self._emit_warnings(self.registry(reference.registry), emit)
        try:
            self.engine.pull(reference, credential, emit, platform=platform)
        except RegistryUnavailable as error:
            if reference.registry != DOCKER_HUB or isinstance(error, RateLimited):
                raise
            there = f"docker pull {reference.familiar} && docker save -o base.tar {reference.familiar}"
            hint = f"on a machine that reaches Docker Hub: {there}; then here: docker load -i base.tar"
            raise error.but(hint=hint) from error

    def verified(self, image: Image, checks: tuple[Check, ...], facts: str = "") -> Verdict | None:
        """Return the verdict that an image passed these checks, or None; `facts` is the policy of the image checks."""
        if image.id in self.planned.verified:
            return Verdict.planned(image.id, checks)
        verdict = self.state.verdict(image.id)
        return verdict if verdict and verdict.covers(checks, facts) and verdict.passed else None
