"""What a service in a compose file uses: volumes, and networks, secrets and configs of the swarm."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping

from seatrial.settings.compose_file import Part
from seatrial.settings.compose_rules import Refused, Rule, Setting, only, refuse, section, skip
from seatrial.settings.compose_values import texts

__all__ = ["configs", "networks", "secrets", "tmpfs", "volumes"]

_Found = Iterator[Setting | Refused]
_TMP = "/tmp"  # noqa: S108  inside the container
_DEFAULT = "default"
_BIND = "deploy mounts no folder of a node"
_HOW = {
    "networks": "docker network create --driver overlay",
    "secrets": "docker secret create",
    "configs": "docker config create",
}


def networks(part: Part) -> _Found:
    """Take networks by the names that they have in the swarm; compose's own default network is not needed."""
    is_list = isinstance(part.value, list)
    for key, one in [(one.text(), one) for one in part.list()] if is_list else list(part.items()):
        if not is_list:
            yield from _NETWORK(one)
        if key != _DEFAULT or one.file.root.at("networks").at(key).value:
            name = yield from _in_swarm(one, "networks", key)
            yield Setting(("deploy", "networks"), [name], one)


def secrets(part: Part) -> _Found:
    """Take secrets by the names that they have in the swarm."""
    yield from _files(part, "secrets", "")


def configs(part: Part) -> _Found:
    """Take configs by the names that they have in the swarm."""
    yield from _files(part, "configs", "/")


def _files(part: Part, kind: str, folder: str) -> _Found:
    """Take what the swarm mounts as a file, which is called as in the compose file unless that names another."""
    for one in part.list():
        is_long = isinstance(one.value, Mapping)
        if is_long:
            yield from _FILE(one)
        key = (one.at("source") if is_long else one).text()
        target = one.at("target").text() if is_long and "target" in one else f"{folder}{key}"
        name = yield from _in_swarm(one, kind, key)
        yield Setting(("deploy", kind, name), target, one)


def _in_swarm(part: Part, kind: str, key: str) -> Generator[Setting | Refused, None, str]:
    """Return the name of a network, secret or config in the swarm; refuse one that compose would make."""
    definition = _definition(part, kind, key)
    external = definition.at("external")
    if not isinstance(external.value, Mapping) and (external.value is None or external.text() != "true"):
        noun = kind.removesuffix("s")
        yield Refused(definition, f"deploy makes no {noun}: {_HOW[kind]} …, then external: true")
        return key
    yield from _EXTERNAL(definition)
    named = next((one.at("name") for one in (definition, external) if "name" in one), None)
    return named.text() if named else key


def volumes(part: Part) -> _Found:
    """Take named volumes, and folders in memory."""
    for one in part.list():
        yield from _long_mount(one) if isinstance(one.value, Mapping) else _short_mount(one)


def _long_mount(part: Part) -> _Found:
    kind = part.at("type").text()
    yield from _MOUNTS.get(kind, refuse(_BIND if kind == "bind" else ""))(part)
    if kind == "tmpfs":
        yield from _in_memory(part, part.at("target").text())
    elif kind == "volume":
        source = part.at("source")
        yield from _volume(part, source.text() if source.value else "", part.at("target").text())


def _short_mount(part: Part) -> _Found:
    """Take `data:/data:rw`; a single path is a target."""
    source, colon, rest = part.text().partition(":")
    target, _, options = rest.partition(":")
    if options not in ("", "rw"):
        yield Refused(part, f"{options} is not what a volume has here, which is rw")
    yield from _volume(part, source if colon else "", target or source)


def tmpfs(part: Part) -> _Found:
    """Take folders in memory."""
    for path in texts(part):
        yield from _in_memory(part, path)


def _in_memory(part: Part, path: str) -> _Found:
    """Take a folder in memory; /tmp is one anyway."""
    if ":" in path:
        yield Refused(part, "a folder in memory here has 64 MB, and no options")
    elif path.rstrip("/") != _TMP:
        yield Setting(("tmpfs",), [path], part)


def _volume(part: Part, source: str, target: str) -> _Found:
    """Take a named volume."""
    if not source:
        yield Refused(part, "a volume without a name is lost with its container")
    elif source.startswith(("/", ".", "~")):
        yield Refused(part, _BIND)
    else:
        yield from _VOLUME(_definition(part, "volumes", source))
        yield Setting(("volumes", source), target, part)


def _definition(part: Part, kind: str, key: str) -> Part:
    """Return what the file says of a network, secret, config or volume."""
    named = part.file.root.at(kind)
    if key not in named:
        raise part.error(f"there is no {key} under {kind} in {part.file.path.name}")
    return named.at(key)


_ROOT = only("0")
_NAMES: dict[str, Rule] = {"type": skip, "source": skip, "target": skip}
_FILE = section({"source": skip, "target": skip, "uid": _ROOT, "gid": _ROOT, "mode": only("0444", "292", "0o444")})
_NETWORK = section({"priority": skip})
_EXTERNAL = section({"external": skip, "name": skip})
_VOLUME = section({"driver": only("local"), "external": only("false")})
_MOUNTS = {
    "volume": section({**_NAMES, "read_only": only("false")}),
    "tmpfs": section({**_NAMES, "tmpfs": section({"size": only("64m", "64M", "67108864")})}),
}
