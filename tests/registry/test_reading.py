"""Tags, manifests and configurations are read, and tags moved, on small servers that answer as registries do."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest
from msgspec.structs import replace

from seatrial.errors import (
    Conflict,
    NotAnImage,
    PushRefused,
    RateLimited,
    RegistryUnavailable,
    SeatrialError,
    StepFailed,
)
from seatrial.model.reference import ImageReference
from seatrial.registry.client import HttpRegistry
from seatrial.registry.credentials import CredentialStore
from seatrial.registry.model import Configuration, HistoryRecord, Manifest
from tests.registry.stored import ALICE, DENIED, PASSWORD, image
from tests.servers.local_server import Asked, Reply, serve

OCI, DOCKER = "application/vnd.oci.image", "application/vnd.docker.distribution.manifest"
MEDIA_TYPE = f"{OCI}.manifest.v1+json"
MANIFEST = Manifest(digest="sha256:a1", config="sha256:c0", body=b'{"schemaVersion":  2}', media_type=MEDIA_TYPE)

AWAY = {"Location": "http://127.0.0.1:9/"}


def _json(value: object, **headers: str) -> Reply:
    return Reply(body=json.dumps(value).encode(), headers=headers)


@pytest.mark.parametrize(
    ("found", "header", "media_type"),
    [
        ({"config": {"digest": "sha256:c0"}}, "", MEDIA_TYPE),
        ({"config": {"digest": "sha256:c0"}, "mediaType": f"{DOCKER}.v2+json"}, MEDIA_TYPE, f"{DOCKER}.v2+json"),
        ({"manifests": []}, "text/plain", f"{OCI}.index.v1+json"),
    ],
)
def test_manifest(store: CredentialStore, found: dict[str, Any], header: str, media_type: str) -> None:
    """Digest and type of a manifest come from its bytes, whatever the registry's headers say.

    If the registry reports the same digest again, the manifest is not downloaded twice, as Docker Hub counts that. If
    it then says to HEAD that there is none, GET has the last word: a published version must not count as missing.
    """
    body = json.dumps(found).encode()
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    reported, statuses = iter((f"sha256:{'0' * 64}", digest)), iter((200, 200, 200, 404, 200))

    def reply(_: object) -> Reply:
        headers = {"Content-Type": header, "Docker-Content-Digest": next(reported, digest)}
        return Reply(status=next(statuses), body=body, headers=headers)

    with serve(reply) as server:
        registry = HttpRegistry(server.host, store)
        manifest = registry.manifest(image(server))
        assert registry.manifest(image(server)) == registry.manifest(image(server), refresh=True) == manifest
        assert registry.manifest(image(server)) == manifest
    assert manifest
    assert (manifest.digest, manifest.media_type) == (digest, media_type)
    assert manifest.config == (None if "manifests" in found else "sha256:c0")
    assert [one.method for one in server.asked] == ["GET", "HEAD", "GET", "HEAD", "GET"]
    assert {one.path for one in server.asked} == {"/v2/demo/app/manifests/1"}
    assert f"{DOCKER}.v2+json" in server.asked[0].headers["Accept"]


@pytest.mark.parametrize(
    "reply", [Reply(status=404, body=b"{}"), _json({"name": "demo/app", "tags": None}), _json({"tags": []}), _json({})]
)
def test_nothing_there(store: CredentialStore, reply: Reply) -> None:
    """A missing image is None, and a missing repository, or one without a list of tags, has no tags."""
    with serve(lambda _: reply) as server:
        registry = HttpRegistry(server.host, store)
        assert registry.tags(image(server)) == ()
        assert reply.status == 200 or registry.manifest(image(server)) is None


@pytest.mark.parametrize("body", [b"<html>hello", b"", b"[]", b"\xff\xfe", b"[" * 9999])
def test_no_manifest(store: CredentialStore, body: bytes) -> None:
    """An answer that is not a manifest is reported as an outage that retrying does not end."""
    with serve(lambda _: Reply(body=body)) as server, pytest.raises(RegistryUnavailable) as caught:
        HttpRegistry(server.host, store).manifest(image(server))
    assert not caught.value.transient


@pytest.mark.parametrize(
    "link",
    [
        *(f'<{url}>; rel="next"' for url in ("/v2/demo/app/tags/list?last=b&n=2", "list?last=b&n=2", "?last=b&n=2")),
        '<https://elsewhere.invalid/v2/demo/app/tags/list?last=b&n=2>; rel="next"',
        *("<?last=b&n=2>;Rel=NEXT", '<?x>; rel="first", <?last=b&n=2>; rel="last next"'),
        '</artifactory/api/docker/x/v2/demo/app/tags/list?last=b&n=2>; rel="next"',
    ],
)
def test_pages_of_tags(store: CredentialStore, link: str) -> None:
    """A list is read page by page, always from this host, whatever host a link names."""

    def answer(asked: Asked) -> Reply:
        if "last=b" in asked.path:
            return _json({"tags": ["c"]})
        return _json({"tags": ["a", "b"]}, Link=link)

    with serve(answer) as server:
        assert HttpRegistry(server.host, store).tags(image(server)) == ("a", "b", "c")
    (asked,) = server.asked[1:]
    assert asked.path.endswith("/v2/demo/app/tags/list?last=b&n=2")


@pytest.mark.parametrize(
    "link", ["<@evil.invalid/x>", "<http://[evil/x>", "<>", "<?n=1000>", "<?last=gone>", "<?last=odd>", "<?last=text>"]
)
def test_a_list_without_its_end(store: CredentialStore, link: str) -> None:
    """A list whose next page cannot be read is an error: a newer version may be on it. No other host is asked."""

    def answer(asked: Asked) -> Reply:
        other = {"gone": Reply(status=404), "odd": _json({"tags": 5}), "text": Reply(body=b"<html>")}
        return other.get(asked.path.rpartition("last=")[2]) or _json({"tags": ["a"]}, Link=f'{link}; rel="next"')

    with serve(answer) as server, pytest.raises(RegistryUnavailable) as caught:
        HttpRegistry(server.host, store).tags(image(server))
    assert not caught.value.transient
    assert all(one.path.startswith("/v2/demo/app/tags/") for one in server.asked)


def _holding(files: dict[str, Any]) -> Callable[[Asked], Reply]:
    """A registry that holds these JSON files, by the last part of their path."""

    def answer(asked: Asked) -> Reply:
        name = asked.path.rpartition("/")[2]
        return _json(files[name]) if name in files else Reply(status=404)

    return answer


_HISTORY = [{"created_by": "RUN x", "comment": "buildkit"}, {"created_by": "ENV A=1", "empty_layer": True}, 7]
_CONFIG = {
    "config": {"Labels": {"version": "1"}},
    "rootfs": {"diff_ids": ["sha256:d1"]},
    "history": _HISTORY,
}
_READ = Configuration(
    labels={"version": "1"},
    layers=("sha256:d1",),
    history=(
        HistoryRecord(created_by="RUN x", comment="buildkit", empty=False),
        HistoryRecord(created_by="ENV A=1", comment="", empty=True),
    ),
)
_ATTESTATION = {"digest": "sha256:af", "platform": {"os": "unknown", "architecture": "unknown"}}


@pytest.mark.parametrize(
    ("under_the_tag", "config", "expected"),
    [
        ({"config": {"digest": "sha256:c0"}}, _CONFIG, _READ),
        (
            {"manifests": [_ATTESTATION, {"digest": "sha256:a1", "platform": None}, {"digest": "sha256:a2"}]},
            *(_CONFIG, _READ),
        ),
        *(
            ({"config": {"digest": "sha256:c0"}}, config, Configuration(labels={}))
            for config in ({}, {"config": None}, {"config": {"Labels": ["x"]}, "rootfs": {"diff_ids": 5}, "history": 5})
        ),
    ],
)
def test_configuration(
    store: CredentialStore, under_the_tag: dict[str, Any], config: dict[str, Any], expected: Configuration
) -> None:
    """Labels, layers and history are read from the image, or from the first image of an index after attestations.

    A layer whose size is not a number has size 0.
    """
    layers = [{"digest": "sha256:l", "size": "abc"}, {"digest": "sha256:m", "size": 1.5}, 7]
    image_files = {"sha256:a1": {"config": {"digest": "sha256:c0"}}, "sha256:c0": config}
    with serve(_holding({"1": {**under_the_tag, "layers": layers}, **image_files})) as server:
        registry = HttpRegistry(server.host, store)
        manifest = registry.manifest(image(server))
        assert manifest
        found = registry.configuration(image(server), manifest)
    assert replace(found, blobs=()) == expected
    assert found.blobs == (() if "manifests" in under_the_tag else manifest.layers)
    assert [(one.digest, one.size) for one in manifest.layers] == [("sha256:l", 0), ("sha256:m", 0)]


_HELM = {"digest": "sha256:c0", "mediaType": "application/vnd.cncf.helm.config.v1+json"}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
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


def test_tag(store: CredentialStore) -> None:
    """A tag is moved by one request with the manifest's exact bytes and type."""
    with serve(lambda _: Reply(status=202)) as server:
        HttpRegistry(server.host, store).tag(image(server, "latest"), MANIFEST)
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.body) == ("PUT", "/v2/demo/app/manifests/latest", MANIFEST.body)
    assert asked.headers["Content-Type"] == MEDIA_TYPE


