"""The ports of a service in a compose file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import cycle
from typing import Any

from seatrial.model.app import App
from seatrial.settings.compose_file import Part
from seatrial.settings.compose_rules import Refused, Setting, only, refuse, section, skip

__all__ = ["ports", "with_own_port"]

_PORTS = ("deploy", "ports")
_HIGHEST = 65535
_EVERY_ADDRESS = "a service's port is published on every address of a node"
_SPEAKS = only("tcp", "udp")
_LONG = section(
    {
        "target": skip,
        "published": skip,
        "mode": only("ingress", "host"),
        "protocol": _SPEAKS,
        "host_ip": refuse(_EVERY_ADDRESS),
        "name": skip,
        "app_protocol": skip,
    }
)


def ports(part: Part) -> Iterator[Setting | Refused]:
    """Take the ports that are published."""
    for one in part.list():
        if isinstance(one.value, Mapping):
            yield from _LONG(one)
            given = {key: one.at(key).text() for key in ("target", "published", "protocol", "mode") if key in one}
        else:
            text, _, protocol = one.text().partition("/")
            address, published, target = ["", "", *text.rsplit(":", 2)][-3:]
            given = {"target": target, "published": published, "protocol": protocol.lower() or "tcp"}
            if address:
                yield Refused(one, f"{_EVERY_ADDRESS}, not only on {address}")
            yield from _SPEAKS(one._replace(value=given["protocol"]))
        if missing := next((key for key in ("target", "published") if not given.get(key)), None):
            yield Refused(one, f"{missing} is missing: deploy takes both ports, such as 5000:5000")
            continue
        inside, outside = (_numbers(one, given.pop(key)) for key in ("target", "published"))
        if len(inside) not in (1, len(outside)):
            yield Refused(one, "deploy takes as many ports on the nodes as in the container, or one there")
        pairs = zip(cycle(inside), outside, strict=False)
        yield Setting(_PORTS, [{"target": target, "published": number, **given} for target, number in pairs], one)


def _numbers(part: Part, text: str) -> range:
    """Return a port, or several as in `8000-8002`."""
    first, _, last = text.partition("-")
    numbers = [int(one) if one.isdecimal() else 0 for one in (first, last or first)]
    if not 0 < numbers[0] <= numbers[1] <= _HIGHEST:
        raise part.error(f"{text} is not a port, which is a number from 1 to {_HIGHEST}")
    return range(numbers[0], numbers[1] + 1)


def with_own_port(settings: dict[tuple[str, ...], Setting], app: App) -> dict[tuple[str, ...], Setting]:
    """Return settings in which the port that the checks ask is the app's own, and the others are more ports.

    It is the one that the app's settings name, else the first that speaks TCP.
    """
    if _PORTS not in settings:
        return settings
    _, every, part = found = settings[_PORTS]
    speak = [one for one in every if one.get("protocol", "tcp") == "tcp"]
    named = [one for one in speak if "port" not in app.unset and one["target"] == app.port]
    if not speak:
        return settings
    own: dict[str, Any] = (named or speak)[0]
    keys = {"target": ("port",), "published": ("deploy", "port"), "mode": ("deploy", "mode")}
    taken = {keys[key]: Setting(keys[key], value, part) for key, value in own.items() if key in keys}
    return {**settings, **taken, _PORTS: found._replace(value=[one for one in every if one is not own])}
