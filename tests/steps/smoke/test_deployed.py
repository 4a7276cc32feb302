"""smoke --url: the app's checks against what is deployed somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.checks.http.base_url import BaseUrl
from seatrial.errors import SmokeFailed
from seatrial.events import CheckResult, Event
from seatrial.model.app import Check
from seatrial.model.version import Version
from seatrial.pipeline.converge import converge
from seatrial.pipeline.outcome import Outcome, Status
from seatrial.pipeline.state import StateFolder
from seatrial.pipeline.world import World
from seatrial.steps.smoke.deployed import Deployed
from tests.engine.memory.engine import MemoryEngine
from tests.servers.local_server import Asked, Reply, serve
from tests.steps.scenario import make_app


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A world without images and registries."""
    engine = MemoryEngine()
    return World(engine=engine, registry=engine.registry, state=StateFolder(tmp_path / "notes"))


def step(folder: Path, port: int, version: str | None = "1", *checks: Check, prefix: str = "") -> Deployed:
    """Return the step for what is deployed at a port."""
    app = make_app("demo", folder / f"app{port}", "python", 5000)
    app = app.but(checks=checks or app.checks, smoke_timeout=1)
    base_url = BaseUrl(port=port, prefix=prefix)
    return Deployed(target=app, base_url=base_url, awaited=Version(version) if version else None)


def page(asked: Asked) -> Reply:
    """Answer as version 1 of the app."""
    return Reply(body=b"1" if asked.path.endswith("/version") else b"hello")


def run(one: Deployed, world: World, *, check: bool = False) -> tuple[Outcome, list[Event]]:
    """Run the step, and return its outcome and events."""
    events: list[Event] = []
    return converge(one, world, check=check, emit=events.append)[0], events


def test_it_passes(tmp_path: Path, world: World) -> None:
    """A deployed app that passes its checks is ok every time: nothing was changed, and no verdict is saved."""
    with serve(page) as server:
        one = step(tmp_path, server.port, prefix="/shop")
        outcome, events = run(one, world)
        again = Deployed(target=one.target, base_url=one.base_url, awaited=one.awaited)
        assert run(again, world)[0].status is Status.OK
    assert outcome.status is Status.OK
    assert outcome.before == outcome.after == str(one.base_url)
    results = [(event.check, event.problem) for event in events if isinstance(event, CheckResult)]
    assert results == [("GET /", None), ("GET /version", None)]
    assert [asked.path for asked in server.asked] == ["/shop/", "/shop/version"] * 2
    assert not world.state.folder.exists()


def test_it_fails(tmp_path: Path, world: World) -> None:
    """A wrong answer fails the step, with the answer and what to type next."""
    with serve(page) as server:
        outcome, _ = run(step(tmp_path, server.port, "2"), world)
    assert isinstance(outcome.error, SmokeFailed)
    assert outcome.error.cause == "wrong-version"
    (line,) = outcome.error.details
    for text in (outcome.error.reason, line):
        assert "GET /version" in text
        assert "'1'" in text
    assert outcome.error.hint.endswith(f"invoke smoke --url http://127.0.0.1:{server.port} --version 2")


def test_check_mode_asks_nobody(tmp_path: Path, world: World) -> None:
    """Check mode sends no request, says what it would do, and foretells the status and identity of the real run."""
    with serve(page) as server:
        one = step(tmp_path, server.port)
        foretold, _ = run(one, world, check=True)
        assert server.asked == []
        done, _ = run(one, world)
    assert (foretold.status, foretold.after) == (done.status, done.after)
    assert foretold.message.startswith("would ")


def test_it_is_asked_gently(tmp_path: Path, world: World) -> None:
    """A deployed app that answers 503 does not get a hundred requests a second."""
    with serve(lambda _: Reply(status=503)) as server:
        outcome, _ = run(step(tmp_path, server.port, None, Check()), world)
    assert outcome.status is Status.FAILED
    assert 2 <= len(server.asked) < 10


def test_its_redirects(tmp_path: Path, world: World) -> None:
    """A redirect below the prefix is followed; one to another origin is not."""

    def answer(asked: Asked) -> Reply:
        ways = {"/shop/": "/shop/home", "/shop/out": "http://evil.invalid/"}
        headers = {"Location": ways[asked.path]} if asked.path in ways else {}
        return Reply(status=302 if headers else 200, headers=headers)

    checks = (Check(), Check(redirect="/home"), Check(path="/out"))
    with serve(answer) as server:
        outcome, events = run(step(tmp_path, server.port, None, *checks, prefix="/shop"), world)
    problems = [event.problem for event in events if isinstance(event, CheckResult)]
    assert problems[:2] == [None, None]
    assert "http://evil.invalid/" in str(problems[2])
    assert outcome.status is Status.FAILED
