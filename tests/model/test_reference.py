"""Image names are parsed as Docker parses them, and refused if Docker would refuse them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import suppress

import docker
import pytest
from docker.errors import DockerException
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.errors import UsageError
from seatrial.model.reference import (
    DOCKER_HUB,
    ImageReference,
    parse_login,
    parse_registry,
    parse_repository,
    parse_user,
)

DIGEST = "sha256:" + "0f" * 32
PASSWORD = "S3ntinel"

GOOD = [
    ("app", "docker.io/library/app"),
    ("sposigor/app-flask-teste:1.4.0", "docker.io/sposigor/app-flask-teste:1.4.0"),
    ("docker.io/app", "docker.io/library/app"),
    ("index.docker.io/u/app", "docker.io/u/app"),
    ("docker.io/jane.doe/app:1", "docker.io/jane.doe/app:1"),
    ("hub.docker.com/r/u/app", "hub.docker.com/r/u/app"),
    *(("localhost/app", "localhost/app"), ("localhost:5050/demo/app:x", "localhost:5050/demo/app:x")),
    ("[::1]:5050/app:1", "[::1]:5050/app:1"),
    ("ghcr.io/u/app_x__y.z--w", "ghcr.io/u/app_x__y.z--w"),
    *(("Host/app", "Host/app"), ("a:_x", "docker.io/library/a:_x")),
    (f"a:{'x' * 128}", f"docker.io/library/a:{'x' * 128}"),
    (f"a@{DIGEST}", f"docker.io/library/a@{DIGEST}"),
    (f"r.io/a:1@{DIGEST}", f"r.io/a:1@{DIGEST}"),
]

BAD = [
    *("", " ", "App", "u/App", "a b", "a\n", "a:1\n", "a:", "a:-1", "a:.1", "a:1+b", f"a:{'x' * 129}", "a:1:2"),
    *("/a", "a/", "a//b", "-a", "a-", "a..b", "a___b", "../x", "\uff41", "a\0", "a" * 256, "0f" * 32),
    *("https://r.io/a", "r.io:port/a", "r.io:123456/a"),
    *("a@", "a@sha256:0f", "a@sha256", f"a@{DIGEST}@{DIGEST}", f"a@{DIGEST}0", f"a@{DIGEST.upper()}"),
    *(f"a@md5:{'0f' * 16}", f"a@sha512:{'0f' * 32}", f"a@blake3:{'0f' * 32}"),
    *(f"alice:{PASSWORD}@r.io/app", f"https://alice:p@{PASSWORD}@r.io/app"),
]

STRICTER = {"r.io:123456/a"}
"""Refused here but accepted by the engine: no such port exists, so no push could reach it."""

_FIRST_WITH_ALL_HOSTS = 23  # earlier engines accept no IPv6 address and no capital letter

_COMPONENT = st.from_regex(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)?", fullmatch=True)
_REGISTRY = st.one_of(
    st.just(DOCKER_HUB),
    st.sampled_from(["localhost", "localhost:5050", "127.0.0.1:80", "[::1]:5000", "r.io"]),
    st.from_regex(r"[a-z][a-z0-9]{0,9}\.[a-z]{2,5}(:[1-9][0-9]{0,3})?", fullmatch=True),
)


@st.composite
def references(draw: st.DrawFn) -> ImageReference:
    """Return any reference that `parse` can return."""
    registry = draw(_REGISTRY)
    path = draw(st.lists(_COMPONENT, min_size=1, max_size=4))
    if registry == DOCKER_HUB and len(path) == 1:
        path = ["library", *path]
    tag = draw(st.none() | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True))
    digest = draw(st.none() | st.just(DIGEST))
    return ImageReference(registry=registry, repository="/".join(path), tag=tag, digest=digest)


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("me/app:1", "https://hub.docker.com/r/me/app"),
        ("python", "https://hub.docker.com/_/python"),
        ("quay.io/org/app@sha256:" + "0" * 64, "https://quay.io/repository/org/app"),
        ("localhost:5050/me/app", None),
    ],
)
def test_page(name: str, page: str | None) -> None:
    """The page of a repository is known for a few registries, and not made up for others."""
    assert ImageReference.parse(name).page == page


@pytest.mark.parametrize(("text", "whole"), GOOD)
def test_good_names(text: str, whole: str) -> None:
    """A name that Docker accepts becomes the full name that Docker gives it."""
    assert str(ImageReference.parse(text)) == whole


@pytest.mark.parametrize("text", BAD)
def test_bad_names(text: str) -> None:
    """A name that Docker would refuse ends with exit code 2, and a password in it is not shown."""
    with pytest.raises(UsageError) as caught:
        ImageReference.parse(text)
    assert caught.value.exit_code == 2
    assert "\n" not in caught.value.message
    assert PASSWORD not in str(caught.value)


@settings(max_examples=50, deadline=None)  # a busy machine must not fail the test
@given(references())
def test_round_trip(reference: ImageReference) -> None:
    """A reference that is written and parsed again is the same, by its full and its familiar name."""
    assert ImageReference.parse(str(reference)) == reference
    assert ImageReference.parse(reference.familiar) == reference


@settings(max_examples=50)
@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    """Any text is parsed or raises `UsageError`, never another error."""
    for parse in (ImageReference.parse, parse_user, parse_registry, parse_repository):
        with suppress(UsageError):
            parse(text)


@pytest.mark.parametrize(
    ("text", "familiar"),
    [
        *(("docker.io/library/app:1", "app:1"), ("docker.io/library/u/app:1", "library/u/app:1")),
        *((name, name) for name in ("docker.io/jane.doe/app:1", "r.io/library/app:1")),
    ],
)
def test_shown_as_docker_shows_it(text: str, familiar: str) -> None:
    """The familiar name leaves out the Hub and its `library`, unless the rest would be another registry's."""
    assert ImageReference.parse(text).familiar == familiar


