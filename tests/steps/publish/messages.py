"""What `login`, `preflight`, `tag`, `push` and `rollback` say."""

from __future__ import annotations

from collections.abc import Callable

from seatrial.pipeline.outcome import Outcome
from seatrial.registry.credentials import Credential, Secret
from seatrial.steps.publish.login import Login
from tests.steps.memory_backend import MemoryBackend
from tests.steps.message_rows import (
    changed,
    check,
    foreign,
    published,
    pushed,
    real,
    refuses,
    row,
    tagged,
    uncommitted,
    without,
)
from tests.steps.scenario import StepScenario

__all__ = ["ROWS"]

HOST = MemoryBackend.host
WEB = f"{HOST}/demo/web"
STATUS = f"invoke status --user demo --registry {HOST} (shows what is published)"
TAG = f"invoke tag --user demo --registry {HOST} --version 1 push --user demo --registry {HOST} --version 1"
NEW = "--version NEW (or --overwrite)"


def login(saved: str, user: str) -> Callable[[StepScenario], Outcome]:
    """Return a function that logs a user in where another login is saved, as `user:password`, or none."""

    def run(scenario: StepScenario) -> Outcome:
        if saved and isinstance(scenario.backend, MemoryBackend):
            scenario.backend.save_login(*saved.split(":"))
        return scenario.real(Login(registry=HOST, credential=Credential(user=user, secret=Secret("S3ntinel"))))

    return run


