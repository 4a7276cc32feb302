"""The settings, validated once."""

from __future__ import annotations

import os
import re
from collections import ChainMap
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Struct, field

from seatrial.errors import UsageError, sanitize
from seatrial.model.app import App
from seatrial.model.check import Check
from seatrial.model.deployment import Deployment, PublishedPort
from seatrial.model.names import parse_name, slug
from seatrial.model.reference import DOCKER_HUB, parse_registry, parse_user
from seatrial.model.setting_types import Parsed, Port, Text, Validated, about
from seatrial.settings.needs import with_needed
from seatrial.settings.reading import Reader
from seatrial.settings.settings_file import find_settings_file
from seatrial.settings.variables import variables
from seatrial.wording import nearest

if TYPE_CHECKING:
    from seatrial.settings.compose_rules import Setting as ComposeSetting

__all__ = ["HOOK_POINTS", "Settings", "build_context"]


HOOK_POINTS = tuple(
    f"{when}_{step}"
    for step in ("build", "smoke", "push", "rollback", "deploy", "run", "stop")
    for when in ("before", "after")
)
"""Where hooks can run."""
_OWNERS: dict[type[Struct], str] = {
    App: "an app (apps: NAME:)",
    Check: "a check (checks:)",
    Deployment: "a deployment (deploy:)",
    PublishedPort: "a port of a deployment (ports:)",
}


class Settings(Validated, frozen=True, kw_only=True):
    """The settings of one project.

    `root` is the folder of the settings file, and `environment` the environment, such as staging, whose settings these
    are (empty for none). `files` are where they come from, the most important first. `composed` are the apps with a
    compose file, as the settings give them.
    """

    root: Path
    environment: str = ""
    files: tuple[Path, ...] = ()
    project: Annotated[
        str, Parsed(parse_name), about("labels everything we create in the engine; default: the folder's name")
    ] = ""
    registry: Annotated[str, Parsed(parse_registry), about("the registry for tag and push")] = DOCKER_HUB
    user: Annotated[str | None, Parsed(parse_user), about("the user in the image's name")] = None
    local_registry_port: Annotated[Port, about("the port of the local registry that up starts")] = 5050
    browser: Annotated[str | None, about("the program for smoke --browser; default: the first Chromium found")] = None
    hooks: Annotated[
        Mapping[str, tuple[Text, ...]],
        about("tasks of your own tasks.py that run before and after steps, such as before_push: [migrate]"),
    ] = field(default_factory=dict)
    apps: Annotated[Mapping[str, App], about("the apps by name; default: one in the file's folder")] = field(
        default_factory=dict
    )
    composed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def load(cls, raw: Mapping[str, Any], root: Path, files: Sequence[Path] = (), *, environment: str = "") -> Settings:
        """Validate `raw` (the mapping under `seatrial`) for the project in `root`.

        Raise `UsageError` with file and line and, for a misspelt key, the nearest known one. `files` are where `raw`
        comes from, the most important first; default: the settings file in `root`. `environment` is as in the class.
        """
        files = tuple(files) or (find_settings_file(root),)
        reader = Reader(root=root, files=files, owners=_OWNERS | {cls: "the project"})
        own = slug(root.resolve().name)
        given = {"project": own, **reader.convert(_given(raw), dict[str, Any], ())}
        apps = reader.convert(given.pop("apps", None) or {own: {}}, dict[str, Any], ("apps",))
        settings = reader.read(given, cls, (), root=root, environment=environment, files=files)
        if wrong := next((point for point in settings.hooks if point not in HOOK_POINTS), None):
            hint = f"write '{nearest(wrong, HOOK_POINTS)}'" if nearest(wrong, HOOK_POINTS) else ""
            raise reader.error(("hooks", wrong), f"no step has the point '{wrong}'", hint)
        made = {name: _app(reader, settings, name, _given(app)) for name, app in apps.items()}
        composed = {name: _given(apps[name]) for name, app in made.items() if app.deploy.compose}
        return settings.but(apps=with_needed(reader, made), composed=composed)

    def deployed(self, names: str | Sequence[str] | None = None) -> App:
        """Return the app as `deploy` takes it: with what its compose file says, if the settings name one.

        Raise `UsageError` as `app`, and for a compose file that cannot be taken as it is.
        """
        app = self.serving(names)
        if app.deploy.compose is None:
            return app
        from seatrial.settings.compose import compose_settings

        trail = ("apps", app.name)
        reader = Reader(root=self.root, files=self.files, owners=_OWNERS)
        try:
            found = compose_settings(app, app.deploy.compose, variables())
        except FileNotFoundError as error:
            raise reader.error((*trail, "deploy", "compose"), f"there is no file {app.deploy.compose}") from error
        # The settings are valid by themselves: what is wrong now, the compose file says.
        service = found["deploy", "compose_service"].part
        places = {(*trail, *keys[:-1]): one.part for keys, one in found.items()}
        places |= {(*trail, *keys): one.part for keys, one in found.items()}
        reader = reader._replace(compose=places | {trail: service, (*trail, "deploy"): service})
        whole = _app(reader, self, app.name, self.composed[app.name], tuple(found.values()))
        return whole.but(needed=app.needed)

    def serving(self, names: str | Sequence[str] | None = None) -> App:
        """Return the app as `app` does; raise `UsageError` also if it serves nothing."""
        app = self.app(names)
        if app.serves:
            return app
        reason = "its checks are commands, not requests"
        raise UsageError(f"{app.name} serves nothing", reason=reason, hint=f"invoke smoke --app {app.name}")

    def app(self, names: str | Sequence[str] | None = None) -> App:
        """Return the app of that name, or of the one name in a list; without a name, the project's only app.

        Raise `UsageError` otherwise.
        """
        chosen = list(dict.fromkeys([names] if isinstance(names, str) else names or self.apps))
        if len(chosen) == 1:
            return self._app(chosen[0])
        first, several = min(chosen), ", ".join(sorted(chosen))
        if names:
            raise UsageError("this is about one app", reason=f"--app named {several}", hint=f"--app {first}")
        raise UsageError("no app selected", reason=f"this project has {several}", hint=f"--app {first}")

    def chosen(self, names: Sequence[str] | None = None) -> tuple[App, ...]:
        """Return the apps of these names, or all: an app comes after those it needs. Raise `UsageError` as `app`."""
        wanted = {self._app(name).name for name in names or self.apps}
        return tuple(app for name, app in self.apps.items() if name in wanted)

    def _app(self, name: str) -> App:
        known = ", ".join(sorted(self.apps))
        if name not in self.apps:
            raise UsageError(
                f"there is no app {sanitize(repr(name), limit=60)}",
                reason=f"the apps in {find_settings_file(self.root).name} are {known}",
                hint=f"--app {nearest(name, self.apps) or min(self.apps)}",
            )
        return self.apps[name]


