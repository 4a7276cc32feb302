"""What `docker push`, docker-py and Seatrial say of a push that meets a fault, and what the registry then holds.

    .venv/bin/python bench/truth.py [--only REGEXP]

Each pushes an image of its own through proxies of its own, all three at the same time; the registry is asked directly.
docker-py is used as people use it: `client.images.push()` that raises nothing is taken for done. It needs an engine, a
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

from bench.pushers import OWN_LIMIT, PUSHERS, USER, VERSION, ImageProject, Said, end_all, said_by
from bench.timing import CommandFailed, say
from bench.workspace import Workspace, workspace
from tests.servers.engine_proxy import Cut, Empty, EngineFault, EngineProxy, Stall, engine_proxy
from tests.servers.registry_proxy import Flip, RegistryFault, RegistryProxy, Reset, Swap, refusal, registry_proxy

_BASE = "localhost/seatrial/python:3.13"
_PASSWORD = secrets.token_hex(8)
_TYPES = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
_UPLOADS, _MANIFESTS = "/blobs/uploads/", "/manifests/"

Place = Literal["open", "guarded", "read-only", "down"]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A row: where it is pushed to, and what goes wrong on the way.

    Under the tag `other` stands other content beforehand; with `swapped` the registry gets that in place of what is
    pushed. `short` asks all three to give up soon.
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
    """What one of the three said, and whether the registry holds what was pushed, be it put over something else."""

    said: Said
    held: bool
    put_over: bool

    @property
    def cells(self) -> tuple[str, str]:
        """What stands in its two columns; bold where the first is not the truth."""
        code = self.said.code
        told = "success" if self.said.success else "never ended" if code is None else f"failed ({code})"
        held = "no" if not self.held else "put over" if self.put_over else "yes"
        return (told if self.said.success == self.held else f"**{told}**", held)


@dataclass(frozen=True, kw_only=True)
class PusherSetup:
    """One of the three, with proxies of its own before the open registry and before the engine."""

    workspace: Workspace
    pusher: str
    hosts: dict[Place, str]
    registry: RegistryProxy
    engine: EngineProxy

    def image_project(self, name: str, **settings: object) -> ImageProject:
        """Return a parcel that nobody else has."""
        name = f"{name}-{self.pusher.lower().replace(' ', '-')}"
        return ImageProject(workspace=self.workspace, folder=self.workspace.folder / name, name=name).make(**settings)

    def warm(self) -> None:
        """Bring the layers of the base image into the registry: from there they are mounted afterwards."""
        image_project = self.image_project("warm")
        image_project.build(self.registry.host)
        image_project.publish(self.registry.host, VERSION)

    def run(self, fault: Fault) -> Outcome:
        """Push with the fault."""
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
        said = said_by(words, image_project.folder, environment, short=fault.short)
        self.registry.faults = ()
        self.engine.faults = ()
        held = _holds(self.hosts[fault.place], image_project)
        outcome = Outcome(said=said, held=held, put_over=fault.other == VERSION)
        lines = said.output.strip().splitlines()
        reasons = [line.strip() for line in lines if "why:" in line] or lines[-1:]
        say("\n      ".join([f"    {self.pusher}: {', '.join(outcome.cells)}, {said.seconds:.0f} s", *reasons]))
        return outcome

    def _swap(self, image_project: ImageProject, tag: str) -> Swap:
        other = _ask(self.hosts["open"], f"{image_project.repository}{_MANIFESTS}{tag}").content
        return Swap(method="PUT", path=_MANIFESTS, change=lambda _: other)


def _ask(host: str, path: str, method: str = "GET") -> requests.Response:
    """Ask a registry itself."""
    auth = (USER, _PASSWORD)
    return requests.request(method, f"http://{host}/v2/{path}", headers={"Accept": _TYPES}, auth=auth, timeout=10)


def _holds(host: str, image_project: ImageProject) -> bool:
    """Return whether a registry holds the image under its version, with all its blobs."""
    try:
        answer = _ask(host, f"{image_project.repository}{_MANIFESTS}{VERSION}")
    except requests.ConnectionError:
        return False
    if not answer.ok:
        return False
    manifest = answer.json()
    blobs = [manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])]
    # In containerd's image store an image's id is its manifest's digest.
    same = image_project.id in {blobs[0], answer.headers["Docker-Content-Digest"]}
    return same and all(_ask(host, f"{image_project.repository}/blobs/{blob}", "HEAD").ok for blob in blobs)


def _config(image_project: ImageProject, host: str, password: str | None) -> str:
    """Return a folder with Docker's configuration, in which that password is kept, or none."""
    auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
    folder = image_project.folder / "docker-config"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}} if password else {}}))
    return str(folder)


def _registries(place: Workspace) -> dict[Place, str]:
    """Start all registries but the one that is down."""
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
        nobody = f"localhost:{probe.getsockname()[1]}"
    return {
        "open": place.registry(),
        "guarded": place.registry(f"--volume={folder}:/auth:ro", *(f"--env={setting}" for setting in overrides)),
        "read-only": place.registry('--env=REGISTRY_STORAGE_MAINTENANCE_READONLY={"enabled":true}'),
        "down": nobody,
    }


def _measure(place: Workspace, faults: Sequence[Fault]) -> dict[str, list[Outcome]]:
    """Let all three push with each fault."""
    hosts = _registries(place)
    with ExitStack() as stack:
        lanes = [
            PusherSetup(
                workspace=place,
                pusher=pusher,
                hosts=hosts,
                registry=stack.enter_context(registry_proxy(hosts["open"])),
                engine=stack.enter_context(engine_proxy()),
            )
            for pusher in PUSHERS
        ]
        for setup in lanes:
            setup.warm()
        found = {}
        pool = stack.enter_context(ThreadPoolExecutor(len(lanes)))
        try:
            for fault in faults:
                say(fault.name)
                found[fault.name] = list(pool.map(partial(_run, fault), lanes))
        except BaseException:
            end_all()
            raise
    return found


def _run(fault: Fault, setup: PusherSetup) -> Outcome:
    return setup.run(fault)


def _table(found: dict[str, list[Outcome]]) -> str:
    """Return Markdown."""
    heads = ["fault", *(head for pusher in PUSHERS for head in (pusher, "held"))]
    rows = [heads, ["---"] * len(heads)]
    rows += [[name, *(cell for one in outcomes for cell in one.cells)] for name, outcomes in found.items()]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    for pusher, outcomes in zip(PUSHERS, zip(*found.values(), strict=True), strict=True):
        untrue = sum(one.said.success != one.held for one in outcomes)
        lines.append(f"\n{pusher}: {untrue} of {len(outcomes)} not true.")
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> int:
    """Push, print the table, and give the exit code: 1 when something could not be prepared."""
    parser = argparse.ArgumentParser(description="Hold what is said of a push against what the registry holds.")
    parser.add_argument("--only", default="", metavar="REGEXP", help="the faults in whose names this is found")
    given = parser.parse_args(words)
    faults = [fault for fault in _FAULTS if re.search(given.only, fault.name)]
    try:
        with workspace(_BASE) as place:
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
