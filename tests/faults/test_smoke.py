"""Apps that are slow, silent, endless, led astray or somebody else's: what a smoke test says of each, and when."""

from __future__ import annotations

import re
import time

import pytest

from tests.cli_project import Done, Project, failed

pytestmark = [pytest.mark.engine, pytest.mark.container]
USUAL = '[{path: /, text: "hello {version}"}]'


def smoke(project: Project, checks: str = USUAL) -> Done:
    """Build the app and put these checks to it."""
    file = project.folder / "invoke.yaml"
    file.write_text(file.read_text().replace(USUAL, checks))
    assert project.invoke("build", "--version", "1").code == 0
    return project.invoke("smoke")


def test_slow_to_start(project: Project) -> None:
    """C8, C9: while the app sleeps Docker's proxy takes connections and drops them: that is "not yet"."""
    project.write(at_start="time.sleep(3)")

    done = smoke(project)

    assert done.code == 0, done.all
    took = re.search(r"GET /: passed \((\d+\.\d+) s\)", done.all)
    assert took is not None
    assert 2 < float(took[1]) < 15


def test_unavailable_then_fine(project: Project) -> None:
    """C10: an app that says 503 while it warms up passes when it is warm."""
    warming = "if time.monotonic() < WARM: self.send_error(503); return"
    project.write(at_start="WARM = time.monotonic() + 1", at_request=warming)

    assert smoke(project).code == 0


def test_gone_after_a_while(project: Project) -> None:
    """C4: an app that dies after two seconds of silence is told then, long before the deadline."""
    project.write(at_start="time.sleep(2); print('the step broke'); sys.exit(4)")

    done = smoke(project)

    failed(done, "exit code 4", "the step broke")
    assert done.seconds < 12


@pytest.mark.parametrize(
    ("checks", "words"),
    [
        ("[{path: /, status: 404}]", "status 200, expected 404"),
        ("[{path: /, json: {status: ok}}]", "the body is not valid JSON; it begins 'hello 1'"),
        ("[{path: /, response_headers: {Content-Type: html}}]", "there is no header Content-Type"),
        ("[{path: /, not_text: hello}]", "the body contains 'hello'"),
        ("[{path: /, matches: '^goodbye'}]", "the body does not match '^goodbye'"),
    ],
)
def test_the_wrong_answer(project: Project, checks: str, words: str) -> None:
    """C11: what will not change is told at once."""
    done = smoke(project, checks)

    failed(done, words)
    assert done.seconds < 12


def test_another_version_answers(project: Project) -> None:
    """C12: the right page of another version is told as such, with the image that should have answered."""
    project.write(at_start='os.environ["VERSION"] = "0.9.3"')

    done = smoke(project)

    failed(done, "expected version 1 of image sha256:", ", got 0.9.3")


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://evil.invalid/x", "it redirects to http://evil.invalid/x, which is not on http://127.0.0.1:"),
        ("/", "it redirects in a loop, back to http://127.0.0.1:"),
    ],
)
def test_led_astray(project: Project, location: str, words: str) -> None:
    """C13: nobody follows to another host or round in circles."""
    away = f'self.send_response(302); self.send_header("Location", "{location}"); self.end_headers(); return'
    project.write(at_request=away)

    done = smoke(project)

    failed(done, words)
    assert done.seconds < 12


def test_led_home(project: Project) -> None:
    """A redirect to another page of the app's own is followed."""
    away = 'self.send_response(302); self.send_header("Location", "/home"); self.end_headers(); return'
    project.write(at_request=f'if self.path == "/": {away}')

    assert smoke(project).code == 0


def test_a_body_without_end(project: Project) -> None:
    """C14: of a gigabyte a megabyte is read."""
    pour = "[self.wfile.write(bytes(1048576)) for _ in range(1024)]"
    project.write(at_request=f"self.send_response(200); self.end_headers(); {pour}")

    done = smoke(project, "[{path: /}]")

    failed(done, "the body is larger than 1,048,576 bytes")
    assert done.seconds < 12


def test_a_body_that_drips(project: Project) -> None:
    """C15: a byte now and then does not hold anybody longer than the deadline."""
    drip = "[(self.wfile.write(b'x'), time.sleep(0.2)) for _ in range(999)]"
    project.write(at_request=f"self.send_response(200); self.end_headers(); {drip}", timeout=2)
    began = time.monotonic()

    done = smoke(project, "[{path: /}]")

    failed(done, "no complete answer within")
    assert done.seconds < 12
    assert time.monotonic() - began < 60
