"""Publishing with real commands: moving tags, rollback, status, and a registry that does not answer."""

from __future__ import annotations

import pytest

from tests import skopeo
from tests.cli_project import Done, Project, failed
from tests.servers.registries import TestRegistry

pytestmark = pytest.mark.engine
NOWHERE = "localhost:1"
NEW = {"preflight": "ok", **dict.fromkeys(("build", "smoke", "tag", "push"), "changed")}
"""The statuses of a first release."""


def _at(registry: TestRegistry | str) -> list[str]:
    return ["--user", "demo", "--registry", registry if isinstance(registry, str) else registry.host]


def _release(project: Project, registry: TestRegistry | str, version: str, *words: str) -> Done:
    return project.invoke("release", *_at(registry), "--version", version, *words)


def _published(project: Project, registry: TestRegistry) -> dict[str, str | None]:
    """Return the digest under each tag in the registry, read with skopeo."""
    tags = skopeo.tags(registry, project.published)
    return {tag: skopeo.digest(registry, project.published, tag) for tag in tags}


def test_a_version_and_its_moving_tags(project: Project, open_registry: TestRegistry) -> None:
    """`--version v1.4.2` is published as 1.4.2, 1.4, 1 and latest, all with the digest that recap and JSON name."""
    done = _release(project, open_registry, "v1.4.2", "--json")

    assert done.code == 0, done.all
    assert done.statuses == NEW
    published = _published(project, open_registry)
    assert sorted(published) == ["1", "1.4", "1.4.2", "latest"]
    (digest,) = set(published.values())
    assert digest
    assert digest in done.err
    named = {one["reference"]: one["digest"] for one in done.document["image"]["references"]}
    assert named == {f"{open_registry.host}/{project.published}:{tag}": digest for tag in published}
    again = _release(project, open_registry, "1.4.2", "--json")
    assert (again.code, again.statuses) == (0, dict.fromkeys(NEW, "ok"))
    assert _published(project, open_registry) == published


def test_rollback(project: Project, open_registry: TestRegistry) -> None:
    """`rollback --to` moves the tags back without a build, and a second one is ok."""
    assert "smoke" not in _release(project, open_registry, "1.4.1", "--untested", "--json").statuses
    assert _release(project, open_registry, "1.4.2", "--untested").code == 0
    before = _published(project, open_registry)
    assert before["latest"] == before["1.4.2"] != before["1.4.1"]

    planned = project.invoke("rollback", *_at(open_registry), "--to", "previous", "--check")
    assert planned.code == 0, planned.all
    assert _published(project, open_registry) == before
    done = project.invoke("rollback", *_at(open_registry), "--to", "v1.4.1", "--json")
    again = project.invoke("rollback", *_at(open_registry), "--to", "1.4.1", "--json")

    assert (done.code, done.statuses) == (0, {"rollback": "changed"}), done.all
    assert (again.code, again.statuses) == (0, {"rollback": "ok"}), again.all
    assert _published(project, open_registry) == before | dict.fromkeys(("1.4", "1", "latest"), before["1.4.1"])
    references = {one["reference"]: one["digest"] for one in done.document["image"]["references"]}
    assert references[f"{open_registry.host}/{project.published}:latest"] == before["1.4.1"]
    failed(project.invoke("rollback", *_at(open_registry), "--to", "9.9.9", "--json"), "9.9.9", "invoke status")


def test_status(project: Project, open_registry: TestRegistry) -> None:
    """`status` shows for each tag what ledger, engine and registry hold, as a table and as one JSON document.

    Without the registry it still prints what ledger and engine hold, and the exit code is 3.
    """
    assert _release(project, open_registry, "1.4.2", "--untested").code == 0
    assert project.invoke("build", "--version", "dev").code == 0
    digest = skopeo.digest(open_registry, project.published, "1.4.2")
    assert digest

    table = project.invoke("status", *_at(open_registry))
    document = project.invoke("status", *_at(open_registry), "--json")

    assert table.code == 0, table.all
    rows = [line.split() for line in table.out.splitlines()[1:]]
    assert rows[0] == ["TAG", "VERSION", "REGISTRY", "ENGINE", "LEDGER", "STATE"]
    assert [row[:2] for row in rows[1:5]] == [[tag, "1.4.2"] for tag in ("1.4.2", "1.4", "1", "latest")]
    assert all(digest[7:19] in row for row in rows[1:5])
    assert rows[5][0] == "dev"
    assert document.code == 0, document.all
    tags = {one["tag"]: one for one in document.document["tags"]}
    assert sorted(tags) == ["1", "1.4", "1.4.2", "dev", "latest"]
    assert (tags["latest"]["registry"], tags["latest"]["ledger"]) == (digest, digest)
    (published,) = {tags[tag]["state"] for tag in ("1", "1.4", "1.4.2", "latest")}
    assert tags["dev"]["state"] not in (published, "unknown")
    offline = project.invoke("status", *_at(NOWHERE), "--json")
    assert offline.code == 3, offline.all
    row = next(one for one in offline.document["tags"] if one["tag"] == "dev")
    assert (row["registry"], row["engine"], row["state"]) == ("unknown", tags["dev"]["engine"], "unknown")
    assert NOWHERE in offline.err
    assert "Traceback" not in offline.err


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["release", "--version", "1", "--lock-wait", "x"], "--lock-wait"),
        (["push", "--version", "latest"], "latest"),
        (["rollback", "--to", "1.4.1+b"], "1.4.1-b"),
        (["rollback"], "--to"),
    ],
)
def test_usage_errors(project: Project, words: list[str], name: str) -> None:
    """Usage errors end with exit code 2 and one document, before any request or change."""
    done = project.invoke(*words, *_at(NOWHERE), "--json")

    assert done.code == 2, done.all
    assert name in done.err
    assert "Traceback" not in done.err
    assert not (project.folder / ".seatrial").exists()
    assert done.document["exit_code"] == 2
