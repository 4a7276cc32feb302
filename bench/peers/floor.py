"""The calls that a release needs from engine and registry, and nothing else, by the standard library alone.

    python floor.py release|noop HOST CONTEXT BASE_IMAGE IMAGE REPOSITORY VERSION LABEL

`noop` asks the engine for the image, and the registry for each tag. `release` builds, runs, asks until the app answers,
tags, pushes, and copies the manifest to `latest`; the container is removed while that goes on. HOST is the engine's
DOCKER_HOST, at a Unix socket.
"""

from __future__ import annotations

import base64
import http.client
import io
import json
import socket
import sys
import tarfile
import time
import urllib.parse
from pathlib import Path
from threading import Thread
from typing import Any

_POLL_SECONDS, _GIVE_UP_SECONDS = 0.005, 30.0
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self.path)


def _send(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None = None,
    **headers: str,
) -> tuple[bytes, http.client.HTTPResponse]:
    """Send a request; return the whole body and the response, or end with its error."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, names)
    response = connection.getresponse()
    received = response.read()
    if response.status >= http.client.BAD_REQUEST or b'"errorDetail"' in received:
        sys.exit(f"{method} {path}: {response.status} {received[-500:].decode()}")
    return received, response


class _Engine:
    def __init__(self, host: str) -> None:
        self.socket = host.removeprefix("unix://")

    def call(self, method: str, path: str, body: bytes | None = None, **headers: str) -> bytes:
        return _send(_UnixConnection(self.socket), method, path, body, **headers)[0]

    def document(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401  the engine's JSON
        sent = None if body is None else json.dumps(body).encode()
        return json.loads(self.call(method, path, sent, Content_Type="application/json") or b"null")


def _context(folder: Path) -> bytes:
    """Return the build context as a tar; the time of the files does not count."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in sorted(folder.rglob("*")):
            entry = archive.gettarinfo(path, str(path.relative_to(folder)))
            entry.uid = entry.gid = entry.mtime = 0
            with path.open("rb") if path.is_file() else io.BytesIO() as file:
                archive.addfile(entry, file)
    return written.getvalue()


def _first_answer(port: str) -> None:
    deadline = time.monotonic() + _GIVE_UP_SECONDS
    while time.monotonic() < deadline:
        try:
            _send(http.client.HTTPConnection("127.0.0.1", int(port)), "GET", "/")
        except (OSError, http.client.HTTPException):
            time.sleep(_POLL_SECONDS)
        else:
            return
    sys.exit("the app did not answer")


def main(words: list[str]) -> None:
    """Make the calls of the action."""
    action, host, context, base, image, repository, version, label = words
    engine = _Engine(host)
    registry, _, name = repository.partition("/")
    hub = http.client.HTTPConnection(registry)
    manifests = f"/v2/{name}/manifests/"
    if action == "noop":
        engine.document("GET", f"/images/{image}:{version}/json")
        for tag in (version, "latest"):
            print(_send(hub, "HEAD", manifests + tag, Accept=_MANIFEST)[1].headers["Docker-Content-Digest"])
        return
    label_name, _, label_value = label.partition("=")
    labels = {label_name: label_value}
    options = {
        "version": "2",
        "t": f"{image}:{version}",
        "buildargs": json.dumps({"BASE_IMAGE": base, "VERSION": version}),
        "labels": json.dumps(labels),
    }
    build = f"/build?{urllib.parse.urlencode(options)}"
    engine.call("POST", build, _context(Path(context)), Content_Type="application/x-tar")
    spec = {
        "Image": f"{image}:{version}",
        "Labels": labels,
        "HostConfig": {
            "Init": True,
            "ReadonlyRootfs": True,
            "PortBindings": {"5000/tcp": [{"HostIp": "127.0.0.1"}]},
        },
    }
    container = engine.document("POST", "/containers/create", spec)["Id"]
    engine.call("POST", f"/containers/{container}/start")
    ports = engine.document("GET", f"/containers/{container}/json")["NetworkSettings"]["Ports"]
    _first_answer(ports["5000/tcp"][0]["HostPort"])
    removal = Thread(target=engine.call, args=("DELETE", f"/containers/{container}?force=1&v=1"))
    removal.start()
    query = urllib.parse.urlencode({"repo": repository, "tag": version})
    engine.call("POST", f"/images/{image}:{version}/tag?{query}")
    anyone = base64.urlsafe_b64encode(b"{}").decode()
    engine.call("POST", f"/images/{repository}/push?tag={version}", X_Registry_Auth=anyone)
    manifest, answer = _send(hub, "GET", manifests + version, Accept=_MANIFEST)
    _send(hub, "PUT", f"{manifests}latest", manifest, Content_Type=answer.headers["Content-Type"])
    removal.join()


if __name__ == "__main__":
    main(sys.argv[1:])
