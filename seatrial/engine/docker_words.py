"""The words of docker commands that do what requests to the engine's API do."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

from seatrial.engine.model import ContainerSpec, Image
from seatrial.model.app import BuildOptions
from seatrial.model.reference import ImageReference
from seatrial.model.shell import Word

__all__ = ["build_words", "container_words"]

_W = TypeVar("_W")


def build_words(
    reference: ImageReference,
    options: BuildOptions,
    labels: Mapping[str, str],
    arguments: Sequence[_W],
    *,
    buildx: bool,
) -> list[str | _W]:
    """Return the flags of `docker build` or `docker buildx build`; `arguments` are what follows each --build-arg."""
    pairs: dict[str, Sequence[str | _W]] = {
        "--tag": [reference.familiar],
        "--target": [options.target] if options.target else [],
        "--platform": [",".join(options.platforms)] if options.platforms else [],
        "--build-arg": arguments,
        "--build-context": [f"{name}={place}" for name, place in options.contexts.items()],
        "--secret": [f"id={name},{source}" for name, source in options.secrets.items()],
        "--cache-from": options.cache_from,
        "--cache-to": options.cache_to,
        "--label": [f"{name}={value}" for name, value in labels.items()],
    }
    words: list[str | _W] = [word for flag, values in pairs.items() for value in values for word in (flag, value)]
    if buildx:
        words += ["--load", f"--provenance={str(options.provenance).lower()}", f"--sbom={str(options.sbom).lower()}"]
    words += ["--no-cache"] if not options.cache else []
    return words + (["--pull"] if options.pull else [])


def container_words(spec: ContainerSpec, image: Image, *, address: str, secret: Mapping[str, Word]) -> list[Word]:
    """Return the flags of `docker create` and `docker run` for a container.

    `address` is where its port is published. `secret` are the words for variables whose values are not to be shown.
    """
    host_port = spec.host_port or ""
    words: list[Word] = ["--init"] if spec.command else ["--init", "--publish", f"{address}:{host_port}:{spec.port}"]
    words += ["--memory", str(spec.memory)]
    words += ["--pids-limit", str(spec.pids), "--stop-timeout", str(math.ceil(spec.stop_grace))]
    words += ["--cpus", f"{spec.cpus:g}"] if spec.cpus else []
    words += ["--restart", "unless-stopped"] if spec.restart else []
    if spec.hardened:
        words += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges:true", "--read-only"]
        user = image.config.user if image.config else ""
        for path, options in spec.tmpfs_mounts(user).items():
            words += ["--tmpfs", f"{path}:{options}"]
    for path, name in spec.volumes.items():
        source = [f"source={name}"] if name else []
        labels = [f"volume-label={key}={value}" for key, value in spec.labels.items()]
        words += ["--mount", _csv(["type=volume", *source, f"target={path}", *labels])]
    for key, value in spec.environment.items():
        words += ["--env", secret.get(key, f"{key}={value}")]
    for key, value in spec.labels.items():
        words += ["--label", f"{key}={value}"]
    return words


def _csv(fields: Sequence[str]) -> str:
    """Return fields as --mount reads them: separated by commas, and quoted where they contain one."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(fields)
    return out.getvalue()
