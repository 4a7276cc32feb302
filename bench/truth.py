"""Compare what `docker push`, docker-py and Seatrial report about a faulty push with what the registry then holds.

    .venv/bin/python bench/truth.py [--only REGEXP]

Each pushes its own image through its own proxies, all three at the same time; the registry is queried directly.
docker-py is used as people use it: if `client.images.push()` raises nothing, it counts as success. Needs an engine, a
docker CLI that builds with BuildKit, and the images that `./inv up` makes.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import secrets
import socket
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Literal

import bcrypt
import requests

from bench.pushers import OWN_LIMIT, PUSHERS, USER, VERSION, ImageProject, PushResult, end_all, run_push
from bench.registry import MANIFESTS
from bench.timing import CommandFailed, say
from bench.workspace import BASE, Workspace, workspace
from tests.servers.engine_proxy import Cut, Empty, EngineFault, EngineProxy, Stall, engine_proxy
from tests.servers.registry_proxy import Flip, RegistryFault, RegistryProxy, Reset, Swap, refusal, registry_proxy

_PASSWORD = secrets.token_hex(8)
_UPLOADS, _MANIFESTS = "/blobs/uploads/", "/manifests/"

Place = Literal["open", "guarded", "read-only", "down"]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A row of the table: the registry that is pushed to, and what goes wrong on the way.

    The tag `other` is published with other content before the push; with `swapped` the registry receives that content
    instead of the pushed image. `short` makes all three give up soon.
    """

    name: str
    place: Place = "open"
    registry: tuple[RegistryFault, ...] = ()
    engine: tuple[EngineFault, ...] = ()
    password: str | None = None
    other: str = ""
    swapped: bool = False
    short: bool = False


def _manifest_500(times: int | None) -> tuple[RegistryFault, ...]:
    return (refusal(500, "UNKNOWN", "unknown error", method="PUT", path=_MANIFESTS, times=times),)


_DENIED = refusal(403, "DENIED", "requested access to the resource is denied", method="POST", path=_UPLOADS)
_RATE_LIMIT = refusal(429, "TOOMANYREQUESTS", "slow down", method="POST|PATCH|PUT", headers={"Retry-After": "1"})
_FAULTS = (
    Fault(name="registry down", place="down"),
    Fault(name="no credentials", place="guarded"),
    Fault(name="wrong password", place="guarded", password=_PASSWORD[::-1]),
    Fault(name="namespace denied (403)", registry=(_DENIED,)),
    Fault(name="registry read-only (405)", place="read-only"),
    Fault(name="rate limit (429), always", registry=(_RATE_LIMIT,)),
    Fault(name="500 for the manifest, once", registry=_manifest_500(1)),
    Fault(name="500 for the manifest, always", registry=_manifest_500(None)),
    Fault(name="connection reset in mid-blob, once", registry=(Reset(method="PATCH", after=2**18, times=1),)),
    Fault(name="blob damaged on the way, always", registry=(Flip(method="PATCH"),)),
    Fault(name="registry gets another manifest", other="other", swapped=True),
    Fault(name="version is published with other content", other=VERSION),
    Fault(name="push stream empty, nothing is sent", engine=(Empty(reaches_engine=False),)),
    Fault(name="push stream cut at its end, all is sent", engine=(Cut(),)),
    Fault(name="push stream stalls, nothing is sent", engine=(Stall(messages=1, finishes=False),), short=True),
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one tool reported, whether the registry holds the pushed image, and whether it overwrote other content."""

    result: PushResult
    held: bool
    overwritten: bool

    @property
    def cells(self) -> tuple[str, str]:
        """The text of its two columns; the first is bold if it is wrong."""
        code = self.result.code
        reported = "success" if self.result.success else "never ended" if code is None else f"failed ({code})"
        held = "no" if not self.held else "overwritten" if self.overwritten else "yes"
        return (reported if self.result.success == self.held else f"**{reported}**", held)


@dataclass(frozen=True, kw_only=True)
class PusherSetup:
    """One of the three tools, with its own proxies for the open registry and for the engine."""

    workspace: Workspace
    pusher: str
    hosts: dict[Place, str]
    registry: RegistryProxy
    engine: EngineProxy

    def image_project(self, name: str, **settings: object) -> ImageProject:
        """Make a project that only this tool uses."""
        name = f"{name}-{self.pusher.lower().replace(' ', '-')}"
        return ImageProject(workspace=self.workspace, folder=self.workspace.folder / name, name=name).make(**settings)

    def warm(self) -> None:
        """Push the base image's layers to the registry, so that later pushes mount them."""
        image_project = self.image_project("warm")
        image_project.build(self.registry.host)
        image_project.publish(self.registry.host, VERSION)

    def run(self, fault: Fault) -> Outcome:
        """Push with a fault."""
        host = self.registry.host if fault.place == "open" else self.hosts[fault.place]
        limit = {"push_timeout": OWN_LIMIT} if fault.short else {}
        image_project = self.image_project(f"row-{_FAULTS.index(fault)}", **limit)
        if fault.other:
            image_project.build(host)
            image_project.publish(host, fault.other)
        image_project.build(host)
        self.registry.faults = (self._swap(image_project, fault.other),) if fault.swapped else fault.registry
        self.engine.faults = fault.engine
        environment = {
            "DOCKER_HOST": self.engine.docker_host,
            "DOCKER_CONFIG": _config(image_project, host, fault.password),
        }
        words = PUSHERS[self.pusher](image_project, host, short=fault.short)
        result = run_push(words, image_project.folder, environment, short=fault.short)
        self.registry.faults = ()
        self.engine.faults = ()
        held = _holds(self.hosts[fault.place], image_project)
        outcome = Outcome(result=result, held=held, overwritten=fault.other == VERSION)
        lines = result.output.strip().splitlines()
        reasons = [line.strip() for line in lines if "why:" in line] or lines[-1:]
        say("\n      ".join([f"    {self.pusher}: {', '.join(outcome.cells)}, {result.seconds:.0f} s", *reasons]))
        return outcome

    def _swap(self, image_project: ImageProject, tag: str) -> Swap:
        other = _request(self.hosts["open"], f"{image_project.repository}{_MANIFESTS}{tag}").content
        return Swap(method="PUT", path=_MANIFESTS, change=lambda _: other)


def _request(host: str, path: str, method: str = "GET") -> requests.Response:
    """Send a request directly to a registry."""
    auth = (USER, _PASSWORD)
    return requests.request(method, f"http://{host}/v2/{path}", headers={"Accept": MANIFESTS}, auth=auth, timeout=10)


def _holds(host: str, image_project: ImageProject) -> bool:
    """Return whether a registry holds the image under its version, with all its blobs."""
    try:
        answer = _request(host, f"{image_project.repository}{_MANIFESTS}{VERSION}")
    except requests.ConnectionError:
        return False
    if not answer.ok:
        return False
    manifest = answer.json()
    blobs = [manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])]
    # In containerd's image store an image's id is its manifest's digest.
    same = image_project.id in {blobs[0], answer.headers["Docker-Content-Digest"]}
    return same and all(_request(host, f"{image_project.repository}/blobs/{blob}", "HEAD").ok for blob in blobs)


