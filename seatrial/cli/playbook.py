"""Which steps each command is made of, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.cli.build_flags import BuildFlags
from seatrial.cli.flags import (
    AppFlag,
    DownFlags,
    ImageFlags,
    LoginFlags,
    OverwriteFlag,
    PortFlag,
    PruneFlags,
    PushFlags,
    RegistryFlags,
    ReleaseFlags,
    RollbackFlags,
    UpFlags,
)
from seatrial.cli.numbers import typed_version, whole_number
from seatrial.cli.run_flags import RunFlags
from seatrial.cli.smoke_steps import browser
from seatrial.errors import UsageError
from seatrial.model.reference import DOCKER_HUB, parse_login, parse_registry, parse_user
from seatrial.model.version import Version

if TYPE_CHECKING:  # wrong use ends before the pipeline is loaded
    from seatrial.model.app import App
    from seatrial.pipeline.ledger import Ledger
    from seatrial.pipeline.step import Step
    from seatrial.pipeline.world import World
    from seatrial.registry.credentials import Credential
    from seatrial.settings.settings import Settings
    from seatrial.steps.publish.destination import Destination

__all__ = ["Playbook"]

_PREVIOUS = "previous"
_DEMO_USER = "demo"
_DEMO_VERSION = "1"
_UP = UpFlags()


class Playbook:
    """The commands of one project, each as the steps it is made of, which are loaded once the flags have been read.

    Without a version, `build` and `release` use what git describes; every other command uses the image that was built
    last.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._described: dict[object, Version] = {}
        self._destinations: dict[tuple[str | None, str | None], tuple[Destination, ...]] = {}

    def build(self, image: ImageFlags, flags: BuildFlags) -> tuple[Step, ...]:
        """Return the steps of `build`."""
        target = flags.apply_to(self.settings.app(image.app), self.settings.root)
        version = self._version_to_build(image, target)
        from seatrial.steps.build.build import Build

        return (Build(target=target, version=version),)

    def run(self, image: ImageFlags, flags: RunFlags) -> tuple[Step, ...]:
        """Return the steps of `run`."""
        target, version = flags.apply_to(self.settings.serving(image.app)), typed_version(image)
        from seatrial.steps.serve.run import Run

        return (Run(target=target, version=version),)

    def stop(self, which: AppFlag) -> tuple[Step, ...]:
        """Return the steps of `stop`."""
        from seatrial.steps.serve.stop import Stop

        return (Stop(target=self.settings.app(which.app)),)

    def login(self, credential: Credential, where: LoginFlags) -> tuple[Step, ...]:
        """Return the steps of `login`."""
        from seatrial.steps.publish.login import Login

        return (Login(registry=self.registry(where), credential=credential, from_stdin=where.password_stdin),)

    def tag(self, image: ImageFlags, where: RegistryFlags) -> tuple[Step, ...]:
        """Return the steps of `tag`."""
        target, version = self.settings.app(image.app), typed_version(image)
        destination = self.destination(target, where)
        from seatrial.steps.publish.tag import Tag

        return (Tag(target=target, version=version, destination=destination),)

    def push(self, image: ImageFlags, where: RegistryFlags, flags: PushFlags) -> tuple[Step, ...]:
        """Return the steps of `push`."""
        target = self.settings.app(image.app)
        destination, version = self.destination(target, where), typed_version(image)
        if version:
            destination.tags(version)  # raises an error if this version cannot be published
        return (_push(target, version, destination, flags),)

    def release(
        self,
        image: ImageFlags,
        where: RegistryFlags,
        flags: ReleaseFlags,
        build_flags: BuildFlags,
    ) -> tuple[Step, ...]:
        """Return the steps of `release`; with `untested` there is no smoke test."""
        target = build_flags.apply_to(self.settings.app(image.app), self.settings.root)
        version = self._version_to_build(image, target)
        destination = self.destination(target, where)
        destination.tags(version)
        from seatrial.steps.build.build import Build
        from seatrial.steps.publish.preflight import Preflight
        from seatrial.steps.publish.tag import Tag
        from seatrial.steps.smoke.smoke import Smoke

        program = browser(self.settings, target) if flags.browser else None
        smoke = () if flags.untested else (Smoke(target=target, version=version, reuse=True, browser=program),)
        return (
            Preflight(target=target, version=version, destination=destination, overwrite=flags.overwrite),
            Build(target=target, version=version),
            *smoke,
            Tag(target=target, version=version, destination=destination),
            _push(target, version, destination, flags),
        )

    def rollback(self, which: AppFlag, where: RegistryFlags, flags: RollbackFlags, world: World) -> tuple[Step, ...]:
        """Return the steps of `rollback`; without a version, raise `UsageError` with those to choose from."""
        from seatrial.steps.publish.releases import Releases, choice
        from seatrial.steps.publish.rollback import Rollback

        target = self.settings.app(which.app)
        destination = self.destination(target, where)
        if flags.to is None:
            raise choice(world, destination)
        try:
            previous = flags.to == _PREVIOUS
            version = Releases.of(world, destination).previous() if previous else Version.parse(flags.to)
            destination.tags(version)
        except UsageError as error:
            raise error.but(hint=error.hint.replace("--version", "--to")) from error
        return (Rollback(target=target, version=version, destination=destination),)

    def up(self, flags: UpFlags = _UP) -> tuple[Step, ...]:
        """Return the steps of `up`: an engine, base images, a local registry; on request a swarm."""
        from seatrial.steps.setup.base_image import BaseImage
        from seatrial.steps.setup.engine import EngineRunning
        from seatrial.steps.setup.local_registry import LocalRegistry

        bases: dict[object, Step] = {
            app.base_images: BaseImage(target=app) for app in self.settings.apps.values() if app.base_images
        }
        swarm: tuple[Step, ...] = ()
        if flags.swarm:
            from seatrial.steps.setup.swarm import SwarmActive

            swarm = (SwarmActive(address=flags.advertise),)
        registry = LocalRegistry(port=self.settings.local_registry_port, required=not swarm)
        return (EngineRunning(), *swarm, *bases.values(), registry)

    def down(self, flags: DownFlags, *, engine_answers: bool) -> tuple[Step, ...]:
        """Return the steps of `down`; without an engine there is nothing in it to stop."""
        from seatrial.steps.serve.stop import Stop
        from seatrial.steps.serve.volumes import VolumesDeleted
        from seatrial.steps.setup.engine import EngineStopped
        from seatrial.steps.setup.local_registry import LocalRegistryStopped

        if not engine_answers:
            return (EngineStopped(),)
        apps = self.settings.apps.values()
        return (
            *(Stop(target=app) for app in apps),
            LocalRegistryStopped(volumes=flags.volumes),
            *(VolumesDeleted(target=app) for app in apps if flags.volumes and app.volumes),
            EngineStopped(),
        )

    def prune(self, flags: PruneFlags) -> tuple[Step, ...]:
        """Return the steps of `prune`: one for each app, or for the one that is named."""
        from seatrial.steps.prune.prune import Prune

        reason, given = "it takes a whole number below 10000", None
        if flags.keep is not None:
            given = whole_number(flags.keep, "--keep", least=0, most=9999, reason=reason, example=5)
        apps = self.settings.chosen(flags.app)
        return tuple(Prune(target=app, keep=app.keep if given is None else given) for app in apps)

    def demo(self, image: ImageFlags, port: PortFlag, flags: OverwriteFlag) -> tuple[Step, ...]:
        """Return the steps of `demo`: `up`, a release into the local registry, `run`."""
        chosen = ImageFlags(app=image.app, version=image.version or _DEMO_VERSION)
        where = RegistryFlags(user=_DEMO_USER, registry=f"localhost:{self.settings.local_registry_port}")
        released = self.release(chosen, where, ReleaseFlags(overwrite=flags.overwrite), BuildFlags())
        return (*self.up(), *released, *self.run(chosen, RunFlags(port=port.port)))

    def registry(self, where: RegistryFlags) -> str:
        """Return the given registry's host, or the one in the settings."""
        return parse_registry(where.registry) if where.registry is not None else self.settings.registry

    def user(self, where: RegistryFlags) -> str:
        """Return the given user, or the one in the settings; `UsageError` when there is neither."""
        user = parse_user(where.user) if where.user is not None else self.settings.user
        if user is None:
            raise UsageError(
                "no user",
                reason="neither --user nor the setting user names one",
                hint="--user NAME (your Docker ID on Docker Hub)",
            )
        return user

    def login_user(self, where: RegistryFlags) -> str:
        """Return who logs in: the given name, which need not be one of an image's, or the user in the settings."""
        return parse_login(where.user) if where.user is not None else self.user(where)

    def destination(self, target: App, where: RegistryFlags) -> Destination:
        """Return where an app is published; `UsageError` if another app would be published there, too."""
        found = self._destination(target, where)
        key = (where.user, where.registry)
        if key not in self._destinations:
            known = where.user or self.settings.user
            apps = (app for app in self.settings.apps.values() if known or app.published_repository)
            self._destinations[key] = tuple(self._destination(app, where) for app in apps)
        found.check(self._destinations[key])
        return found

    def known_destination(self, target: App, where: RegistryFlags, ledger: Ledger) -> Destination | None:
        """Return where an app is published; without a user, where it was released last, or None."""
        if where.user is not None or self.settings.user or target.published_repository:
            return self.destination(target, where)
        from seatrial.steps.publish.releases import last_destination

        registry = self.registry(where)
        return last_destination(ledger, target, None if registry == DOCKER_HUB and not where.registry else registry)

    def _destination(self, target: App, where: RegistryFlags) -> Destination:
        from seatrial.steps.publish.destination import Destination

        named = target.published_repository
        user = None if named and where.user is None else self.user(where)
        registry = named.registry if named and where.registry is None else self.registry(where)
        return Destination(target=target, user=user, registry=registry)

    def _version_to_build(self, image: ImageFlags, target: App) -> Version:
        """Return the given version, or what git describes; each repository is asked once."""
        if version := typed_version(image):
            return version
        from seatrial.sources.git import described_version, find_repository

        repository = find_repository(target.context)
        if repository not in self._described:
            self._described[repository] = described_version(target.context)
        return self._described[repository]


def _push(target: App, version: Version | None, destination: Destination, flags: PushFlags) -> Step:
    from seatrial.steps.publish.push import Push

    return Push(
        target=target,
        version=version,
        destination=destination,
        overwrite=flags.overwrite,
        backwards=flags.backwards,
        untested=flags.untested,
    )