def test_other_names_of_an_image() -> None:
    """A name changes its tag or its owner; an owner's image keeps the last part of its repository."""
    image = ImageReference.parse(f"r.io/univesp/deep/app:1@{DIGEST}")
    assert str(image.with_tag("2")) == "r.io/univesp/deep/app:2"
    assert image.name == "r.io/univesp/deep/app"
    assert str(image.owned_by("sposigor")) == "docker.io/sposigor/app:1"
    assert str(image.owned_by("org/team", registry="localhost:5050")) == "localhost:5050/org/team/app:1"


@pytest.mark.parametrize(
    ("user", "nearest"),
    [
        *(("Alice", "alice"), ("localhost", "NAME"), ("h:5000", "h"), ("../x", "x"), ("", "NAME"), ("-a", "a")),
        *(("a..b", "NAME"), ("u//v", "u-v"), ("a\n", "a"), ("\u0661", "NAME"), ("a" * 256, "a" * 30)),
        (f"alice:{PASSWORD}", "alice"),
    ],
)
def test_users(user: str, nearest: str) -> None:
    """A name that is not valid, or that Docker reads as a host, is refused with the nearest valid one."""
    for good in ("a__b", "jane.doe", "0", "org/team/sub", "a" * 255):
        assert parse_user(good) == good
    with pytest.raises(UsageError) as caught:
        parse_user(user)
    assert caught.value.hint == f"--user {nearest}"
    assert PASSWORD not in str(caught.value)


def test_who_logs_in() -> None:
    """A login need not be a name in an image; a password behind it is not shown."""
    for user in ("AWS", "_json_key", "robot$ci", "jane@example.org", "org+bot"):
        assert parse_login(user) == user
    for user in ("", f"alice:{PASSWORD}", "a\n", "a" * 256):
        with pytest.raises(UsageError) as caught:
            parse_login(user)
        assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        *(("", DOCKER_HUB), ("a b", DOCKER_HUB), ("host", "host:5000"), ("h:0", "h:5000"), ("ghcr.io/u", "ghcr.io")),
        *(("https://ghcr.io/u/app", "ghcr.io"), ("http://localhost:5050/v2/", "localhost:5050")),
        *((f"r.io:{port}", "r.io") for port in ("", "0", "65536", "99999999")),
        *(("[::1]:99999", "[::1]"), ("-r.io", "r.io"), ("r.io\n", "r.io")),
        *((f"{start}alice:{PASSWORD}@r.io:5000", "r.io:5000") for start in ("", "https://")),
    ],
)
def test_registries(text: str, nearest: str) -> None:
    """A registry that is not a host is refused with the one that was probably meant; a password in it is not shown."""
    for good in ("ghcr.io", "localhost", "localhost:5050", "[::1]", "[::1]:5000"):
        assert parse_registry(good) == good
    for hub in ("docker.io", "index.docker.io", "registry-1.docker.io", "hub.docker.com"):
        assert parse_registry(hub) == DOCKER_HUB
    with pytest.raises(UsageError) as caught:
        parse_registry(text)
    assert caught.value.hint == f"--registry {nearest}"
    assert PASSWORD not in str(caught.value)


@pytest.fixture
def tiny_image(client: docker.DockerClient, project_name: str) -> Iterator[str]:
    """Return the id of an image with one empty file and the test's label."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(project_name))
    answer = client.api.import_image_from_data(
        archive.getvalue(), repository=project_name, tag="0", changes=[f"LABEL seatrial.project={project_name}"]
    )
    assert "errorDetail" not in answer
    yield client.images.get(f"{project_name}:0").id
    for tag in client.images.get(f"{project_name}:0").tags:
        client.images.remove(tag, force=True)


@pytest.mark.engine
def test_the_engine_agrees(client: docker.DockerClient, project_name: str, tiny_image: str) -> None:
    """The engine takes and refuses the same names, except an impossible port and (since 28) an empty name.

    It shows a name as the familiar one, but never the Hub.
    """
    knows_all_hosts = int(client.version()["Version"].partition(".")[0]) >= _FIRST_WITH_ALL_HOSTS
    for text, _ in GOOD:
        reference = ImageReference.parse(text)
        if not knows_all_hosts and ("[" in reference.registry or reference.registry != reference.registry.lower()):
            continue
        # The engine may hold real images, so the tag begins with the test's own name.
        own = reference.with_tag(f"{project_name}{reference.tag or ''}"[:128])
        assert client.api.tag(tiny_image, own.name, tag=own.tag), text
        try:
            assert own.familiar.removeprefix("docker.io/") in client.images.get(tiny_image).tags
            assert client.images.get(str(own)).id == tiny_image
        finally:
            client.images.remove(own.familiar)
    for text in BAD:
        if text and text not in STRICTER:
            with pytest.raises(DockerException):
                client.api.tag(tiny_image, text)
