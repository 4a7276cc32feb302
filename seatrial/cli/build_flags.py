"""The flags of a build, applied on top of the settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.cli.flags import Flags, flag
from seatrial.errors import UsageError, sanitize
from seatrial.settings.variables import variables

if TYPE_CHECKING:  # --list and --help do not load the model
    from seatrial.model.app import App, BuildOptions

__all__ = ["BuildFlags", "parse_pairs"]


class BuildFlags(Flags):
    """The flags of `build` and `release` as they were typed; a flag that was not typed leaves the setting as it is."""

    build_arg: Sequence[str] | None = flag("A build argument, NAME=VALUE; may be given several times.", repeatable=True)
    target: str | None = flag("The stage of the Dockerfile to build (default: the last).")
    platform: Sequence[str] | None = flag(
        "Build for this platform, such as linux/arm64; several platforms need docker buildx.", repeatable=True
    )
    build_context: Sequence[str] | None = flag(
        "An extra context, NAME=FOLDER or NAME=docker-image://IMAGE; may be given several times.", repeatable=True
    )
    cache_from: Sequence[str] | None = flag(
        "A cache for the build, IMAGE or type=…; may be given several times; needs docker buildx.", repeatable=True
    )
    cache_to: Sequence[str] | None = flag(
        "Where to store the build's cache, such as type=registry,ref=IMAGE; needs docker buildx.", repeatable=True
    )
    no_cache: bool = flag("Build without the build cache.", default=False)
    pull: bool = flag("Pull newer base images first.", default=False)

    def apply_to(self, app: App, root: Path) -> App:
        """Return the app with these flags; folders are relative to `root`.

        Raise `UsageError` for an invalid one, and for a build secret that the environment lacks.
        """
        from seatrial.model.platforms import parse_platforms
        from seatrial.settings.settings import build_context

        known = app.build
        _check_secrets(known)
        contexts = parse_pairs("--build-context", self.build_context, "NAME=FOLDER")
        platforms = [one for given in self.platform or () for one in given.split(",")]
        options = known.but(
            arguments={**known.arguments, **parse_pairs("--build-arg", self.build_arg, "NAME=VALUE")},
            target=self.target or known.target,
            platforms=parse_platforms(platforms) or known.platforms or _default_platform(),
            contexts={**known.contexts, **{name: build_context(place, root) for name, place in contexts.items()}},
            cache_from=tuple(self.cache_from or known.cache_from),
            cache_to=tuple(self.cache_to or known.cache_to),
            cache=known.cache and not self.no_cache,
            pull=self.pull or known.pull,
        )
        return app.but(build=options)


def _default_platform() -> tuple[str, ...]:
    """Return the platform in DOCKER_DEFAULT_PLATFORM, as the docker CLI takes it."""
    from seatrial.model.platforms import parse_platforms

    text = variables().get("DOCKER_DEFAULT_PLATFORM")
    try:
        return parse_platforms([text] if text else [])
    except UsageError as error:
        raise error.but(hint="set DOCKER_DEFAULT_PLATFORM to a platform such as linux/amd64, or unset it") from error


def _check_secrets(options: BuildOptions) -> None:
    for name, source in options.secrets.items():
        kind, _, variable = source.partition("=")
        if kind == "env" and variable not in variables():
            raise UsageError(
                f"the build secret {name} has no value",
                reason=f"the environment variable {variable} is not set",
                hint=f"set {variable}, as in {variable}=VALUE invoke build",
            )


def parse_pairs(flag: str, given: Sequence[str] | None, form: str) -> dict[str, str]:
    """Return the names and values of a repeatable flag; `UsageError` for one without a name or a =."""
    found = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise UsageError(
                f"{flag} {sanitize(repr(name), limit=60)} is not {form}",
                reason="the name before the = is missing"
                if equals
                else "the = is missing; values are not taken from the environment",
                hint=f"{flag} {form}",
            )
        found[name] = value
    return found
