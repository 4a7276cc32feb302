"""What there is: the engine, the registries and our own notes, as a step sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from seatrial.engine.model import Image
from seatrial.engine.protocol import Engine, Tell
from seatrial.errors import CredentialsError, StepFailed
from seatrial.events import Caution, Event, Note
from seatrial.host.firewall import Iptables, Redirects
from seatrial.host.lock import Holder, Lock
from seatrial.host.process import Process
from seatrial.model.app import App, Check
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.ledger import Ledger
from seatrial.pipeline.retry import Patience
from seatrial.pipeline.state import Notes, Verdict
from seatrial.registry.model import Configuration, Manifest, Registry

__all__ = ["NOT_BUILT", "Foresight", "World", "unheard"]

NOT_BUILT = "(not built yet)"
"""The id of an image that check mode foresees."""
_T = TypeVar("_T")


def unheard(event: Event) -> None:
    """Tell nobody: of what is only looked at, or was told already."""


@dataclass(frozen=True, kw_only=True)
class Foresight:
    """What will be there once a planned change is carried out: check mode shows it to the steps behind it."""

    images: tuple[Image, ...] = ()
    current: Mapping[str, Image] = field(default_factory=dict)
    proven: frozenset[str] = frozenset()
    registries: frozenset[str] = frozenset()
    engine: Engine | None = None


@dataclass(frozen=True, kw_only=True)
class World:
    """What a step may look at and work on.

    `process` is this run, `tell` hears what a registry is asked again. Outside of check mode nothing is ever foreseen,
    so that every look goes to the engine itself.
    """

    engine: Engine
    registry: Callable[[str], Registry]
    notes: Notes
    process: Process
    patience: Patience = field(default_factory=Patience)
    redirects: Redirects = field(default_factory=Iptables)
    foresight: Foresight = field(default_factory=Foresight)
    tell: Tell = unheard

    @property
    def ledger(self) -> Ledger:
        """What was released from here."""
        return Ledger(self.notes.folder / "ledger.jsonl")

    def foresee(self, more: Foresight) -> World:
        """Give the world as it will be."""
        seen = self.foresight
        return replace(
            self,
            engine=more.engine or self.engine,
            foresight=Foresight(
                images=(*more.images, *seen.images),
                current={**seen.current, **more.current},
                proven=seen.proven | more.proven,
                registries=seen.registries | more.registries,
            ),
        )

    @contextmanager
    def holding(self, lock: Lock, purpose: str, tell: Tell, *, wait: float) -> Iterator[None]:
        """Hold a lock meanwhile; that it is waited for is told. `Conflict` when it is not free in `wait` seconds."""
        waiting = lambda holder: tell(Note(text=f"waiting up to {wait:g} s: {holder}"))  # noqa: E731  one line
        with lock.held(Holder.this(self.process, purpose), wait=wait, waiting=waiting):
            yield

    def image(self, reference: ImageReference) -> Image | None:
        """Give the image of that name, or nothing."""
        for image in self.foresight.images:
            if reference.familiar in image.tags:
                return image
        return self.engine.image(reference.familiar)

    def current(self, app: App) -> Image | None:
        """Give the image this project built last, or nothing: the noted one, else the newest with the app's labels."""
        if app.name in self.foresight.current:
            return self.foresight.current[app.name]
        noted = self.notes.current(app.name)
        image = self.engine.image(noted) if noted else None
        if image and app.labels.items() <= image.labels.items():
            return image
        return next(iter(self.engine.images(app.labels)), None)

    def is_current(self, app: App, image: Image) -> bool:
        """Whether it is this image that the project built last."""
        if app.name not in self.foresight.current and self.notes.current(app.name) == image.id:
            return True
        current = self.current(app)
        return current is not None and current.id == image.id

    def chosen(self, app: App, version: Version | None) -> Image:
        """Give the image of that version, or without one the image built last; `StepFailed` when there is none."""
        if version is None:
            image, named = self.current(app), app.repository.name
        else:
            reference = app.repository.with_tag(str(version))
            image, named = self.image(reference), reference.familiar
        if image is None:
            flag = f" --version {version}" if version else ""
            raise StepFailed(
                f"there is no image {named}",
                why="the engine holds none of that name",
                mend=f"invoke build{flag}",
            )
        return image

    def held(self, reference: ImageReference) -> Manifest | None:
        """Give what the registry holds under a tag or digest, or nothing."""
        return self._asked(reference, lambda registry: registry.manifest(reference), nothing=None)

    def published_tags(self, repository: ImageReference) -> tuple[str, ...]:
        """Give all tags the registry holds of a repository."""
        return self._asked(repository, lambda registry: registry.tags(repository), nothing=())

    def configuration(self, reference: ImageReference, manifest: Manifest) -> Configuration:
        """Give what the image of a manifest, held under that name, says of itself."""
        nothing = Configuration(labels={})
        return self._asked(reference, lambda registry: registry.configuration(reference, manifest), nothing=nothing)

    def admit(self, repository: ImageReference) -> None:
        """Return unless it is known that we may not push there; `PushRefused` then."""
        self._asked(repository, lambda registry: registry.admit(repository), nothing=None)

    def point(self, reference: ImageReference, manifest: Manifest, tell: Tell) -> None:
        """Let a tag in the registry point to a manifest that the repository holds; `StepFailed` when it then does not.

        What points there already is left alone.
        """

        def once(registry: Registry) -> None:
            held = registry.manifest(reference)
            if held and held.digest == manifest.digest:
                return
            registry.point(reference, manifest)
            held = registry.manifest(reference, anew=True)
            if held is None or held.digest != manifest.digest:
                raise StepFailed(
                    f"{reference.familiar} was moved and is not there",
                    why=f"the registry holds {held.digest if held else 'nothing'}, not {manifest.digest}",
                    mend="look whether somebody else pushes there, then run it again",
                )

        self._asked(reference, once, tell, nothing=None)

    def _asked(
        self, reference: ImageReference, question: Callable[[Registry], _T], tell: Tell | None = None, *, nothing: _T
    ) -> _T:
        """Give a registry's answer, patiently; `nothing` where check mode foresees that it is only just started."""
        if reference.registry in self.foresight.registries:
            return nothing
        registry = self.registry(reference.registry)
        return self.patience.have(lambda: question(registry), tell or self.tell)

    def pull(self, reference: ImageReference, tell: Tell, *, platform: str | None = None) -> None:
        """Fetch an image with the credentials Docker keeps; what cannot be read of them is told and left out."""
        try:
            credential = self.registry(reference.registry).credential()
        except CredentialsError as error:
            tell(Caution(text=f"pulling without credentials: {error}"))
            credential = None
        self.engine.pull(reference, credential, tell, platform=platform)

    def proven(self, image: Image, checks: tuple[Check, ...], facts: str = "") -> Verdict | None:
        """Give the verdict that an image passed these checks, or nothing; `facts` is what is demanded beside them."""
        if image.id in self.foresight.proven:
            return Verdict.foreseen(image.id, checks)
        verdict = self.notes.verdict(image.id)
        return verdict if verdict and verdict.speaks_of(checks, facts) and verdict.passed else None
