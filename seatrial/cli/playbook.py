"""Which steps each command is made of, in their order."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from seatrial.cli.build_flags import BuildFlags
from seatrial.cli.run_flags import RunFlags
from seatrial.errors import UsageError
from seatrial.model.app import App
from seatrial.model.reference import parse_registry, parse_user
from seatrial.model.version import Version
from seatrial.pipeline.step import Step
from seatrial.registry.credentials import Credential
from seatrial.settings.settings import Settings
from seatrial.sources.git import described_version
from seatrial.steps.publish.destination import Destination

__all__ = ["Playbook", "PushOverrides"]

_DEMO_USER = "demo"
_NO_FLAGS = BuildFlags()
_NO_RUN_FLAGS = RunFlags()


@dataclass(frozen=True, kw_only=True)
class PushOverrides:
    """What a push is allowed to do, exceptionally: see `Push`."""

    overwrite: bool = False
    backwards: bool = False
    untested: bool = False


_NO_OVERRIDES = PushOverrides()


@dataclass(frozen=True, kw_only=True)
class Playbook:
    """The commands of one project, each as the steps it is made of.

    A version that is not given is what git describes for `build` and `release`; every other command takes the image
    that was built last.
    """

    settings: Settings

    def build(self, *, app: str | None, version: str | None, flags: BuildFlags = _NO_FLAGS) -> tuple[Step, ...]:
        """Return the steps of `build`."""
        from seatrial.steps.build.build import Build

        target = flags.apply_to(self.settings.app(app), self.settings.root)
        return (Build(target=target, version=_version(version) or described_version(target.context)),)

    def run(self, *, app: str | None, version: str | None, flags: RunFlags = _NO_RUN_FLAGS) -> tuple[Step, ...]:
        """Return the steps of `run`."""
        from seatrial.steps.serve.run import Run

        return (Run(target=flags.apply_to(self.settings.app(app)), version=_version(version)),)

    def stop(self, *, app: str | None) -> tuple[Step, ...]:
        """Return the steps of `stop`."""
        from seatrial.steps.serve.stop import Stop

        return (Stop(target=self.settings.app(app)),)

    def smoke(
        self,
        *,
        app: str | None,
        version: str | None,
        browser: bool = False,
        url: str | None = None,
        log: bool = False,
    ) -> tuple[Step, ...]:
        """Return the steps of `smoke`: for an image, or with `url` for what is deployed there.

        With `browser` one that is there opens the page, too; with `log` what the app writes is told.
        """
        from seatrial.steps.smoke.smoke import Smoke

        target = self.settings.app(app)
        program = _browser(self.settings) if browser else None
        if url is not None:
            return (_deployed(target, url, version, program),)
        return (Smoke(target=target, version=_version(version), browser=program, log=log),)

    def login(self, credential: Credential, *, registry: str | None) -> tuple[Step, ...]:
        """Return the steps of `login`."""
        from seatrial.steps.publish.login import Login

        return (Login(registry=self.registry(registry), credential=credential),)

    def tag(self, *, app: str | None, version: str | None, user: str | None, registry: str | None) -> tuple[Step, ...]:
        """Return the steps of `tag`."""
        from seatrial.steps.publish.tag import Tag

        target = self.settings.app(app)
        return (
            Tag(
                target=target,
                version=_version(version),
                destination=self.destination(target, user, registry),
            ),
        )

    def push(
        self,
        *,
        app: str | None,
        version: str | None,
        user: str | None,
        registry: str | None,
        overrides: PushOverrides = _NO_OVERRIDES,
    ) -> tuple[Step, ...]:
        """Return the steps of `push`."""
        from seatrial.steps.publish.push import Push

        target = self.settings.app(app)
        destination = self.destination(target, user, registry)
        chosen = _version(version)
        if chosen:
            destination.tags(chosen)  # a version that cannot go out is told at once
        return (Push(target=target, version=chosen, destination=destination, **asdict(overrides)),)

    def release(  # noqa: PLR0913  one argument a flag
        self,
        *,
        app: str | None,
        version: str | None,
        user: str | None,
        registry: str | None,
        overrides: PushOverrides = _NO_OVERRIDES,
        flags: BuildFlags = _NO_FLAGS,
    ) -> tuple[Step, ...]:
        """Return the steps of `release`; with `untested` there is no smoke test."""
        from seatrial.steps.build.build import Build
        from seatrial.steps.publish.preflight import Preflight
        from seatrial.steps.publish.push import Push
        from seatrial.steps.publish.tag import Tag
        from seatrial.steps.smoke.smoke import Smoke

        target = flags.apply_to(self.settings.app(app), self.settings.root)
        chosen = _version(version) or described_version(target.context)
        destination = self.destination(target, user, registry)
        destination.tags(chosen)
        smoke = () if overrides.untested else (Smoke(target=target, version=chosen, reuse=True),)
        return (
            Preflight(target=target, version=chosen, destination=destination, overwrite=overrides.overwrite),
            Build(target=target, version=chosen),
            *smoke,
            Tag(target=target, version=chosen, destination=destination),
            Push(target=target, version=chosen, destination=destination, **asdict(overrides)),
        )

    def rollback(self, *, app: str | None, to: str | None, user: str | None, registry: str | None) -> tuple[Step, ...]:
        """Return the steps of `rollback`."""
        from seatrial.steps.publish.rollback import Rollback

        target = self.settings.app(app)
        if to is None:
            raise UsageError(
                "no version to roll back to",
                reason="--to was not given",
                hint="invoke status (shows what is published)",
            )
        destination, version = self.destination(target, user, registry), Version.parse(to)
        destination.tags(version)
        return (Rollback(target=target, version=version, destination=destination),)

    def up(self) -> tuple[Step, ...]:
        """Return the steps of `up`: an engine, base images, a local registry."""
        from seatrial.steps.setup.base_image import BaseImage
        from seatrial.steps.setup.engine import EngineRunning
        from seatrial.steps.setup.local_registry import LocalRegistry

        bases: dict[object, Step] = {
            app.base_images: BaseImage(target=app) for app in self.settings.apps.values() if app.base_images
        }
        return (
            EngineRunning(),
            *bases.values(),
            LocalRegistry(port=self.settings.local_registry_port),
        )

    def down(self, *, engine_answers: bool, volumes: bool) -> tuple[Step, ...]:
        """Return the steps of `down`; without an engine there is nothing in it to stop."""
        from seatrial.steps.serve.stop import Stop
        from seatrial.steps.setup.engine import EngineStopped
        from seatrial.steps.setup.local_registry import LocalRegistryStopped

        stops = tuple(Stop(target=app) for app in self.settings.apps.values())
        inside: tuple[Step, ...] = (*stops, LocalRegistryStopped(volumes=volumes)) if engine_answers else ()
        return (*inside, EngineStopped())

    def demo(
        self, *, app: str | None, version: str, port: str | None, overrides: PushOverrides = _NO_OVERRIDES
    ) -> tuple[Step, ...]:
        """Return the steps of `demo`: `up`, a release into the local registry, `run`."""
        registry = f"localhost:{self.settings.local_registry_port}"
        released = self.release(app=app, version=version, user=_DEMO_USER, registry=registry, overrides=overrides)
        return (*self.up(), *released, *self.run(app=app, version=version, flags=RunFlags(port=port)))

    def registry(self, given: str | None) -> str:
        """Return the given registry's host, or the one in the settings."""
        return parse_registry(given) if given is not None else self.settings.registry

    def user(self, given: str | None) -> str:
        """Return the given user, or the one in the settings; `UsageError` when there is neither."""
        user = parse_user(given) if given is not None else self.settings.user
        if user is None:
            raise UsageError(
                "no user",
                reason="neither --user nor the setting user names one",
                hint="--user NAME (your Docker ID on Docker Hub)",
            )
        return user

    def destination(self, target: App, user: str | None, registry: str | None) -> Destination:
        """Return where an app is published."""
        return Destination(target=target, user=self.user(user), registry=self.registry(registry))


def _browser(settings: Settings) -> str:
    from seatrial.checks.browser.chromium import find_browser  # late: only who visits pays for what a browser needs

    return find_browser(settings.browser)


def _deployed(target: App, url: str, version: str | None, browser: str | None) -> Step:
    from seatrial.checks.http.base_url import parse_base_url
    from seatrial.steps.smoke.deployed import Deployed

    base_url, awaited = parse_base_url(url), _version(version)
    asks = next((check for check in target.checks if check.uses_version), None)
    if awaited is None and asks:
        raise UsageError(
            f"no version for {base_url}",
            reason=f"the check {asks} uses {{version}}",
            hint=f"--url {base_url} --version VERSION",
        )
    return Deployed(target=target, base_url=base_url, awaited=awaited, browser=browser)


def _version(text: str | None) -> Version | None:
    return None if text is None else Version.parse(text)
