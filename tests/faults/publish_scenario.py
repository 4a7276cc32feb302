"""A project with a small image for a guarded registry, and the check that no command shows the password."""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests import skopeo
from tests.cli_project import Done, Project, command_lines, failed
from tests.servers.engine_proxy import EngineFault, EngineProxy, engine_proxy
from tests.servers.registries import TestRegistry
from tests.servers.registry_proxy import RegistryFault, RegistryProxy, registry_proxy

__all__ = ["AGAIN", "NEW", "NOT_BEGUN", "NOT_SENT", "PublishScenario", "Row", "attempts", "run_rows", "watching"]

NEW = {"preflight": "ok", "build": "changed", "tag": "changed", "push": "changed"}
"""Statuses of a first release."""
NOT_SENT = {**NEW, "push": "failed"}
"""Statuses when only the push fails."""
AGAIN = {"preflight": "ok", "build": "ok", "tag": "ok", "push": "changed"}
"""Statuses of the next run, when only the push is left to do."""
NOT_BEGUN = {"preflight": "failed", "build": "skipped", "tag": "skipped", "push": "skipped"}
"""Statuses when the preflight fails."""
_SETTINGS = """\
seatrial:
  project: {project}
  apps:
    web:
      repository: {project}{engine}/page-{page}
      push_timeout: {timeout}
"""


