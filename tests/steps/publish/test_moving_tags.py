"""Moving tags: which tags a release moves, and which stay."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from seatrial.errors import UsageError
from tests.steps.run_steps import tagged
from tests.steps.scenario import StepScenario


@dataclass(frozen=True, kw_only=True)
class Case:
    """The version published before; the one pushed then; and the tags that each version has in the end."""

    before: str = ""
    pushed: str
    published: dict[str, str]
    options: dict[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()


NEWEST = {"1.4.2": "1.4.2 1.4 1 latest"}
CASES = {
    "the next release": Case(
        before="1.4.2",
        pushed="1.4.3",
        published={"1.4.2": "1.4.2", "1.4.3": "1.4.3 1.4 1 latest"},
    ),
    "an older line": Case(before="1.4.2", pushed="1.3.9", published={**NEWEST, "1.3.9": "1.3.9 1.3"}),
    "an older patch": Case(
        before="1.4.10", pushed="1.4.9", published={"1.4.10": "1.4.10 1.4 1 latest", "1.4.9": "1.4.9"}
    ),
    "backwards": Case(
        before="1.4.2",
        pushed="1.3.9",
        published={"1.4.2": "1.4.2 1.4", "1.3.9": "1.3.9 1.3 1 latest"},
        options={"backwards": True},
    ),
    "a pre-release": Case(before="1.4.2", pushed="1.5.0-rc1", published={**NEWEST, "1.5.0-rc1": "1.5.0-rc1"}),
    "a newer pre-release": Case(before="2.0.0-rc1", pushed="1.4.2", published={**NEWEST, "2.0.0-rc1": "2.0.0-rc1"}),
    "a version of its own": Case(before="1", pushed="1.4.2", published={"1": "1", "1.4.2": "1.4.2 1.4 latest"}),
    "a version of its own overwritten": Case(before="1", pushed="1.4.2", published=NEWEST, options={"overwrite": True}),
    "major 0": Case(pushed="0.4.2", published={"0.4.2": "0.4.2 0.4 latest"}),
    "own patterns": Case(
        before="1.5.0",
        pushed="1.4.3",
        published={"1.5.0": "v1.5.0 v1.5 stable", "1.4.3": "v1.4.3 v1.4"},
        tags=("v{version}", "v{major}.{minor}", "stable"),
    ),
    "two patterns of its own": Case(
        before="1.4.1",
        pushed="1.4.2",
        published={"1.4.1": "1.4.1 web-1.4.1", "1.4.2": "1.4.2 web-1.4.2 latest"},
        tags=("{version}", "web-{version}", "latest"),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_tags(scenario: StepScenario, case: Case) -> None:
    """A push moves these tags and no other; the second time it finds nothing to do."""
    if case.tags:
        scenario = replace(scenario, app=scenario.app.but(tags=case.tags))
    if case.before:
        scenario.prepare(*scenario.release(case.before))
    old = scenario.backend.published(scenario.repository)
    tagged(scenario, case.pushed)

    done = scenario.four_runs(scenario.push(case.pushed, **case.options))

    published = scenario.backend.published(scenario.repository)
    digests = {version: old[tags.split()[0]] for version, tags in case.published.items() if version != case.pushed}
    digests[case.pushed] = done.after or ""
    assert published == {tag: digests[version] for version, tags in case.published.items() for tag in tags.split()}
    assert {done.before} - {None} == {digest for tag, digest in old.items() if published[tag] != digest}


def test_another_own_tag_is_taken(scenario: StepScenario) -> None:
    """A version with several tags of its own overwrites none of them."""
    scenario = replace(scenario, app=scenario.app.but(tags=("{version}", "web-{version}", "latest")))
    strange = scenario.backend.publish(scenario.repository, "web-1.4.3")

    outcome = tagged(scenario, "1.4.3").real(scenario.push("1.4.3"))

    assert outcome.error
    assert outcome.error.exit_code == 4
    assert scenario.remote("web-1.4.3") in outcome.error.message
    assert scenario.backend.published(scenario.repository) == {"web-1.4.3": strange}


def test_a_version_named_as_a_moving_tag(scenario: StepScenario) -> None:
    """A version cannot be named `latest`: exit code 2 in every step that would publish it."""
    scenario.prepare(scenario.build("latest"), scenario.smoke("latest"))
    before = scenario.seen()

    for make in (scenario.preflight, scenario.tag, scenario.push, scenario.rollback):
        outcome = scenario.real(make("latest"))
        assert isinstance(outcome.error, UsageError), make
        assert outcome.error.exit_code == 2
        assert outcome.error.hint == "--version 1"
    assert scenario.seen() == before
