"""Tags, manifests and configurations are read, and tags moved, on small servers that answer as registries do."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seatrial.errors import NotAnImage, PushRefused, RateLimited, RegistryUnavailable, SeatrialError, StepFailed
from seatrial.model.reference import ImageReference
from seatrial.registry.client import HttpRegistry
from seatrial.registry.credentials import Credential, CredentialStore, Secret
from seatrial.registry.model import Configuration, Manifest
from tests.servers.local_server import Asked, Reply, Served, serve

PASSWORD = f"S3ntinel-{secrets.token_hex(8)}-é€"
CREDENTIAL = Credential(user="alice", secret=Secret(PASSWORD))
MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json"
MANIFEST = Manifest(digest="sha256:a1", config="sha256:c0", body=b'{"schemaVersion":  2}', media_type=MEDIA_TYPE)
DENIED = b'{"errors": [{"code": "DENIED", "message": "requested access to the resource is denied"}]}'


@pytest.fixture
def store(tmp_path: Path) -> CredentialStore:
    """An empty credential store."""
    return CredentialStore(tmp_path / "docker")


def image(server: Served, tag: str = "1") -> ImageReference:
    """The image that the tests ask for."""
    return ImageReference.parse(f"{server.host}/demo/app:{tag}")


def _json(value: object, **headers: str) -> Reply:
    return Reply(body=json.dumps(value).encode(), headers=headers)


@pytest.mark.parametrize(
    "link",
    [
        "/v2/demo/app/tags/list?last=b&n=2",
        "list?last=b&n=2",
        "?last=b&n=2",
        "http://{host}/v2/demo/app/tags/list?last=b&n=2",
        "https://elsewhere.invalid/v2/demo/app/tags/list?last=b&n=2",
        "//elsewhere.invalid/v2/demo/app/tags/list?last=b&n=2",
    ],
)
def test_pages_of_tags(store: CredentialStore, link: str) -> None:
    """A list is read page by page, always from this host, whatever host a link names."""

    def answer(asked: Asked) -> Reply:
        if "last=b" in asked.path:
            return _json({"tags": ["c"]})
        target = link.replace("{host}", asked.headers["Host"])
        return _json({"tags": ["a", "b"]}, Link=f'<{target}>; rel="next"')

    with serve(answer) as server:
        assert HttpRegistry(server.host, store).tags(image(server)) == ("a", "b", "c")
    assert [one.path for one in server.asked[1:]] == ["/v2/demo/app/tags/list?last=b&n=2"]


@pytest.mark.parametrize(
    "link",
    [".evil.invalid/x", "@evil.invalid/x", "http://[evil/x", "https://evil.invalid", "", "?n=1000", "?last=gone"],
)
def test_a_list_without_its_end(store: CredentialStore, link: str) -> None:
    """A list whose next page cannot be read is an error: a newer version may be on it. No other host is asked."""

    def answer(asked: Asked) -> Reply:
        return Reply(status=404) if "gone" in asked.path else _json({"tags": ["a"]}, Link=f'<{link}>; rel="next"')

    with serve(answer) as server, pytest.raises(RegistryUnavailable) as caught:
        HttpRegistry(server.host, store).tags(image(server))
    assert not caught.value.transient
    assert all(one.path.startswith("/v2/demo/app/tags/") for one in server.asked)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=404, body=b'{"errors": [{"code": "NAME_UNKNOWN", "message": "unknown"}]}'),
        _json({"name": "demo/app", "tags": None}),
        _json({}),
    ],
)
def test_no_tags(store: CredentialStore, reply: Reply) -> None:
    """A missing repository, and one without a list of tags, has no tags."""
    with serve(lambda _: reply) as server:
        assert HttpRegistry(server.host, store).tags(image(server)) == ()


def _holding(files: dict[str, Any]) -> Callable[[Asked], Reply]:
    """A registry that holds these JSON files, by the last part of their path."""

    def answer(asked: Asked) -> Reply:
        name = asked.path.rpartition("/")[2]
        return _json(files[name]) if name in files else Reply(status=404)

    return answer


_CONFIG = {"config": {"Labels": {"version": "1"}}, "rootfs": {"diff_ids": ["sha256:d1"]}}
_ATTESTATION = {"digest": "sha256:af", "platform": {"os": "unknown", "architecture": "unknown"}}


@pytest.mark.parametrize(
    "under_the_tag",
    [
        {"config": {"digest": "sha256:c0"}},
        {"manifests": [_ATTESTATION, {"digest": "sha256:a1", "platform": {"os": "linux"}}, {"digest": "sha256:a2"}]},
        {"manifests": [{"digest": "sha256:a1", "platform": None}]},
    ],
)
def test_configuration(store: CredentialStore, under_the_tag: dict[str, Any]) -> None:
    """Labels and layers are read from the image, or from the first image of an index, skipping attestations."""
    files = {"1": under_the_tag, "sha256:a1": {"config": {"digest": "sha256:c0"}}, "sha256:c0": _CONFIG}
    with serve(_holding(files)) as server:
        registry = HttpRegistry(server.host, store)
        manifest = registry.manifest(image(server))
        assert manifest
        found = registry.configuration(image(server), manifest)
    assert found == Configuration(labels={"version": "1"}, layers=("sha256:d1",))


@pytest.mark.parametrize("config", [{}, {"config": None}, {"config": {"Labels": ["x"]}, "rootfs": {"diff_ids": 5}}])
def test_configuration_without_labels(store: CredentialStore, config: dict[str, Any]) -> None:
    """An image without labels, in whatever form, has no labels."""
    with serve(_holding({"sha256:c0": config})) as server:
        found = HttpRegistry(server.host, store).configuration(image(server), MANIFEST)
    assert found == Configuration(labels={})


_HELM = {"digest": "sha256:c0", "mediaType": "application/vnd.cncf.helm.config.v1+json"}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"manifests": []}, "an empty index"),
        ({"manifests": None}, "an empty index"),
        ({"manifests": [_ATTESTATION]}, "attestations without an image"),
        ({"manifests": [{"digest": "sha256:gone"}]}, "an index whose image does not exist"),
        ({"config": _HELM}, "a Helm chart"),
        ({"config": {**_HELM, "mediaType": "text/x"}, "artifactType": "a/b"}, "an artifact of the type a/b"),
        ({"config": {"digest": "sha256:gone"}}, "an image whose configuration does not exist"),
        ({"layers": []}, "a manifest without a configuration"),
    ],
)
def test_what_is_not_an_image(store: CredentialStore, body: dict[str, Any], kind: str) -> None:
    """What stands under a name and is not an image is an error that says what it is."""
    with serve(_holding({"1": body})) as server:
        registry = HttpRegistry(server.host, store)
        manifest = registry.manifest(image(server))
        assert manifest
        with pytest.raises(NotAnImage) as caught:
            registry.configuration(image(server), manifest)
    assert caught.value.kind == kind
    assert not caught.value.transient


@pytest.mark.parametrize("size", ["abc", None, {}, [1], 1.5])
def test_odd_sizes(store: CredentialStore, size: object) -> None:
    """A layer whose size is not a number has size 0."""
    with serve(_holding({"1": {"layers": [{"digest": "sha256:l", "size": size}, 7]}})) as server:
        found = HttpRegistry(server.host, store).manifest(image(server))
    assert found
    assert [(one.digest, one.size) for one in found.layers] == [("sha256:l", 0)]


@pytest.mark.parametrize("status", [201, 202, 200])
def test_tag(store: CredentialStore, status: int) -> None:
    """A tag is moved by one request with the manifest's exact bytes and type."""
    with serve(lambda _: Reply(status=status)) as server:
        HttpRegistry(server.host, store).tag(image(server, "latest"), MANIFEST)
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.body) == ("PUT", "/v2/demo/app/manifests/latest", MANIFEST.body)
    assert asked.headers["Content-Type"] == MEDIA_TYPE


