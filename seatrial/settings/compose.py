"""What a compose file says of an app's service, as settings of the app."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from seatrial.errors import UsageError
from seatrial.model.app import App
from seatrial.model.reference import ImageReference
from seatrial.settings.compose_file import Part, read_compose_file
from seatrial.settings.compose_ports import with_own_port
from seatrial.settings.compose_rules import Refused, Setting
from seatrial.settings.compose_service import SERVICE, TOP
from seatrial.settings.compose_things import networks
from seatrial.wording import nearest

__all__ = ["compose_settings", "laid_under"]

_Keys = tuple[str, ...]


def compose_settings(app: App, path: Path, environment: Mapping[str, str]) -> dict[_Keys, Setting]:
    """Return the settings that a compose file gives for an app's service, by their keys.

    Raise `FileNotFoundError` if the file is not there, and `UsageError` if it is not valid, if it is not clear which of
    its services is the app's, and for everything in it that `deploy` does not understand.
    """
    root = read_compose_file(path, environment)
    if root.value is not None and (refused := [one for one in TOP(root) if isinstance(one, Refused)]):
        raise _not_understood(refused)
    service = _service(root, app)
    found = list(_said(service))
    if refused := [one for one in found if isinstance(one, Refused)]:
        raise _not_understood(refused)
    chosen = Setting(("deploy", "compose_service"), service.trail[-1], service)
    settings: dict[_Keys, Setting] = {chosen.keys: chosen}
    for one in found:
        if isinstance(one, Setting):
            settings[one.keys] = _both(settings[one.keys], one) if one.keys in settings else one
    settings = with_own_port(settings, app)
    if ("deploy", "port") not in settings and app.deploy.port is None and "host_port" in app.unset:
        raise service.error(
            "it publishes no port for TCP, and deploy would publish one",
            f"write ports there, or deploy: {{port: {app.host_port}}} under apps.{app.name} in invoke.yaml",
        )
    return settings


def laid_under(given: Mapping[str, Any], settings: Sequence[Setting]) -> dict[str, Any]:
    """Return an app's settings with those of a compose file; what `given` names stays.

    Environment variables, volumes, secrets and configs are taken one by one, other values and lists as a whole.
    """
    whole = dict(given)
    if isinstance(secrets := (whole.get("deploy") or {}).get("secrets"), list | tuple):
        whole["deploy"] = {**whole["deploy"], "secrets": {name: name for name in secrets}}
    for one in settings:
        if one.value is not None and not _is_named(whole, one.keys):
            whole = _inserted(whole, one.keys, one.value)
    return whole


def _service(root: Part, app: App) -> Part:
    """Return the app's service: the one that the settings name, or that has the app's name, image or only `build`."""
    services = dict(root.at("services").items())
    names, file = ", ".join(services), root.file.path.name
    if not services:
        raise root.error("it has no services")
    if wanted := app.deploy.compose_service:
        if wanted in services:
            return services[wanted]
        near = nearest(wanted, services) or next(iter(services))
        raise root.at("services").error(
            f"there is no service {wanted}; the services are {names}",
            f"write compose_service: {near} under apps.{app.name}.deploy in invoke.yaml",
        )
    ours = {one.name.rpartition("/")[2] for one in (app.repository, app.published_repository) if one}
    choices = (
        [app.name] if app.name in services else [],
        [name for name, one in services.items() if _image(one) in ours],
        [name for name, one in services.items() if "build" in one],
        list(services),
    )
    only = next((one[0] for one in choices if len(one) == 1), None)
    if only is None:
        raise root.at("services").error(
            f"none of its services is clearly the app {app.name}; they are {names}",
            f"write compose_service: NAME under apps.{app.name}.deploy in invoke.yaml, with a service of {file}",
        )
    return services[only]


def _image(service: Part) -> str:
    """Return the last part of the name of a service's image; empty if that cannot be read."""
    image = service.at("image")
    with suppress(UsageError):
        return ImageReference.parse(image.text()).name.rpartition("/")[2] if image.value else ""
    return ""


def _said(service: Part) -> Iterator[Setting | Refused]:
    yield from SERVICE(service)
    if "networks" not in service:  # then it is in the file's default network
        yield from networks(Part(service.file, (*service.trail, "networks"), ["default"]))


def _both(first: Setting, second: Setting) -> Setting:
    """Return what two parts say of one setting: one list, or for a variable the second."""
    if isinstance(first.value, list) and isinstance(second.value, list):
        return first._replace(value=[*first.value, *second.value])
    if first.keys[0] != "environment" and first.value != second.value:
        raise second.part.error(f"{first.part.name} on line {first.part.place.line} says something else")
    return second


def _not_understood(refused: Sequence[Refused]) -> UsageError:
    """Return the error that names every key that is not understood."""
    refused = sorted(refused, key=lambda one: one.part.place.line)
    first, *more = refused
    file = first.part.file.path
    reason = first.reason or "a service that is deployed here has no such setting"
    return UsageError(
        f"{', '.join(dict.fromkeys(one.part.name for one in refused))}: not understood by deploy",
        reason=f"{first.part.place}: {reason}",
        hint=f"remove {'them' if more else 'it'}, or move what only Compose needs from {file.name} to "
        f"{file.stem}.override{file.suffix}, which deploy does not read",
        details=tuple(f"{one.part.place}: {one.part.name}{one.reason and f': {one.reason}'}" for one in refused)
        if more
        else (),
        place=first.part.place,
    )


def _is_named(given: Any, keys: _Keys) -> bool:  # noqa: ANN401  whatever the file holds
    """Return whether settings have a value for keys, or one that leaves no place for them."""
    for key in keys:
        if not isinstance(given, Mapping):
            return True
        given = given.get(key)
        if given is None:
            return False
    return True


def _inserted(given: Mapping[str, Any], keys: _Keys, value: object) -> dict[str, Any]:
    key, *rest = keys
    return {**given, key: _inserted(given.get(key) or {}, tuple(rest), value) if rest else value}
