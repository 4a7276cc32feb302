"""Apps that are slow, silent, endless or wrong: how and when their smoke test fails."""

from __future__ import annotations

import re
import time

import pytest

from tests.cli_project import Done, Project, failed

pytestmark = [pytest.mark.engine, pytest.mark.container]
USUAL = '[{path: /, text: "hello {version}"}]'


def smoke(project: Project, checks: str = USUAL) -> Done:
    """Build the app and run these checks."""
    file = project.folder / "invoke.yaml"
    file.write_text(file.read_text().replace(USUAL, checks))
    assert project.invoke("build", "--version", "1").code == 0
    return project.invoke("smoke", "--json")


def test_slow_to_start(project: Project) -> None:
    """C8, C9: while the app starts, Docker's proxy accepts connections and drops them; the checks wait."""
    project.write(at_start="time.sleep(3)")

    done = smoke(project)

    assert done.code == 0, done.all
    took = re.search(r"GET /.*?\((\d+\.\d+) s\)", done.all)
    assert took is not None
    assert 2 < float(took[1]) < 15


def test_unavailable_then_fine(project: Project) -> None:
    """C10: an app that answers 503 while it starts passes when it is ready."""
    warming = "if time.monotonic() < WARM: self.send_error(503); return"
    project.write(at_start="WARM = time.monotonic() + 1", at_request=warming)

    assert smoke(project).code == 0


def test_gone_after_a_while(project: Project) -> None:
    """C4: an app that dies after two seconds fails then, long before the deadline."""
    project.write(at_start="time.sleep(2); print('the step broke'); sys.exit(4)")

    done = smoke(project)

    failed(done, "the step broke", cause="unknown")
    assert re.search(r"\b4\b", done.error["reason"])
    assert done.seconds < 12


@pytest.mark.parametrize(
    ("checks", "names"),
    [
        ("[{path: /, status: 404}]", ["200", "404"]),
        ("[{path: /, json: {status: ok}}]", ["JSON", "'hello 1'"]),
        ("[{path: /, response_headers: {Content-Type: html}}]", ["Content-Type"]),
        ("[{path: /, not_text: hello}]", ["'hello'"]),
        ("[{path: /, matches: '^goodbye'}]", ["'^goodbye'"]),
    ],
)
def test_the_wrong_answer(project: Project, checks: str, names: list[str]) -> None:
    """C11: a wrong answer that cannot change fails at once, with what was expected."""
    done = smoke(project, checks)

    failed(done, "GET /", *names, cause="wrong-answer")
    assert done.seconds < 12


def test_another_version_answers(project: Project) -> None:
    """C12: another version of the page fails with both versions and the image that was expected."""
    project.write(at_start='os.environ["VERSION"] = "0.9.3"')

    done = smoke(project)

    failed(done, cause="wrong-version")
    assert re.search(r"\b1\b.*\bsha256:[0-9a-f]+\b.*\b0\.9\.3\b", done.error["reason"])


@pytest.mark.parametrize(
    ("location", "names"),
    [("http://evil.invalid/x", ["http://evil.invalid/x", "http://127.0.0.1:"]), ("/", ["http://127.0.0.1:"])],
)
def test_bad_redirects(project: Project, location: str, names: list[str]) -> None:
    """C13: a redirect to another host and a redirect loop fail at once."""
    away = f'self.send_response(302); self.send_header("Location", "{location}"); self.end_headers(); return'
    project.write(at_request=away)

    done = smoke(project)

    failed(done, *names, cause="wrong-answer")
    assert done.seconds < 12


def test_a_good_redirect(project: Project) -> None:
    """A redirect to another page of the app is followed."""
    away = 'self.send_response(302); self.send_header("Location", "/home"); self.end_headers(); return'
    project.write(at_request=f'if self.path == "/": {away}')

    assert smoke(project).code == 0


def test_a_body_without_end(project: Project) -> None:
    """C14: a body of more than a megabyte fails, and no more of it is read."""
    endless = "[self.wfile.write(bytes(1048576)) for _ in range(1024)]"
    project.write(at_request=f"self.send_response(200); self.end_headers(); {endless}")

    done = smoke(project, "[{path: /}]")

    failed(done, "1,048,576", cause="wrong-answer")
    assert done.seconds < 12


def test_a_body_that_drips(project: Project) -> None:
    """C15: a body that arrives byte by byte fails at the deadline."""
    drip = "[(self.wfile.write(b'x'), time.sleep(0.2)) for _ in range(999)]"
    project.write(at_request=f"self.send_response(200); self.end_headers(); {drip}", timeout=2)
    began = time.monotonic()

    done = smoke(project, "[{path: /}]")

    failed(done, cause="no-answer")
    assert done.seconds < 12
    assert time.monotonic() - began < 60