@pytest.mark.parametrize(
    ("reply", "kind", "part"),
    [
        (Reply(status=401, body=DENIED), PushRefused, "{host}/demo/app"),
        (Reply(status=403, body=DENIED), PushRefused, "DENIED: requested access to the resource is denied"),
        (Reply(status=403, body=b"<html>"), PushRefused, "alice"),
        (Reply(status=405), StepFailed, "405"),
        (Reply(status=429, headers={"Retry-After": "17"}), RateLimited, "429"),
        (Reply(status=500, body=b'{"errors": [{"code": "UNKNOWN", "message": "s3"}]}'), RegistryUnavailable, "s3"),
        (Reply(status=307, headers={"Location": "http://127.0.0.1:9/"}), RegistryUnavailable, "307"),
    ],
)
def test_tag_refused(store: CredentialStore, reply: Reply, kind: type[SeatrialError], part: str) -> None:
    """A registry's refusal becomes an error with its own message, the user and the repository."""
    with serve(lambda _: reply) as server:
        store.put(server.host, CREDENTIAL)
        with pytest.raises(kind) as caught:
            HttpRegistry(server.host, store).tag(image(server), MANIFEST)
    assert part.replace("{host}", server.host) in str(caught.value)
    assert type(caught.value) is kind
    assert caught.value.transient == (reply.status in {429, 500})
    causes = {401: "denied", 403: "denied", 405: "registry-read-only", 429: "rate-limit"}
    assert caught.value.cause == causes.get(reply.status, "no-registry")
    assert PASSWORD not in repr(vars(caught.value))


@pytest.mark.parametrize(("after", "seconds"), [("17", 17), ("0", 0), ("", 0), ("-3", 0), ("Wed, 21 Oct", 0)])
def test_how_long_to_wait(store: CredentialStore, after: str, seconds: float) -> None:
    """The seconds of a Retry-After header are read; any other value counts as 0."""
    reply = Reply(status=429, headers={"Retry-After": after})
    with serve(lambda _: reply) as server, pytest.raises(RateLimited) as caught:
        HttpRegistry(server.host, store).tags(image(server))
    assert caught.value.seconds == seconds
