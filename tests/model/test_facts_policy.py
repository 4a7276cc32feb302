"""The policy of the image checks in the settings, and which verdicts count under it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from seatrial.checks.image.files import Findings, Scan, User
from seatrial.checks.image.policy import policy_fingerprint
from seatrial.engine.model import ImageFile
from seatrial.model.app import Check, checks_digest
from seatrial.model.facts_policy import FactsPolicy
from seatrial.pipeline.state import Verdict
from tests.image_specimens import file, folder
from tests.steps.scenario import make_app


def scan(files: Iterable[ImageFile], user: User | None, mounted: tuple[str, ...] = ()) -> Scan:
    """Scan files."""
    findings = Findings(user, mounted)
    for one in files:
        findings.add(one)
    return findings.scan


def test_which_verdicts_count(tmp_path: Path) -> None:
    """Under `fail` only a verdict of the same policy counts; otherwise any verdict that passed the checks."""
    app = make_app("demo", tmp_path / "app", "scratch", 8080)
    strict, stricter = FactsPolicy(mode="fail", allowed=("size", "port")), FactsPolicy(mode="fail", allowed=("size",))
    checks = (Check(),)

    def fingerprint(policy: FactsPolicy) -> str:
        return policy_fingerprint(app.but(facts=policy))

    def verdict(given_under: FactsPolicy) -> Verdict:
        facts = fingerprint(given_under)
        return Verdict(image="i", checks=checks_digest(checks), passed=True, run="r", when="", summary="", facts=facts)

    assert verdict(strict).covers(checks, fingerprint(FactsPolicy(mode="fail", allowed=("port", "size"))))
    assert verdict(strict).covers(checks, fingerprint(FactsPolicy()))
    assert verdict(strict).covers(checks)
    assert not verdict(FactsPolicy()).covers(checks, fingerprint(strict))
    assert not verdict(FactsPolicy(mode="off")).covers(checks, fingerprint(strict))
    assert not verdict(strict).covers(checks, fingerprint(stricter))
    assert not verdict(strict).covers(checks, fingerprint(strict.but(budget=1)))
    for other in (app.but(port=80), app.but(tmpfs=("/srv",))):
        assert not verdict(strict).covers(checks, policy_fingerprint(other.but(facts=strict)))


def test_what_an_app_may_write() -> None:
    """A user may write by owner, group or for everybody, but not below a folder where something is mounted."""
    files = [
        *(file("/a/mine", 0o400, uid=7), file("/a/ours", 0o060, gid=8), file("/a/read", 0o640, gid=8)),
        *(file("/a/theirs", 0o644), file("/a/all", 0o602), folder("/b", 0o1777), folder("/c", 0o777)),
        folder("/own", 0o1777, uid=7),  # the sticky bit does not stop the owner
        *(file("/cache/x", 0o666), folder("/cache", 0o777), folder("/cached", 0o777), file("/tmp/x", 0o666)),  # noqa: S108
    ]

    found = scan(files, User(uid=7, gid=8), ("/cache",))

    assert found.writable == ("/a/all", "/a/mine", "/a/ours", "/c", "/cached", "/own")
    assert scan(files, None, ("/cache",)).writable == ("/a/all", "/c", "/cached")


def test_many_files_are_counted() -> None:
    """Of many files the first are kept, with the number of all."""
    found = scan([file(f"/{number:03}", 0o4755) for number in range(100)], None)

    assert (found.setuid_count, len(found.setuid), found.setuid[0]) == (100, 20, "/000")


@pytest.mark.parametrize(
    ("text", "user"),
    [
        *(("10001", User(uid=10001, gid=0)), ("10001:", User(uid=10001, gid=0)), ("1:2", User(uid=1, gid=2))),
        *(("app", None), ("1:app", None), ("", None)),
    ],
)
def test_users(text: str, user: User | None) -> None:
    """A user is two numbers; without a group it is in root's group, as in the engine."""
    assert User.parse(text) == user
