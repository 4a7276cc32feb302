"""The image checks in the real commands smoke and push."""

from __future__ import annotations

import json
import re
import secrets

import pytest

from tests.cli_project import Done, Project, failed

pytestmark = pytest.mark.engine

_DOCKERFILE = """\
FROM {base}
ARG VERSION
ENV VERSION=$VERSION PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN find / -xdev -type f -perm /6000 -exec chmod a-s {{}} +
COPY app.py /app.py
EXPOSE 5000
HEALTHCHECK CMD ["true"]
USER 10001:10001
CMD ["python3", "/app.py"]
"""


def _build_and_smoke(project: Project) -> Done:
    return project.invoke("build", "--version", "1", "smoke", "--json")


def settings(project: Project, *lines: str) -> None:
    """Add settings to the app's."""
    path = project.folder / "invoke.yaml"
    project.write(facts="")
    path.write_text(path.read_text() + "".join(f"      {line}\n" for line in lines))


def test_smoke_under_fail(project: Project) -> None:
    """With `fail`, an image that fails its image checks fails smoke and is not pushed; a fixed image passes.

    A verdict given while image checks only warned does not count any more. Of the next image only what was copied is
    read: for the other files a record counts.
    """
    settings(project)
    warned = _build_and_smoke(project)
    assert warned.code == 0, warned.all
    notes = warned.document["steps"][-1]["notes"]
    assert len([note for note in notes if re.search(r"\buser\b.*10001:10001", note)]) == 1
    assert all(note in warned.err for note in notes)
    push = ("push", "--version", "1", "--user", "demo", "--registry", "localhost:1", "--check", "--json")
    assert project.invoke(*push).code == 3, "only the registry is missing"

    settings(project, "image_facts: fail")

    failed(project.invoke(*push), "invoke smoke --version 1")
    failed(project.invoke("smoke", "--json"), "USER 10001:10001", "EXPOSE 5000", cause="image-facts")
    failed(project.invoke(*push), "invoke smoke --version 1")
    (project.folder / "Dockerfile").write_text(_DOCKERFILE.format(base=project.base))
    fixed = _build_and_smoke(project)
    assert fixed.code == 0, fixed.all
    assert "notes" not in fixed.document["steps"][-1]
    verdicts = [json.loads(path.read_text()) for path in (project.folder / ".seatrial/verdicts").glob("*.json")]
    (verdict,) = [one for one in verdicts if one["passed"]]
    assert re.search(r"\b9\b", verdict["summary"])
    for path in (project.folder / ".seatrial/facts").glob("*.json"):
        record = json.loads(path.read_text())
        path.write_text(json.dumps({**record, "setuid": ["/recorded"], "setuid_count": 1} if "owner" in record else {}))
    (project.folder / "app.py").write_text((project.folder / "app.py").read_text() + "# changed\n")
    failed(_build_and_smoke(project), "/recorded", cause="image-facts")


def test_secrets_are_named_and_never_shown(project: Project) -> None:
    """The name of a secret in the image is shown; its value is in no output and in no file."""
    value = secrets.token_hex(12)
    settings(project, "image_facts: fail", "image_facts_allowed: [user, port, healthcheck, setuid, labels]")
    dockerfile = project.folder / "Dockerfile"
    dockerfile.write_text(f"{dockerfile.read_text()}ENV API_TOKEN={value}\nLABEL registry.password={value}\n")
    assert project.invoke("build", "--version", "1").code == 0

    shown = [project.invoke("--debug", "smoke", "--version", "1"), project.invoke("smoke", "--json")]

    for done in shown:
        assert done.code == 1, done.all
        assert "API_TOKEN" in done.all
        assert "registry.password" in done.all
        assert value not in done.all
    state = [path.read_bytes() for path in (project.folder / ".seatrial").rglob("*") if path.is_file()]
    assert any(b"API_TOKEN" in note for note in state)
    assert all(value.encode() not in note for note in state)