def _config(image_project: ImageProject, host: str, password: str | None) -> str:
    """Make a folder with Docker's configuration, which stores `password` unless it is None; return its path."""
    auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
    folder = image_project.folder / "docker-config"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}} if password else {}}))
    return str(folder)


def _registries(place: Workspace) -> dict[Place, str]:
    """Start all registries except the one that is down."""
    folder = place.folder / "htpasswd"
    folder.mkdir()
    hashed = bcrypt.hashpw(_PASSWORD.encode(), bcrypt.gensalt(5)).decode()
    (folder / "htpasswd").write_text(f"{USER}:{hashed}\n")
    overrides = (
        "REGISTRY_AUTH=htpasswd",
        "REGISTRY_AUTH_HTPASSWD_REALM=bench",
        "REGISTRY_AUTH_HTPASSWD_PATH=/auth/htpasswd",
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        unused = f"localhost:{probe.getsockname()[1]}"
    return {
        "open": place.registry(),
        "guarded": place.registry(f"--volume={folder}:/auth:ro", *(f"--env={setting}" for setting in overrides)),
        "read-only": place.registry('--env=REGISTRY_STORAGE_MAINTENANCE_READONLY={"enabled":true}'),
        "down": unused,
    }


def _measure(place: Workspace, faults: Sequence[Fault]) -> dict[str, list[Outcome]]:
    """Push with each fault through all three."""
    hosts = _registries(place)
    with ExitStack() as stack:
        setups = [
            PusherSetup(
                workspace=place,
                pusher=pusher,
                hosts=hosts,
                registry=stack.enter_context(registry_proxy(hosts["open"])),
                engine=stack.enter_context(engine_proxy()),
            )
            for pusher in PUSHERS
        ]
        for setup in setups:
            setup.warm()
        found = {}
        pool = stack.enter_context(ThreadPoolExecutor(len(setups)))
        try:
            for fault in faults:
                say(fault.name)
                found[fault.name] = list(pool.map(partial(_run, fault), setups))
        except BaseException:
            end_all()
            raise
    return found


def _run(fault: Fault, setup: PusherSetup) -> Outcome:
    return setup.run(fault)


def _table(found: dict[str, list[Outcome]]) -> str:
    """Return the table as Markdown."""
    heads = ["fault", *(head for pusher in PUSHERS for head in (pusher, "held"))]
    rows = [heads, ["---"] * len(heads)]
    rows += [[name, *(cell for one in outcomes for cell in one.cells)] for name, outcomes in found.items()]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    for pusher, outcomes in zip(PUSHERS, zip(*found.values(), strict=True), strict=True):
        wrong = sum(one.result.success != one.held for one in outcomes)
        lines.append(f"\n{pusher}: {wrong} of {len(outcomes)} wrong.")
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> int:
    """Push and print the table; return the exit code, 1 if the preparation failed."""
    parser = argparse.ArgumentParser(description="Compare what a push reports with what the registry holds.")
    parser.add_argument("--only", default="", metavar="REGEXP", help="test only faults whose name matches")
    given = parser.parse_args(words)
    faults = [fault for fault in _FAULTS if re.search(given.only, fault.name)]
    try:
        with workspace(BASE) as place:
            found = _measure(place, faults)
    except CommandFailed as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    print(_table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
