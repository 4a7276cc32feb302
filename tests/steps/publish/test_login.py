"""login: an account with a password; and what needs one."""

from __future__ import annotations

import base64
import json
import secrets
from pathlib import Path
from typing import cast

import pytest

from seatrial.errors import PushRefused, SeatrialError, UsageError
from seatrial.events import Event, WarningEvent
from seatrial.host.process import Process
from seatrial.model.reference import ImageReference
from seatrial.pipeline.state import StateFolder
from seatrial.pipeline.world import World
from seatrial.registry.client import HttpRegistry
from seatrial.registry.credentials import Credential, CredentialStore, Secret
from seatrial.steps.publish.login import Login
from tests.engine.memory.engine import MemoryEngine
from tests.servers.local_server import Reply, serve
from tests.steps.run_steps import refused, released, tagged
from tests.steps.scenario import StepScenario


def login(scenario: StepScenario, user: str, password: str) -> Login:
    """Return the step."""
    return Login(registry=scenario.backend.host, credential=Credential(user=user, secret=Secret(password)))


def all_text(error: SeatrialError) -> str:
    """Return all text of an error and of its causes."""
    text, one = "", cast("BaseException | None", error)
    while one is not None:
        text += f"{one} {one!r} {vars(one)} {one.args}"
        one = one.__cause__ or one.__context__
    return text


@pytest.mark.parametrize("saved", ["", "alice:yesterday's", "bob:another-password"])
def test_four_runs(guarded_scenario: StepScenario, saved: str) -> None:
    """An accepted login replaces the saved one, where Docker saves it; the outcome does not contain the password."""
    scenario, (user, password) = guarded_scenario, guarded_scenario.backend.login or ("", "")
    if saved:
        scenario.backend.save_login(*saved.split(":"))

    done = scenario.four_runs(login(scenario, user, password))

    assert (done.before, done.after) == ("bob" if "bob" in saved else None, user)
    assert scenario.backend.saved() == f"{user}:{password}"
    assert password not in repr(done)


def test_a_wrong_password_is_not_kept(guarded_scenario: StepScenario) -> None:
    """A refused password is not saved and is in no error, in check mode and in the real run."""
    sentinel = f"S3ntinel-{secrets.token_hex(8)}"

    error = refused(guarded_scenario, login(guarded_scenario, "alice", sentinel))

    assert isinstance(error, PushRefused)
    assert sentinel not in all_text(error)


@pytest.mark.parametrize("guarded_scenario", ["memory"], indirect=True)
def test_what_a_login_is_for(guarded_scenario: StepScenario) -> None:
    """Without a login, or with a wrong password, nothing is published or moved; with the right one all works."""
    scenario, (user, password) = guarded_scenario, guarded_scenario.backend.login or ("", "")
    tagged(scenario, "1.4.2")
    steps = (scenario.preflight("1.4.2"), scenario.push("1.4.2"), scenario.rollback("1.4.2"))
    for step in steps:
        error = refused(scenario, step)
        assert isinstance(error, PushRefused)
        assert (error.exit_code, error.hint) == (1, f"invoke login --user NAME --registry {scenario.backend.host}")
    wrong = f"S3ntinel-{secrets.token_hex(8)}"
    scenario.backend.save_login(user, wrong)
    for step in steps:
        error = refused(scenario, step)
        assert isinstance(error, PushRefused)
        assert user in error.message
        assert wrong not in all_text(error)

    scenario.prepare(login(scenario, user, password))

    digest = released(scenario, "1.4.2", tested=True)
    newer = released(scenario, "1.4.3", "hello again")
    done = scenario.four_runs(scenario.rollback("1.4.2"))
    assert (done.before, done.after) == (newer, digest)


def test_credentials_of_the_variable(tmp_path: Path) -> None:
    """A login that DOCKER_AUTH_CONFIG would hide is refused; each warning about credentials comes once."""
    with serve(lambda _: Reply(body=b'{"tags": []}')) as server:
        auth = base64.b64encode(b"bob:x").decode()
        content = json.dumps({"auths": {server.host: {"auth": auth}}})
        (tmp_path / "config.json").write_text(content)
        (tmp_path / "config.json").chmod(0o644)
        registries = [HttpRegistry(server.host, CredentialStore(tmp_path, value)) for value in (content, "{")]
        events: list[Event] = []
        worlds = [
            World(
                engine=MemoryEngine(),
                registry=lambda _, one=one: one,  # type: ignore[misc]
                state=StateFolder(tmp_path),
                process=Process.this(),
                emit=events.append,
            )
            for one in registries
        ]
        step = Login(registry=server.host, credential=Credential(user="alice", secret=Secret("y")))
        with pytest.raises(UsageError, match="DOCKER_AUTH_CONFIG"):
            step.plan(worlds[0])
        repository = ImageReference.parse(f"{server.host}/demo/app")
        for _ in range(2):
            worlds[1].check_push_permission(repository)
    assert [isinstance(event, WarningEvent) for event in events] == [True, True]
    assert {word for word in ("DOCKER_AUTH_CONFIG", "chmod 600") if word in str(events)} == {
        "DOCKER_AUTH_CONFIG",
        "chmod 600",
    }