@dataclass(frozen=True, kw_only=True)
class PublishScenario:
    """A project whose image is one random layer, and its registry; `said` collects everything that commands printed.

    `engine` is the end of the image's name before it is tagged for the registry, to simulate a second engine.
    """

    project: Project
    registry: TestRegistry
    page: str
    engine: str = ""
    said: list[str] = field(default_factory=list)

    @property
    def user(self) -> str:
        """The user who pushes."""
        return self.registry.user or "demo"

    @property
    def repository(self) -> str:
        """The repository in the registry."""
        return f"{self.user}/page-{self.page}"

    @property
    def passwords(self) -> tuple[str, ...]:
        """The password as plain text and as base64 of user and password."""
        plain = self.registry.password or "S3ntinel-of-nobody"
        return (plain, base64.b64encode(f"{self.user}:{plain}".encode()).decode())

    def load(self, size: int = 300_000, *, push_timeout: float = 120) -> None:
        """Write new random content and the settings."""
        folder = self.project.folder
        (folder / "chance").write_bytes(secrets.token_bytes(size))
        (folder / "Dockerfile").write_text("FROM scratch\nCOPY chance /\n")
        names = {"project": self.project.name, "engine": self.engine, "page": self.page}
        (folder / "invoke.yaml").write_text(_SETTINGS.format(**names, timeout=push_timeout))

    def another(self, name: str) -> PublishScenario:
        """Return a second image of the same project in its own folder, so that both can be pushed at the same time."""
        return replace(self, page=f"{self.page}-{name}").checkout(name)

    def checkout(self, name: str, *, engine: str = "") -> PublishScenario:
        """Return a second folder of the same app with other content; on an `engine` of its own it has other names."""
        folder = self.project.folder.parent / name
        folder.mkdir()
        (folder / "tasks.py").write_text((self.project.folder / "tasks.py").read_text())
        made = replace(self, project=replace(self.project, folder=folder), engine=engine)
        made.load()
        return made

    def log_in(self, host: str, password: str | None = None) -> Path:
        """Store the password for a host in Docker's configuration; return the file."""
        config = Path(os.environ["DOCKER_CONFIG"]) / "config.json"
        known = json.loads(config.read_text())["auths"] if config.exists() else {}
        pair = f"{self.user}:{password or self.registry.password}".encode()
        known[host] = {"auth": base64.b64encode(pair).decode()}
        config.write_text(json.dumps({"auths": known}))
        return config

    def words(self, host: str, *more: str, command: str = "release", version: str = "1") -> list[str]:
        """Return a command's arguments."""
        where = ["--user", self.user, "--registry", host, "--version", version]
        return [command, *where, "--untested", "--json", *more]

    def go(self, host: str, *more: str, command: str = "release", version: str = "1", **environment: str) -> Done:
        """Release to a registry, untested because the image has no server."""
        done = self.project.invoke(*self.words(host, *more, command=command, version=version), **environment)
        return self.heard(done)

    def start(self, host: str, *more: str, version: str = "1") -> subprocess.Popen[str]:
        """Start a release in the background."""
        return self.project.start(*self.words(host, *more, version=version))

    def end(self, process: subprocess.Popen[str], number: signal.Signals | None = None) -> Done:
        """Send a release a signal, if one is given, and return how it ends."""
        if number:
            return self.heard(self.project.interrupt(process, number))
        began = time.monotonic()
        out, err = process.communicate(timeout=120)
        return self.heard(Done(code=process.returncode, out=out, err=err, seconds=time.monotonic() - began))

    def heard(self, done: Done) -> Done:
        """Collect what a command printed, so that it is searched for the password."""
        self.said.append(done.all)
        return done

    def held(self) -> dict[str, str | None]:
        """Return the digest under each tag in the registry, read with skopeo."""
        tags = skopeo.tags(self.registry, self.repository)
        return {tag: skopeo.digest(self.registry, self.repository, tag) for tag in tags}

    def fails(
        self, host: str, *names: str, code: int = 1, cause: str = "", steps: Mapping[str, str] = NOT_SENT
    ) -> Done:
        """Run a release that must fail with this cause, these names in its error, and these statuses of its steps."""
        done = self.go(host)
        failed(done, *names, code=code, cause=cause)
        assert done.document["exit_code"] == code
        assert done.statuses == steps
        return done

    def whole(self, *tags: str) -> str:
        """Check that the registry holds one image under exactly these tags; return its digest."""
        found = self.held()
        assert sorted(found) == sorted(tags)
        (digest,) = set(found.values())
        assert digest
        return digest

    def ledger(self) -> list[list[str]]:
        """Return the tags in each line of the ledger."""
        path = self.project.folder / ".seatrial/ledger.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [sorted(json.loads(line)["digests"]) for line in lines]

    def lock_is_free(self) -> bool:
        """Return whether the lock is there and empty."""
        (lock,) = (self.project.folder / ".seatrial/locks").iterdir()
        return lock.read_bytes() == b""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A fault at the registry or at the engine, and the check of how it is handled, which gets the proxy."""

    check: Callable[[PublishScenario, Any], None]
    fault: RegistryFault | EngineFault | None = None
    size: int = 300_000
    push_timeout: float = 120


def run_rows(scenario: PublishScenario, rows: Mapping[str, Row]) -> None:
    """Run all checks at the same time, each with its proxy, and with its image in a folder of its own."""
    scenario.log_in(scenario.registry.host)
    with ExitStack() as stack, ThreadPoolExecutor(len(rows)) as pool:
        ready = []
        for name, row in rows.items():
            proxy: RegistryProxy | EngineProxy
            if isinstance(row.fault, EngineFault):
                proxy = stack.enter_context(engine_proxy(row.fault))
            else:
                faults = [row.fault] if row.fault else []
                proxy = stack.enter_context(registry_proxy(scenario.registry.host, *faults))
                scenario.log_in(proxy.host)
            one = scenario.another(name)
            one.load(row.size, push_timeout=row.push_timeout)
            ready.append((row.check, one, proxy))
        running = [pool.submit(check, one, proxy) for check, one, proxy in ready]
        errors = [error for one in running if isinstance(error := one.exception(), Exception)]
    if errors:
        raise ExceptionGroup("faults that were not handled", errors)


@contextmanager
def watching(scenario: PublishScenario) -> Iterator[None]:
    """Check that the password is in no process's command line during the block, and in no output or file after it."""
    ended, shown = threading.Event(), list[str]()

    def look() -> None:
        while not ended.wait(0.1):
            shown.extend(line for line in command_lines() if any(one in line for one in scenario.passwords))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
    files = [path for path in scenario.project.folder.parent.rglob("*") if path.is_file()]
    everything = [*shown, *scenario.said, *(path.read_bytes().decode("latin-1") for path in files)]
    for password in scenario.passwords:
        assert not [text for text in everything if password in text], "the password was shown"


def attempts(done: Done, step: str = "push") -> int:
    """Return the number of a step's attempts in the JSON document."""
    (found,) = [one for one in done.document["steps"] if one["step"] == step]
    return int(found["attempts"])
