"""login: an account with a password; and what needs one."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import cast
from unittest.mock import Mock

import pytest
from msgspec.structs import replace

from seatrial.errors import PushRefused, SeatrialError, UsageError
from seatrial.events import Event, WarningEvent
from seatrial.model.reference import ImageReference
from seatrial.registry.client import HttpRegistry
from seatrial.registry.credentials import Credential, CredentialStore, Secret
from seatrial.steps.publish.login import Login
from tests.servers.local_server import Reply, serve
from tests.steps.memory_backend import MemoryBackend
from tests.steps.run_steps import refused, released, tagged
from tests.steps.scenario import StepScenario

PASSWORD = "S3ntinel-right"


@pytest.fixture
def accounts(scenario: StepScenario) -> MemoryBackend:
    """The backend, whose registry has one user with a password."""
    assert isinstance(scenario.backend, MemoryBackend)
    scenario.backend.add_user("alice", PASSWORD)
    return scenario.backend


def login(scenario: StepScenario, password: str) -> Login:
    """Return the step."""
    return Login(registry=scenario.backend.host, credential=Credential(user="alice", secret=Secret(password)))


def all_text(error: SeatrialError) -> str:
    """Return all text of an error and of its causes."""
    text, one = "", cast("BaseException | None", error)
    while one is not None:
        text += f"{one} {one!r} {vars(one)} {one.args}"
        one = one.__cause__ or one.__context__
    return text


@pytest.mark.parametrize("saved", ["", "alice:yesterday's", "bob:another-password"])
def test_four_runs(scenario: StepScenario, accounts: MemoryBackend, saved: str) -> None:
    """An accepted login replaces the saved one; the outcome does not contain the password."""
    if saved:
        accounts.save_login(*saved.split(":"))

    done = scenario.four_runs(login(scenario, PASSWORD))

    assert (done.before, done.after) == ("bob" if "bob" in saved else None, "alice")
    assert accounts.saved() == f"alice:{PASSWORD}"
    assert PASSWORD not in repr(done)


def test_what_a_login_is_for(scenario: StepScenario, accounts: MemoryBackend) -> None:
    """Without a login, or with a wrong password, nothing is published or moved; with the right one all works.

    A refused password is not saved and is in no error.
    """
    tagged(scenario, "1.4.2")
    steps = (scenario.preflight("1.4.2"), scenario.push("1.4.2"), scenario.rollback("1.4.2"))
    for step in steps:
        error = refused(scenario, step)
        assert isinstance(error, PushRefused)
        assert (error.exit_code, error.hint) == (1, f"invoke login --user NAME --registry {scenario.backend.host}")
    accounts.save_login("alice", "S3ntinel-wrong")
    for one in (login(scenario, "S3ntinel-wrong"), *steps):
        error = refused(scenario, one)
        assert isinstance(error, PushRefused)
        assert "alice" in error.message
        assert "S3ntinel-wrong" not in all_text(error)

    scenario.prepare(login(scenario, PASSWORD))

    released(scenario, "1.4.2", tested=True)
    released(scenario, "1.4.3", "hello again")
    scenario.prepare(scenario.rollback("1.4.2"))


def test_credentials_of_the_variable(scenario: StepScenario, tmp_path: Path) -> None:
    """A login that DOCKER_AUTH_CONFIG would hide is refused; each warning about credentials comes once."""
    with serve(lambda _: Reply(body=b'{"tags": []}')) as server:
        auth = base64.b64encode(b"bob:x").decode()
        content = json.dumps({"auths": {server.host: {"auth": auth}}})
        (tmp_path / "config.json").write_text(content)
        (tmp_path / "config.json").chmod(0o644)
        registries = [HttpRegistry(server.host, CredentialStore(tmp_path, value)) for value in (content, "{")]
        events: list[Event] = []
        worlds = [replace(scenario.world, registry=Mock(return_value=one), emit=events.append) for one in registries]
        step = Login(registry=server.host, credential=Credential(user="alice", secret=Secret("y")))
        with pytest.raises(UsageError, match="DOCKER_AUTH_CONFIG"):
            step.plan(worlds[0])
        for _ in range(2):
            worlds[1].check_push_permission(ImageReference.parse(f"{server.host}/demo/app"))
    assert [isinstance(event, WarningEvent) for event in events] == [True, True]
    assert all(word in str(events) for word in ("DOCKER_AUTH_CONFIG", "chmod 600"))
