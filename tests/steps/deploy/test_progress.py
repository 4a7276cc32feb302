"""How far a rollout is, as text."""

from __future__ import annotations

import pytest
from msgspec import structs

from seatrial.engine.swarm import Service, ServiceSpec, Task
from seatrial.model.app import VERSION_LABEL
from seatrial.steps.deploy.progress import describe_rollout, went_back_to

SERVICE = Service(
    id="s", version=1, spec=ServiceSpec(name="shop-web", image="web@sha256:0", labels={VERSION_LABEL: "2"}, replicas=3)
)


def task(node: str, state: str, wanted: str = "running", *, new: bool = True) -> Task:
    """Return a task on a node."""
    return Task(id=f"{node} {state}", node=node, state=state, wanted=wanted, is_current=new)


@pytest.mark.parametrize(
    ("tasks", "text"),
    [
        (
            [task("", "pending"), task("c", "running", new=False), task("b", "running", "shutdown", new=False)],
            "0 of 3 replicas serving version 2; pending; not updated yet: c; ending: b",
        ),
        (
            [task("a", "running"), task("b", "starting"), task("c", "ready", "ready"), task("c", "running", new=False)],
            "1 of 3 replicas serving version 2: a; prepared: c; starting: b; not updated yet: c",
        ),
        (
            [task("b", "running"), task("b", "running"), task("a", "running"), task("a", "failed", "shutdown")],
            "3 of 3 replicas serving version 2: a, b (2)",
        ),
    ],
)
def test_each_replica_is_in_one_group(tasks: list[Task], text: str) -> None:
    """Those that serve are counted, and each node is named with what its replicas do; ended ones are left out."""
    assert describe_rollout(SERVICE, tasks, str) == text


def test_where_swarm_went_back_to() -> None:
    """What the rollout had changed is named: the image, or only the number of replicas, or only other options."""
    spec = SERVICE.spec
    assert "web" in went_back_to("rollback_completed", spec, structs.replace(spec, image="web@sha256:1", replicas=1))
    assert "3 replicas" in went_back_to("rollback_completed", spec, structs.replace(spec, replicas=1))
    assert "options" in went_back_to("rollback_completed", spec, structs.replace(spec, memory=1))
