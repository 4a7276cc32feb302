"""login, and pushes into a registry that wants to know who comes: on the twins and for real."""

from __future__ import annotations

import secrets
from typing import cast

from seatrial.errors import PushRefused, SeatrialError
from seatrial.pipeline.step import Status
from seatrial.registry.credentials import Credential, Secret
from seatrial.steps.publish.login import Login
from tests.steps.stage import Stage


def known(stage: Stage) -> tuple[str, str]:
    """Give the user and password the registry knows."""
    assert stage.ground.login
    return stage.ground.login


def login(stage: Stage, user: str, password: str) -> Login:
    """Give the step."""
    return Login(registry=stage.ground.host, credential=Credential(user=user, secret=Secret(password)))


def all_words(error: SeatrialError) -> str:
    """Give everything that could ever be shown of an error, and of what caused it."""
    words, one = "", cast("BaseException | None", error)
    while one is not None:
        words += f"{one} {one!r} {vars(one)} {one.args}"
        one = one.__cause__ or one.__context__
    return words


def ready(stage: Stage) -> None:
    """Have an image built, proved and tagged."""
    stage.prepare(stage.build(), stage.smoke(), stage.tag())


def test_four_runs(guarded_stage: Stage) -> None:
    """A login that the registry accepts is kept where Docker keeps it; its outcome does not hold the password."""
    user, password = known(guarded_stage)

    done = guarded_stage.four_runs(login(guarded_stage, user, password))

    assert done.reason == f"nobody is logged in to {guarded_stage.ground.host} yet"
    assert done.after == user
    assert guarded_stage.ground.kept() == f"{user}:{password}"
    assert password not in repr(done)


def test_another_password_is_replaced(guarded_stage: Stage) -> None:
    """A password that is not the one kept takes its place."""
    user, password = known(guarded_stage)
    guarded_stage.ground.keep(user, "yesterday's")

    done = guarded_stage.four_runs(login(guarded_stage, user, password))

    assert done.reason == f"the password kept for {user} is another one"
    assert guarded_stage.ground.kept() == f"{user}:{password}"


def test_another_user_is_replaced(guarded_stage: Stage) -> None:
    """Who was logged in before is named, and replaced."""
    user, password = known(guarded_stage)
    guarded_stage.ground.keep("mate", "aye")

    done = guarded_stage.four_runs(login(guarded_stage, user, password))

    assert done.reason == f"mate is logged in to {guarded_stage.ground.host}"
    assert (done.before, done.after) == ("mate", user)


def test_a_wrong_password_is_not_kept(guarded_stage: Stage) -> None:
    """A password that the registry refuses is not kept and stands in no error, in check mode as in the real run."""
    user, _ = known(guarded_stage)
    sentinel = f"S3ntinel-{secrets.token_hex(8)}"
    step = login(guarded_stage, user, sentinel)
    before = guarded_stage.seen()

    check, real = guarded_stage.check(step), guarded_stage.real(step)

    assert isinstance(real.error, PushRefused)
    assert (check.status, check.reason) == (real.status, real.reason) == (Status.FAILED, real.error.what)
    assert sentinel not in all_words(real.error)
    assert guarded_stage.seen() == before


def test_a_push_with_a_login(guarded_stage: Stage) -> None:
    """Who is logged in may push."""
    user, password = known(guarded_stage)
    ready(guarded_stage)
    guarded_stage.prepare(login(guarded_stage, user, password))

    done = guarded_stage.four_runs(guarded_stage.push())

    assert guarded_stage.ground.published(guarded_stage.home) == {"1": done.after, "latest": done.after}


def test_a_push_without_a_login(guarded_stage: Stage) -> None:
    """Without a login the push is refused, and the error says how to log in."""
    ready(guarded_stage)

    check, real = guarded_stage.check(guarded_stage.push()), guarded_stage.real(guarded_stage.push())

    assert isinstance(real.error, PushRefused)
    assert real.error.mend == f"invoke login --user NAME --registry {guarded_stage.ground.host}"
    assert (check.status, check.reason) == (real.status, real.reason)
    assert guarded_stage.ground.published(guarded_stage.home) == {}


def test_a_push_with_a_wrong_password(guarded_stage: Stage) -> None:
    """With a password the registry does not accept the push is refused, and the password is nowhere in the error."""
    user, _ = known(guarded_stage)
    sentinel = f"S3ntinel-{secrets.token_hex(8)}"
    ready(guarded_stage)
    guarded_stage.ground.keep(user, sentinel)

    outcome = guarded_stage.real(guarded_stage.push())

    assert isinstance(outcome.error, PushRefused)
    assert user in outcome.error.what
    assert sentinel not in all_words(outcome.error) + repr(outcome)
    assert guarded_stage.ground.published(guarded_stage.home) == {}