def _app(
    reader: Reader,
    settings: Settings,
    name: str,
    given: Any,  # noqa: ANN401  whatever the file holds
    compose: Sequence[ComposeSetting] = (),
) -> App:
    """Return an app with what follows from its name and its folder, and with what a compose file adds."""
    if isinstance(given, dict):
        context = given.get("context", ".")
        given = {"context": ".", "dockerfile": f"{context}/Dockerfile", "repository": slug(name), **given}
        if isinstance(mode := given.get("image_facts"), bool):  # what YAML makes of on and off
            given["image_facts"] = "warn" if mode else "off"
        given = _filled(reader, given, ("apps", name))
        if compose:
            from seatrial.settings.compose import laid_under

            given = laid_under(given, compose)
    app = reader.read(
        given,
        App,
        ("apps", name),
        project=settings.project,
        name=reader.parse(name, parse_name, ("apps", name)),
        root=reader.root.resolve(),
        settings_environment=settings.environment,
    )
    options = app.build.but(
        contexts={key: build_context(place, reader.root) for key, place in app.build.contexts.items()},
        secrets={key: _build_secret(source, reader.root) for key, source in app.build.secrets.items()},
    )
    return app.but(build=options, unset=frozenset({"port", "host_port"} - set(given or ())))


def _filled(reader: Reader, given: dict[str, Any], trail: tuple[str, ...]) -> dict[str, Any]:
    """Return an app's settings with the env files read, and with the environment's variables filled in."""
    if not given.keys() & {"environment", "build_args", "env_file"}:
        return given
    from seatrial.settings.interpolation import interpolate, read_env_file

    process, filled = variables(), dict(given)
    for key in ("environment", "build_args"):
        if isinstance(values := given.get(key), Mapping):
            filled[key] = {
                name: reader.parse(value, partial(interpolate, variables=process), (*trail, key, name))
                if isinstance(value, str)
                else value
                for name, value in values.items()
            }
    if (paths := given.get("env_file")) is not None:
        files = reader.convert([paths] if isinstance(paths, str) else paths, list[Path], (*trail, "env_file"))
        parts = [reader.parse(file, partial(read_env_file, variables=process), (*trail, "env_file")) for file in files]
        named = reader.convert(filled.get("environment", {}), dict[str, str], (*trail, "environment"))
        filled["environment"] = dict(ChainMap(named, *reversed(parts)))
    return filled


def _given(settings: Any) -> Any:  # noqa: ANN401  as above
    """Return a mapping without the settings that have no value."""
    if not isinstance(settings, Mapping):
        return {} if settings is None else settings
    return {key: value for key, value in settings.items() if value is not None}


def build_context(place: str, root: Path) -> str:
    """Return an extra context for docker buildx: images (`docker-image://…`) and URLs unchanged, folders absolute."""
    elsewhere = "://" in place or re.match(r"[\w.-]+@[\w.-]+:", place)
    return place if elsewhere else os.path.realpath(root / place)


def _build_secret(source: str, root: Path) -> str:
    kind, _, what = source.partition("=")
    return f"src={os.path.realpath(root / Path(what).expanduser())}" if kind == "src" else source
