"""login: an account with a password; and what needs one."""

from __future__ import annotations

import secrets
from typing import cast

import pytest

from seatrial.errors import PushRefused, SeatrialError
from seatrial.registry.credentials import Credential, Secret
from seatrial.steps.publish.login import Login
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
