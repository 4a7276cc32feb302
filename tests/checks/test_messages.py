"""The wording of the checks' messages, each sentence once."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.checks.http.base_url import BaseUrl, parse_base_url
from seatrial.checks.http.probe import Attempt, Result
from seatrial.checks.http.response import Expected, Response, problem_with
from seatrial.checks.image import facts
from seatrial.checks.image.facts import Fact, enforce_policy
from seatrial.checks.image.file_scan import FileScan
from seatrial.engine.model import Image
from seatrial.errors import SeatrialError
from seatrial.model.app import Check
from seatrial.model.facts_policy import FactsMode, FactsPolicy
from seatrial.pipeline.state import StateFolder
from seatrial.pipeline.world import World
from tests.engine.memory.engine import MemoryEngine
from tests.steps.scenario import make_app

BASE_URL = BaseUrl(port=8080)
PORT = Fact(name="port", benchmark="CIS 5.9", problem="exposes no port", hint="EXPOSE 8080")
SIZE = Fact(name="size", problem=None, hint="invoke history")


def problem(check: Check, body: str = "", status: int = 200, *, cut: bool = False, location: str | None = None) -> str:
    """Return what is wrong with a response to a check of version 1.4."""
    response = Response(
        status=status, body=body.encode(), headers={"x-a": "b"}, cut=cut, location=location, redirect_error=None
    )
    return problem_with(check, response, Expected(version="1.4"), BASE_URL) or ""


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (problem(Check(text="hello"), "bye"), "the body does not contain 'hello'; it begins 'bye'"),
        (problem(Check(not_text="bye"), "bye"), "the body contains 'bye'; it begins 'bye'"),
        (problem(Check(matches="^a"), "bye"), "the body does not match '^a'; it begins 'bye'"),
        (problem(Check(text="v{version}"), "v1.3"), "expected version 1.4, got 1.3"),
        (problem(Check(json={"a": 1}), '{"a": 2}'), "the JSON holds 2 at $.a, expected 1"),
        (problem(Check(json={"a": 1}), "{}"), "the JSON has no $.a, expected 1; it is {}"),
        (problem(Check(json=[]), "<p>"), "the body is not valid JSON; it begins '<p>'"),
        (problem(Check(), "bye", 404), "status 404, expected 200; the body begins 'bye'"),
        (problem(Check(), "", 302, location="http://x/"), "status 302 (to http://x/), expected 200"),
        (problem(Check(redirect="/a"), "bye"), "status 200, expected a redirect to /a; the body begins 'bye'"),
        (
            problem(Check(redirect="/a"), "", 302, location="http://x/"),
            "it redirects to http://x/, expected http://127.0.0.1:8080/a",
        ),
        (problem(Check(response_headers={"X-A": "c"})), "the header X-A is 'b', expected one with 'c'"),
        (problem(Check(response_headers={"X-B": "c"})), "there is no header X-B, expected one with 'c'"),
        (problem(Check(), cut=True), "the body is larger than 1,048,576 bytes"),
        *((facts._user_problem(user), "runs as root") for user in ("", "0", "root", "0:10001")),
        (facts._user_problem("app"), "its USER is a name, and only a number shows that the user is not root"),
        (
            facts._user_problem("10001"),
            "its USER has no group: the group comes from the image's /etc/passwd, or is root",
        ),
        (facts._port_problem((), 8080), "exposes no port"),
        (facts._port_problem(("80/tcp",), 8080), "exposes 80, but the app's port is 8080"),
        (facts._port_problem(("80/tcp", "8080/tcp"), 8080), "exposes 80 besides 8080"),
        (facts._size_problem(2000, 1000), "is 2kB (2,000 bytes), above its budget of 1kB (1,000 bytes)"),
        (Attempt(at=1.5, words="refused"), "  1.500 s  refused"),
        (Attempt(at=1.5, words="refused", count=3), "  1.500 s  refused (3 times)"),
        (Result(check=Check(), problem="no answer: refused").state, "does not answer"),
        (PORT.as_event(fails=True), "image check port (CIS 5.9): exposes no port. Fix: EXPOSE 8080"),
    ],
)
def test_problems(found: object, sentence: str) -> None:
    """Each problem has its sentence."""
    assert str(found) == sentence


@pytest.mark.parametrize(
    ("url", "message", "reason"),
    [
        (
            "shop.example",
            "--url 'shop.example' is not a valid URL",
            "a URL starts with https:// or http:// and a host, and contains no spaces",
        ),
        ("https://[::1", "--url 'https://[::1' is not a valid URL", "it cannot be parsed as a URL"),
        (
            "https://a:b@shop.example",
            "the URL in --url is not valid",
            "it contains a user or a password, which every user of this machine could read",
        ),
        (
            "https://a/?b",
            "--url 'https://a/?b' is not a valid URL",
            "the checks add the path and the query: the URL may not contain ? or #",
        ),
    ],
)
def test_invalid_urls(url: str, message: str, reason: str) -> None:
    """Each invalid URL has its message and reason."""
    with pytest.raises(SeatrialError) as caught:
        parse_base_url(url)
    assert (caught.value.message, caught.value.reason) == (message, reason)


@pytest.mark.parametrize(
    ("mode", "results", "summary"),
    [
        ("warn", (SIZE,), "1 image check passed"),
        ("warn", (PORT, SIZE), "1 of 2 image checks failed: port"),
        (
            "fail",
            (PORT, SIZE),
            (
                "1 of 2 image checks failed: port: exposes no port\n"
                "fix the Dockerfile as shown above, or add the checks that may fail to image_facts_allowed; "
                "then: invoke build smoke\nport (CIS 5.9): exposes no port. Fix: EXPOSE 8080"
            ),
        ),
        (
            "fail",
            (),
            (
                "the image checks could not run: the engine does not report the configuration of sha256:1\n"
                "invoke build smoke"
            ),
        ),
    ],
)
def test_image_checks(
    mode: FactsMode, results: tuple[Fact, ...], summary: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image checks have one sentence for passing and one for each failure."""
    monkeypatch.setattr(facts, "collect_facts", lambda *_: results)
    engine = MemoryEngine()
    world = World(engine=engine, registry=lambda _: pytest.fail("asked"), state=StateFolder(tmp_path))
    app = make_app("wording", tmp_path / "app", "scratch", 8080).but(facts=FactsPolicy(mode=mode))
    try:
        image = Image(id="sha256:1")
        found = enforce_policy(world, app, image, FileScan(world, app, image), lambda _: None)
    except SeatrialError as error:
        found = "\n".join([str(error), error.hint, *error.details])
    engine.close()
    assert found == summary
