"""login, and pushes into a registry that wants to know who comes: on the twins and for real."""

from __future__ import annotations

import secrets
from typing import cast

from seatrial.errors import PushRefused, SeatrialError
from seatrial.pipeline.outcome import Status
from seatrial.registry.credentials import Credential, Secret
from seatrial.steps.publish.login import Login
from tests.steps.scenario import StepScenario


def known(scenario: StepScenario) -> tuple[str, str]:
    """Return the user and password the registry knows."""
    assert scenario.backend.login
    return scenario.backend.login


def login(scenario: StepScenario, user: str, password: str) -> Login:
    """Return the step."""
    return Login(registry=scenario.backend.host, credential=Credential(user=user, secret=Secret(password)))


def all_words(error: SeatrialError) -> str:
    """Return everything that could ever be shown of an error, and of what caused it."""
    words, one = "", cast("BaseException | None", error)
    while one is not None:
        words += f"{one} {one!r} {vars(one)} {one.args}"
        one = one.__cause__ or one.__context__
    return words


def ready(scenario: StepScenario) -> None:
    """Have an image built, proved and tagged."""
    scenario.prepare(scenario.build(), scenario.smoke(), scenario.tag())


def test_four_runs(guarded_scenario: StepScenario) -> None:
    """A login that the registry accepts is kept where Docker keeps it; its outcome does not hold the password."""
    user, password = known(guarded_scenario)

    done = guarded_scenario.four_runs(login(guarded_scenario, user, password))

    assert done.reason == f"nobody is logged in to {guarded_scenario.backend.host} yet"
    assert done.after == user
    assert guarded_scenario.backend.saved() == f"{user}:{password}"
    assert password not in repr(done)


def test_another_password_is_replaced(guarded_scenario: StepScenario) -> None:
    """A password that is not the one kept takes its place."""
    user, password = known(guarded_scenario)
    guarded_scenario.backend.save_login(user, "yesterday's")

    done = guarded_scenario.four_runs(login(guarded_scenario, user, password))

    assert done.reason == f"the password kept for {user} is another one"
    assert guarded_scenario.backend.saved() == f"{user}:{password}"


def test_another_user_is_replaced(guarded_scenario: StepScenario) -> None:
    """Who was logged in before is named, and replaced."""
    user, password = known(guarded_scenario)
    guarded_scenario.backend.save_login("bob", "another-password")

    done = guarded_scenario.four_runs(login(guarded_scenario, user, password))

    assert done.reason == f"bob is logged in to {guarded_scenario.backend.host}"
    assert (done.before, done.after) == ("bob", user)


def test_a_wrong_password_is_not_kept(guarded_scenario: StepScenario) -> None:
    """A password that the registry refuses is not kept and stands in no error, in check mode as in the real run."""
    user, _ = known(guarded_scenario)
    sentinel = f"S3ntinel-{secrets.token_hex(8)}"
    step = login(guarded_scenario, user, sentinel)
    before = guarded_scenario.seen()

    check, real = guarded_scenario.check(step), guarded_scenario.real(step)

    assert isinstance(real.error, PushRefused)
    assert (check.status, check.reason) == (real.status, real.reason) == (Status.FAILED, real.error.message)
    assert sentinel not in all_words(real.error)
    assert guarded_scenario.seen() == before


def test_a_push_with_a_login(guarded_scenario: StepScenario) -> None:
    """Who is logged in may push."""
    user, password = known(guarded_scenario)
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
    assert (check.status, check.reason) == (real.status, real.reason)
    assert guarded_scenario.backend.published(guarded_scenario.repository) == {}


def test_a_push_with_a_wrong_password(guarded_scenario: StepScenario) -> None:
    """With a password the registry does not accept the push is refused, and the password is nowhere in the error."""
    user, _ = known(guarded_scenario)
    sentinel = f"S3ntinel-{secrets.token_hex(8)}"
    ready(guarded_scenario)
    guarded_scenario.backend.save_login(user, sentinel)

    outcome = guarded_scenario.real(guarded_scenario.push())

    assert isinstance(outcome.error, PushRefused)
    assert user in outcome.error.message
    assert sentinel not in all_words(outcome.error) + repr(outcome)
    assert guarded_scenario.backend.published(guarded_scenario.repository) == {}
