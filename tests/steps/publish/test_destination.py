"""Where an app is published follows from the settings and the flags, and no two apps are published in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seatrial.cli.flags import RegistryFlags
from seatrial.cli.playbook import Playbook
from seatrial.errors import UsageError
from seatrial.settings.settings import Settings
from seatrial.steps.publish.destination import Destination

NAMED = "ghcr.io/org/team/page"


def destination(raw: dict[str, Any], root: Path, user: str | None, registry: str | None) -> Destination:
    """Return where the app `web` is published."""
    playbook = Playbook(settings=Settings.load({"project": "p", **raw}, root))
    return playbook.destination(playbook.settings.app("web"), RegistryFlags(user=user, registry=registry))


@pytest.mark.parametrize(
    ("app", "user", "registry", "repository", "flags"),
    [
        ({}, "jane.doe", None, "docker.io/jane.doe/web", " --user jane.doe"),
        ({"repository": "shop/page"}, "u", None, "docker.io/u/page", " --user u"),
        ({}, "org/team", "ghcr.io", "ghcr.io/org/team/web", " --user org/team --registry ghcr.io"),
        ({"published_repository": NAMED}, None, None, NAMED, ""),
        ({"published_repository": NAMED}, None, "r.io", "r.io/org/team/page", " --registry r.io"),
        ({"published_repository": NAMED}, "u", None, "ghcr.io/u/page", " --user u"),
    ],
)
def test_where(
    tmp_path: Path, app: dict[str, str], user: str | None, registry: str | None, repository: str, flags: str
) -> None:
    """User and registry come before the last part of the repository; `published_repository` names all of it."""
    found = destination({"apps": {"web": app}}, tmp_path, user, registry)
    assert str(found.repository) == repository
    assert found.flags == flags


@pytest.mark.parametrize(
    ("user", "web", "other"),
    [
        ("u", {"repository": "shop/web"}, {"repository": "blog/web"}),
        ("u", {"repository": "page"}, {"repository": "page"}),
        (None, {"published_repository": "docker.io/demo/page"}, {"repository": "page"}),
        (None, {"published_repository": NAMED}, {"published_repository": NAMED}),
    ],
)
def test_two_apps_in_one_place(tmp_path: Path, user: str | None, web: dict[str, str], other: dict[str, str]) -> None:
    """Two apps that would be published under one name are refused, since one would replace the other."""
    raw = {"user": "demo", "apps": {"web": web, "other": other}}
    with pytest.raises(UsageError, match="other and web") as caught:
        destination(raw, tmp_path, user, None)
    assert "published_repository" in caught.value.hint
    raw["apps"] = {"web": web, "other": {"published_repository": "docker.io/u/else"}}
    assert destination(raw, tmp_path, user, None).target.name == "web"


@pytest.mark.parametrize(("user", "app"), [("org/team", {}), (None, {"published_repository": "docker.io/a/b/c"})])
def test_docker_hub_has_no_namespaces(tmp_path: Path, user: str | None, app: dict[str, str]) -> None:
    """A repository of Docker Hub has two parts."""
    with pytest.raises(UsageError, match="Docker Hub"):
        destination({"apps": {"web": app}}, tmp_path, user, None)