ROWS = (
    row("logged in", login("", "alice"), f"logged in to {HOST} as alice"),
    row(
        "another password",
        login("alice:old", "alice"),
        f"logged in to {HOST} as alice",
        "the saved password was different",
    ),
    row("another user", login("bob:S3ntinel", "alice"), f"logged in to {HOST} as alice", "replaces the login of bob"),
    row("not published", lambda s: real(s, s.preflight()), f"{WEB}:1 is not published yet"),
    row("published", lambda s: real(pushed(s, "1"), s.preflight()), f"{WEB}:1 is already published from these inputs"),
    row(
        "published elsewhere",
        lambda s: real(without(pushed(s, "1"), "image"), s.preflight()),
        f"pulled {WEB}:1",
        "already published from these inputs",
    ),
    row(
        "other content",
        lambda s: refuses(changed(pushed(s, "1")), s.preflight()),
        f"{WEB}:1 is published with other content",
        "the registry holds DIGEST, built from other inputs: app.py changed",
        NEW,
        code=4,
    ),
    row(
        "other content elsewhere",
        lambda s: refuses(without(changed(pushed(s, "1")), "state"), s.preflight()),
        f"{WEB}:1 is published with other content",
        "the registry holds DIGEST, built from other inputs",
        NEW,
        code=4,
    ),
    row(
        "other content that may go",
        lambda s: real(changed(pushed(s, "1")), s.preflight(overwrite=True)),
        f"{WEB}:1 is published with other content; --overwrite replaces it",
    ),
    row(
        "somebody else's content",
        lambda s: refuses(published(s, "1"), s.preflight()),
        f"{WEB}:1 is published with other content",
        "the registry holds DIGEST, which Seatrial did not build",
        NEW,
        code=4,
    ),
    row(
        "a version like a moving tag",
        lambda s: refuses(pushed(s, "1.4.2"), s.preflight("1.4")),
        f"{WEB}:1.4 is published with other content",
        "the registry holds DIGEST, built from other inputs: argument VERSION changed; :1.4 is a moving tag there, "
        "now at 1.4.2",
        NEW,
        code=4,
    ),
    row(
        "a version named latest",
        lambda s: refuses(s, s.preflight("latest")),
        "version latest cannot be published",
        "latest is a moving tag: it follows the newest release",
        "--version 1",
        code=2,
    ),
    row("tagged", lambda s: real(s, s.build(), s.tag()), f"tagged demo/web:1 as {WEB}:1 and :latest"),
    row("would tag", lambda s: check(s, s.build(), s.tag()), f"would tag demo/web:1 as {WEB}:1 and :latest"),
    row("was tagged", lambda s: real(tagged(s), s.tag()), f"demo/web:1 is tagged as {WEB}:1 and :latest"),
    row(
        "no version",
        lambda s: refuses(foreign(s, "demo/web:1"), s.tag()),
        "the image DIGEST has no version",
        "Seatrial did not build it: the label seatrial.version is missing",
        "invoke build --version 1",
        code=2,
    ),
    row("pushed", lambda s: real(tagged(s), s.push()), f"pushed {WEB}:1 and :latest"),
    row("would push", lambda s: check(tagged(s), s.push()), f"would push {WEB}:1 and :latest"),
    row("was pushed", lambda s: real(pushed(s, "1"), s.push()), f"{WEB}:1 and :latest are published"),
    row(
        "moved", lambda s: real(tagged(pushed(s, "1"), "2"), s.push("2")), f"pushed {WEB}:2, moved :latest from 1 to 2"
    ),
    row(
        "moved from somewhere",
        lambda s: real(tagged(published(s, "latest")), s.push()),
        f"pushed {WEB}:1, moved :latest from DIGEST to 1",
    ),
    row(
        "overwrote",
        lambda s: real(tagged(changed(pushed(s, "1"))), s.push(overwrite=True)),
        f"overwrote {WEB}:1 (was DIGEST), moved :latest to the new 1",
    ),
    row(
        "an older version",
        lambda s: real(tagged(pushed(s, "1.4.2"), "1.3.9"), s.push("1.3.9")),
        f"pushed {WEB}:1.3.9 and :1.3; :1 and :latest not moved: 1.4.2 is published",
    ),
    row(
        "a version of its own",
        lambda s: real(tagged(pushed(s, "1"), "1.4.2"), s.push("1.4.2")),
        f"pushed {WEB}:1.4.2 and :1.4, moved :latest from 1 to 1.4.2; "
        ":1 not moved: it was published as a version of its own",
    ),
    row(
        "pushed without a commit",
        lambda s: real(tagged(uncommitted(s)), s.push()),
        f"pushed {WEB}:1; :latest not moved: uncommitted changes",
    ),
    row(
        "recorded",
        lambda s: real(without(pushed(s, "1"), "ledger"), s.push()),
        f"recorded {WEB}:1 and :latest in the ledger",
        "published, but not in the ledger",
    ),
    row(
        "not tested",
        lambda s: refuses(s, s.build(), s.tag(), s.push()),
        "cannot push demo/web:1",
        "it has not passed its smoke test",
        "invoke smoke --version 1",
        code=1,
    ),
    row(
        "not tagged",
        lambda s: refuses(s, s.build(), s.smoke(), s.push()),
        f"cannot push {WEB}:1",
        f"{WEB}:1 is not tagged in the engine",
        TAG,
        code=1,
    ),
    row(
        "tagged elsewhere",
        lambda s: refuses(foreign(tagged(s), f"{WEB}:1"), s.push()),
        f"cannot push {WEB}:1",
        "in the engine it points to DIGEST, not to DIGEST, the image to push",
        TAG,
        code=1,
    ),
    row(
        "pushed by somebody else",
        lambda s: refuses(published(tagged(s), "1"), s.push()),
        f"{WEB}:1 is published with other content",
        "the registry holds DIGEST, not the image DIGEST",
        NEW,
        code=4,
    ),
    row(
        "rolled back",
        lambda s: real(pushed(s, "1.4.1", "1.4.2"), s.rollback("1.4.1")),
        f"moved {WEB}:1.4, :1 and :latest from 1.4.2 back to 1.4.1",
    ),
    row(
        "rolled back from two versions",
        lambda s: real(pushed(s, "1.4.1", "1.4.2", "1.5.0"), s.rollback("1.4.1")),
        f"moved {WEB}:1.4 from 1.4.2, :1 and :latest from 1.5.0 back to 1.4.1",
    ),
    row(
        "was rolled back",
        lambda s: real(pushed(s, "1.4.1"), s.rollback("1.4.1")),
        f"{WEB}:1.4, :1 and :latest are at 1.4.1",
    ),
    row(
        "not there",
        lambda s: refuses(s, s.rollback("1.4.0")),
        "cannot roll back to 1.4.0",
        f"{WEB}:1.4.0 is not published",
        STATUS,
        code=1,
    ),
    row(
        "not the same",
        lambda s: refuses(published(pushed(s, "1.4.1"), "1.4.1"), s.rollback("1.4.1")),
        "cannot roll back to 1.4.1",
        f"{WEB}:1.4.1 has changed since its release: the ledger says DIGEST, the registry holds DIGEST",
        "--to VERSION (and find out who pushed this one)",
        code=4,
    ),
    row(
        "a moving tag",
        lambda s: refuses(pushed(s, "1.4.2"), s.rollback("1.4")),
        "cannot roll back to 1.4",
        ":1.4 is a moving tag, now at 1.4.2",
        "--to 1.4.2",
        code=2,
    ),
    row(
        "uncommitted changes",
        lambda s: refuses(pushed(uncommitted(s), "1.4.1"), s.rollback("1.4.1")),
        "cannot roll back to 1.4.1",
        "it was built with uncommitted changes, and such an image has no moving tags",
        STATUS,
        code=1,
    ),
    row(
        "a pre-release",
        lambda s: refuses(pushed(s, "1.4.1-rc1"), s.rollback("1.4.1-rc1")),
        "cannot roll back to 1.4.1-rc1",
        "it has no moving tags: only a plain release such as 1.4.2 has those of the setting tags",
        "--to VERSION",
        code=2,
    ),
)
