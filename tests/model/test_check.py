"""What tells smoke checks apart."""

from __future__ import annotations

import pytest

from seatrial.model.check import Check, checks_digest

CHECKS = [
    *(Check(), Check(method="HEAD"), Check(path="/a"), Check(headers={"A": "b"}), Check(body="x"), Check(status=201)),
    *(Check(text=("a", "b")), Check(not_text="a"), Check(matches="a"), Check(json={"a": 1}), Check(redirect="/")),
    *(Check(response_headers={"A": "b"}), Check(within=1), Check(command=("a", "b")), Check(command=("a b",))),
]


def test_digests() -> None:
    """Every field changes the digest, so that a verdict on other checks does not count; keys are text as in JSON."""
    assert len({checks_digest((check,)) for check in CHECKS}) == len(CHECKS)
    assert checks_digest((Check(json={1: "a"}),)) == checks_digest((Check(json={"1": "a"}),))


@pytest.mark.parametrize(
    ("check", "asks"),
    [
        *((check, False) for check in CHECKS),
        *((Check(text=("hello", "v{version}")), True), (Check(json={"a": [{"b": "{version}"}]}), True)),
        (Check(response_headers={"X": "{version}"}), True),
    ],
    ids=str,
)
def test_uses_version(check: Check, *, asks: bool) -> None:
    """A check uses the version if any of its fields contains `{version}`."""
    assert check.uses_version is asks
