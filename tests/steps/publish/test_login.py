"""login, and pushes to a registry with a password; in memory and on the real engine."""

from __future__ import annotations

import secrets
from typing import cast

from seatrial.errors import PushRefused, SeatrialError
from seatrial.pipeline.outcome import Status
from seatrial.registry.credentials import Credential, Secret
from seatrial.steps.publish.login import Login
from tests.steps.scenario import StepScenario


def account(scenario: StepScenario) -> tuple[str, str]:
    """Return the user and password of the registry's account."""
    assert scenario.backend.login
    return scenario.backend.login


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


def ready(scenario: StepScenario) -> None:
    """Build, test and tag a version."""
    scenario.prepare(scenario.build(), scenario.smoke(), scenario.tag())


def test_four_runs(guarded_scenario: StepScenario) -> None:
    """An accepted login is saved where Docker saves it; the outcome does not contain the password."""
    user, password = account(guarded_scenario)

    done = guarded_scenario.four_runs(login(guarded_scenario, user, password))

    assert done.after == user
    assert guarded_scenario.backend.saved() == f"{user}:{password}"
    assert password not in repr(done)


def test_another_password_is_replaced(guarded_scenario: StepScenario) -> None:
    """Another password replaces the saved one."""
    user, password = account(guarded_scenario)
    guarded_scenario.backend.save_login(user, "yesterday's")

    done = guarded_scenario.four_runs(login(guarded_scenario, user, password))

    assert (done.before, done.after) == (None, user)
    assert done.reason
    assert guarded_scenario.backend.saved() == f"{user}:{password}"


def test_another_user_is_replaced(guarded_scenario: StepScenario) -> None:
    """Another user replaces the saved login, whose user is named."""
    user, password = account(guarded_scenario)
    guarded_scenario.backend.save_login("bob", "another-password")

    done = guarded_scenario.four_runs(login(guarded_scenario, user, password))

    assert "bob" in done.reason
    assert (done.before, done.after) == ("bob", user)


def test_a_wrong_password_is_not_kept(guarded_scenario: StepScenario) -> None:
    """A refused password is not saved and is in no error, in check mode and in the real run."""
    user, _ = account(guarded_scenario)
    sentinel = f"S3ntinel-{secrets.token_hex(8)}"
    step = login(guarded_scenario, user, sentinel)
    before = guarded_scenario.seen()

    check, real = guarded_scenario.check(step), guarded_scenario.real(step)

    assert isinstance(real.error, PushRefused)
    assert (check.status, check.message) == (real.status, real.message) == (Status.FAILED, real.error.message)
    assert sentinel not in all_text(real.error)
    assert guarded_scenario.seen() == before


def test_a_push_with_a_login(guarded_scenario: StepScenario) -> None:
    """A logged-in user may push."""
    user, password = account(guarded_scenario)
    ready(guarded_scenario)
    guarded_scenario.prepare(login(guarded_scenario, user, password))

    done = guarded_scenario.four_runs(guarded_scenario.push())

    assert guarded_scenario.backend.published(guarded_scenario.repository) == {"1": done.after, "latest": done.after}


def test_a_push_without_a_login(guarded_scenario: StepScenario) -> None:
    """Without a login the push is refused, and the error says how to log in."""
    ready(guarded_scenario)

    check, real = guarded_scenario.check(guarded_scenario.push()), guarded_scenario.real(guarded_scenario.push())

    assert isinstance(real.error, PushRefused)
    assert real.error.hint == f"invoke login --user NAME --registry {guarded_scenario.backend.host}"
    assert (check.status, check.message) == (real.status, real.message)
    assert guarded_scenario.backend.published(guarded_scenario.repository) == {}


def test_a_push_with_a_wrong_password(guarded_scenario: StepScenario) -> None:
    """With a wrong password the push is refused, and the error does not contain the password."""
    user, _ = account(guarded_scenario)
    sentinel = f"S3ntinel-{secrets.token_hex(8)}"
    ready(guarded_scenario)
    guarded_scenario.backend.save_login(user, sentinel)

    outcome = guarded_scenario.real(guarded_scenario.push())

    assert isinstance(outcome.error, PushRefused)
    assert user in outcome.error.message
    assert sentinel not in all_text(outcome.error) + repr(outcome)
    assert guarded_scenario.backend.published(guarded_scenario.repository) == {}
