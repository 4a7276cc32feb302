"""What an engine says that cannot manage a swarm now, in the words of engine 20.10, becomes an error that helps."""

from __future__ import annotations

import json

import pytest

from seatrial.engine.connection import Connection
from seatrial.engine.docker.swarm import DockerSwarm
from seatrial.engine.swarm import NoLeader, NotAManager
from seatrial.errors import Unavailable
from tests.servers.local_server import Asked, Reply, serve

WORKER = (
    "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state. Please run this "
    "command on a manager node or promote the current node to a manager."
)
LOCKED = (
    'Swarm is encrypted and needs to be unlocked before it can be used. Please use "docker swarm unlock" to unlock it.'
)
NO_LEADER = (
    "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers are "
    "online. Make sure more than half of the managers are online."
)
LOST = "rpc error: code = Unknown desc = raft: failed to process the request: node lost leader status"
LATE = "rpc error: code = DeadlineExceeded desc = context deadline exceeded"
INFO = {"Swarm": {"RemoteManagers": [{"NodeID": "x", "Addr": "10.215.0.1:2377"}]}}


@pytest.mark.parametrize(
    ("status", "message", "kind", "hint"),
    [
        (503, WORKER, NotAManager, "export DOCKER_HOST=ssh://USER@10.215.0.1 "),
        (503, LOCKED, NotAManager, "docker swarm unlock"),
        (500, NO_LEADER, NoLeader, "Manager Addresses"),
        (500, LOST, NoLeader, "Manager Addresses"),
        (500, LATE, NoLeader, "Manager Addresses"),
    ],
)
def test_a_swarm_that_cannot_be_managed(
    monkeypatch: pytest.MonkeyPatch, status: int, message: str, kind: type[Unavailable], hint: str
) -> None:
    """The next command is for this state of the engine; all can be tried again later (exit code 3)."""

    def answer(asked: Asked) -> Reply:
        headers = {"Api-Version": "1.41", "Content-Type": "application/json"}
        if asked.path.endswith(("/_ping", "/info")):
            return Reply(body=json.dumps(INFO).encode(), headers=headers)
        return Reply(status=status, body=json.dumps({"message": message}).encode(), headers=headers)

    with serve(answer) as engine:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{engine.host}")
        with pytest.raises(kind) as caught:
            DockerSwarm(Connection()).service("demo-web")
    assert hint in caught.value.hint
    assert caught.value.exit_code == 3