def _tag(registry: HttpRegistry, reference: ImageReference) -> None:
    registry.tag(reference, MANIFEST)


@pytest.mark.parametrize(
    ("action", "reply", "kind", "cause", "part"),
    [
        (_tag, Reply(status=401, body=DENIED), PushRefused, "denied", "{host}/demo/app"),
        (_tag, Reply(status=403, body=DENIED), PushRefused, "denied", "DENIED: requested access to the resource is"),
        (_tag, Reply(status=403), PushRefused, "denied", "alice"),
        (_tag, Reply(status=405), StepFailed, "registry-read-only", "405"),
        (HttpRegistry.tags, Reply(status=405), StepFailed, "", "the tags of"),
        (HttpRegistry.manifest, Reply(status=403, body=b"<html>"), PushRefused, "denied", "403"),
        (HttpRegistry.manifest, Reply(status=429, headers={"Retry-After": "17"}), RateLimited, "rate-limit", "429"),
        (_tag, Reply(status=500), RegistryUnavailable, "no-registry", "500"),
        (_tag, Reply(status=307, headers=AWAY), RegistryUnavailable, "no-registry", "307"),
        (HttpRegistry.manifest, Reply(status=307, headers=AWAY), RegistryUnavailable, "no-registry", "307"),
    ],
)
def test_refusals(
    store: CredentialStore,
    action: Callable[..., object],
    reply: Reply,
    kind: type[SeatrialError],
    cause: str,
    part: str,
) -> None:
    """A registry's refusal becomes an error with its own message, the user and the repository."""
    with serve(lambda _: reply) as server:
        store.put(server.host, ALICE)
        with pytest.raises(kind) as caught:
            action(HttpRegistry(server.host, store), image(server))
    assert part.replace("{host}", server.host) in str(caught.value)
    assert (type(caught.value), caught.value.cause) == (kind, cause)
    assert caught.value.transient == (reply.status in {429, 500})
    assert PASSWORD not in repr(vars(caught.value))


@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        *(("17", 17), ("", 0), ("-3", 0), ("Wed, 21 Oct", 0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0),
        pytest.param(formatdate(time.time() + 3600, usegmt=True), 3600, id="in an hour"),
    ],
)
def test_how_long_to_wait(store: CredentialStore, after: str, seconds: float) -> None:
    """A Retry-After header is read as seconds or as a date; any other value counts as 0."""
    reply = Reply(status=429, headers={"Retry-After": after})
    with serve(lambda _: reply) as server, pytest.raises(RateLimited) as caught:
        HttpRegistry(server.host, store).tags(image(server))
    assert caught.value.seconds == pytest.approx(seconds, rel=0.5, abs=0.1)


@pytest.mark.parametrize("status", [400, 412])
def test_an_immutable_tag(store: CredentialStore, status: int) -> None:
    """A tag that a registry never moves is a conflict, whatever the status of its answer."""
    body = b'{"errors": [{"code": "PRECONDITION", "message": "\'app:1\' is configured as immutable"}]}'
    with serve(lambda _: Reply(status=status, body=body)) as server, pytest.raises(Conflict) as caught:
        HttpRegistry(server.host, store).tag(image(server), MANIFEST)
    assert "immutable" in caught.value.reason
