"""The checks as a script: it passes and fails where the task does."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from seatrial.checks.http.base_url import BaseUrl
from seatrial.model.app import Check
from seatrial.model.version import Version
from seatrial.output.shell import script
from seatrial.pipeline.converge import converge
from seatrial.pipeline.explanation import explain
from seatrial.pipeline.outcome import Status
from seatrial.pipeline.state import StateFolder
from seatrial.pipeline.world import World
from seatrial.steps.smoke.deployed import Deployed
from tests.engine.memory.engine import MemoryEngine
from tests.servers.local_server import Asked, Reply, Served, serve
from tests.steps.scenario import make_app

_JSON = '{"status": "it\'s \\"ok\\" é", "n": 1, "on": true, "of": [{"a": 1.5}, null], "": {}}'
_PAGES = {
    "/": Reply(body=b"hello v1.\nit's $(a) and \\d [x]\n"),
    "/json": Reply(body=_JSON.encode(), headers={"X-App": "web 1", "Set-Cookie": "a=1.4"}),
    "/long": Reply(body=b"hello 1.4 1-rc 21"),
    "/missing": Reply(status=404, body=b"nothing at 200"),
    "/moved": Reply(status=302, headers={"Location": "/json", "X-App": "none"}),
    "/away": Reply(status=302, headers={"Location": "http://localhost:{port}/"}),
    "/round": Reply(status=302, headers={"Location": "/round?"}),
}
_PASS = (
    Check(
        text=("hello v{version}", "{version}.", "it's $(a) and \\d", "v1.\nit's"), not_text=("nothing", "a\nb", "[y]")
    ),
    Check(matches=r"(?s)\Ahello v\d\.\n.*\bx\]", scheme="http"),
    Check(path="/json", json={"status": 'it\'s "ok" é', "n": 1.0, "on": True, "of": [{}, None], "": {}}),
    Check(path="/moved", response_headers={"x-app": "web {version}", "set-cookie": "a="}),
    Check(path="/moved", redirect="/json"),
    Check(path="/moved", status=302),
    Check(path="/missing", status=404, text="nothing"),
    Check(path="/echo/./x?[a]", method="POST", body={"a": "{version}"}, text='POST /echo/./x?[a] {"a": "1"}'),
    Check(path="/echo", body="b", text="GET /echo b"),
    Check(path="/json", method="HEAD", response_headers={"X-App": ""}),
)
_FAIL = (
    Check(text="b\nhello"),
    Check(path="/long", text="hello {version}"),
    Check(path="/long", matches="{version}$"),
    Check(not_text="it's"),
    Check(not_text="v1.\nit's"),
    Check(text="200"),
    Check(path="/missing"),
    Check(path="/missing", status=404, text="200 http"),
    Check(path="/json", json={"n": True}),
    Check(path="/json", json={"on": 1}),
    Check(path="/json", json={"of": [{}]}),
    Check(path="/json", json={"m": None}),
    Check(path="/json", json={"": {"a": 1}}),
    Check(path="/json", json=[]),
    Check(json={}),
    Check(path="/moved", response_headers={"X-App": "none"}),
    Check(path="/json", response_headers={"Set-Cookie": "={version}"}),
    Check(path="/json", response_headers={"X-A.*": "web"}),
    Check(path="/moved", redirect="/js"),
    Check(path="/moved", status=301),
    Check(path="/away"),
    Check(path="/round"),
)


def _answer(asked: Asked) -> Reply:
    path = asked.path.partition("?")[0]
    if path.startswith("/echo"):
        return Reply(body=f"{asked.method} {asked.path} {asked.body.decode()}".encode())
    reply = _PAGES.get(path, Reply(status=404))
    port = asked.headers.get("Host", "").rpartition(":")[2]
    return Reply(
        status=reply.status,
        body=b"" if asked.method == "HEAD" else reply.body,
        headers={name: value.replace("{port}", port) for name, value in reply.headers.items()},
    )


def _both(folder: Path, server: Served, *checks: Check) -> tuple[Any, subprocess.CompletedProcess[str]]:
    """Return how the task and its script end."""
    engine = MemoryEngine()
    state = StateFolder(folder / "state")
    world = World(engine=engine, registry=engine.registry, state=state)
    app = make_app("demo", folder / "app", "python", 5000).but(checks=checks, smoke_timeout=1)
    step = Deployed(target=app, base_url=BaseUrl(port=server.port), awaited=Version("1"))
    text = script(explain([step], world), call="invoke smoke", root=folder)
    outcome, _ = converge(step, world, check=False, emit=lambda _: None)
    temporary = folder / "tmp"
    temporary.mkdir()
    done = subprocess.run(
        ["sh"],
        input=text,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not [*temporary.iterdir()], "the script has left its folder"
    return outcome, done


def test_it_passes(tmp_path: Path) -> None:
    """What the task takes, the script takes."""
    with serve(_answer) as server:
        outcome, done = _both(tmp_path, server, *_PASS)
    assert outcome.status is Status.OK, outcome.error and outcome.error.reason
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("check", _FAIL, ids=str)
def test_it_fails(tmp_path: Path, check: Check) -> None:
    """What the task does not take, the script does not take either; it says what was expected, without a traceback."""
    with serve(_answer) as server:
        outcome, done = _both(tmp_path, server, check)
    assert outcome.status is Status.FAILED
    assert done.returncode == 1
    assert str(check) in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
