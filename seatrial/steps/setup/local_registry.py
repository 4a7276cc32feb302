"""A registry on this machine, to push to without an account."""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass

from seatrial.checks.http.base_url import BaseUrl
from seatrial.checks.http.request import Request, send
from seatrial.diagnosis.port_owner import find_port_owner
from seatrial.engine.docker_words import container_words
from seatrial.engine.model import ContainerSpec, Image
from seatrial.engine.protocol import Emit
from seatrial.errors import ContainerFailed, Unavailable
from seatrial.model.reference import OWN_REGISTRY, ImageReference
from seatrial.model.shell import ShellCommand, Variable, Word
from seatrial.pipeline.outcome import Difference
from seatrial.pipeline.step import Change, Explanation, NoChange, Step
from seatrial.pipeline.world import PlannedState, World
from seatrial.steps.setup.base_image import obtain
from seatrial.steps.setup.debian import root_file_system

__all__ = ["LocalRegistry", "LocalRegistryStopped"]

_NAME = "seatrial-registry"
_LABELS = {"seatrial.setup": "registry"}
_IMAGES = (
    ImageReference(repository="library/registry", tag="3"),
    ImageReference(registry=OWN_REGISTRY, repository="seatrial/registry", tag="2.8"),
)
_PORT = 5000
_DATA = "/var/lib/registry"
_CONFIG = "/etc/docker/registry/config.yml"
# Debian's own configuration needs a password file.
_SETTINGS = """\
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: /var/lib/registry}, delete: {enabled: true}}
http: {addr: ':5000'}
"""
_HOOKS = (f'printf %s {shlex.quote(_SETTINGS)} > "$1"{_CONFIG}',)
_CHANGES = (
    'ENTRYPOINT ["docker-registry", "serve"]',
    f'CMD ["{_CONFIG}"]',
    f"EXPOSE {_PORT}",
    f"VOLUME {_DATA}",
    "LABEL seatrial.built-from=debian",
)
_ANSWER_SECONDS = 15.0
_OLD: Word = ("", Variable("old"))
_NONE: tuple[Word, ...] = ("test", "-z", _OLD)


@dataclass(frozen=True, kw_only=True)
class LocalRegistry(Step):
    """A registry answers on 127.0.0.1 at this port; its data is in a volume with the container's name.

    One that is not `required` is left out if the engine is on another machine.
    """

    port: int
    required: bool = True
    container: str = _NAME
    name: str = "registry"

    def plan(self, world: World) -> Change | NoChange:
        """Check whether a registry answers, and look for its container."""
        if world.engine.published_host != "127.0.0.1":
            if not self.required:
                return NoChange(message=f"no local registry: the engine is at {world.engine.endpoint}")
            raise Unavailable(
                "a local registry needs an engine on this machine",
                reason=f"the engine is at {world.engine.endpoint}",
                hint="unset DOCKER_HOST, or publish to another registry",
            )
        if _answers(self.port):
            return NoChange(message=f"a registry answers at localhost:{self.port}", identity=f"localhost:{self.port}")
        container = world.engine.container(self.container)
        if container and container.labels.get("seatrial.setup") != "registry":
            raise ContainerFailed(
                f"the name {self.container} is taken",
                reason="a container with that name was not created by Seatrial; it is left alone",
                hint=f"docker rename {self.container} OTHER",
            )
        empty = PlannedState(registries=frozenset({f"localhost:{self.port}"}))
        return Change(
            would=f"start a registry at localhost:{self.port}",
            done=f"started a registry at localhost:{self.port}",
            diff=(Difference(name=f"localhost:{self.port}", before=None, after="a registry"),),
            planned=empty,
        )

    def _spec(self, image: Image) -> ContainerSpec:
        return ContainerSpec(
            name=self.container,
            image_id=image.id,
            labels=_LABELS,
            port=_PORT,
            host_port=self.port,
            volumes={_DATA: self.container},
            restart=True,
        )

    def explain(self, world: World) -> Explanation:
        """Return the start of the registry as docker commands."""
        name = next((one for one in _IMAGES if world.image(one)), _IMAGES[0]).familiar
        image = Image(id=name, tags=(name,))
        words = container_words(self._spec(image), image, address="127.0.0.1", secret={})
        url = f"http://127.0.0.1:{self.port}/v2/"
        curl: tuple[Word, ...] = ("curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "--max-time", "10")
        answers: tuple[Word, ...] = (*curl, url)
        repeated = ("--output", "/dev/null", "--retry", f"{_ANSWER_SECONDS:g}", "--retry-delay", "1")
        return Explanation(
            commands=(
                _find(self.container, "created", "exited"),
                _remove(self.container),
                ShellCommand(
                    argv=("docker", "run", "--detach", "--name", self.container, *words, name),
                    unless=answers,
                    object=f"container {self.container}",
                    effect=f"serves a registry at localhost:{self.port}, with its data in a volume, unless one answers",
                ),
                ShellCommand(
                    argv=(*curl, *repeated, "--retry-all-errors", url),
                    object=f"the registry at localhost:{self.port}",
                    effect="answers",
                    otherwise=f"the local registry does not answer at {url}",
                ),
            ),
            notes=("builds the registry's image where Docker Hub cannot be reached",),
        )

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Get an image of a registry and start a container of it."""
        engine = world.engine
        if not any(world.image(reference) for reference in _IMAGES):
            obtain(world, _IMAGES, _make, emit)
        image = next(found for reference in _IMAGES if (found := world.image(reference)))
        engine.remove(self.container)
        container_id = engine.create(self._spec(image), emit)
        try:
            engine.start(container_id)
            _wait(self.port, self.container)
        except ContainerFailed as error:
            engine.remove(container_id)
            owner = find_port_owner(engine.containers({}), self.port)
            if owner:
                hint = f"stop {owner}, or set another local_registry_port in invoke.yaml"
                raise error.but(reason=f"{owner} uses port {self.port}", hint=hint) from error
            raise
        except BaseException:
            engine.remove(container_id)
            raise


@dataclass(frozen=True, kw_only=True)
class LocalRegistryStopped(Step):
    """The local registry that `up` started is not running; with `volumes` its data is deleted, too."""

    volumes: bool = False
    container: str = _NAME
    name: str = "registry"

    def plan(self, world: World) -> Change | NoChange:
        """Look for the registry's container."""
        container = world.engine.container(self.container)
        if container is None or container.labels.get("seatrial.setup") != "registry":
            return NoChange(message="no registry that up started is running")
        return Change(
            would=f"stop the local registry {container.name}",
            done=f"stopped the local registry {container.name}",
            before=container.id,
            diff=(Difference(name=container.name, before=container.state, after=None),),
        )

    def explain(self, world: World) -> Explanation:
        """Return the end of the registry as docker commands."""
        delete = ShellCommand(
            argv=("docker", "volume", "rm", "--force", self.container),
            unless=_NONE,
            object=f"volume {self.container}",
            effect="is deleted with its images",
        )
        commands = (_find(self.container), _remove(self.container))
        return Explanation(commands=(*commands, delete) if self.volumes else commands)

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Stop and remove it."""
        world.engine.stop(self.container, grace=5)
        world.engine.remove(self.container)
        if self.volumes:
            world.engine.remove_volume(self.container)


def _find(name: str, *states: str) -> ShellCommand:
    labels = (f"label={key}={value}" for key, value in _LABELS.items())
    filters = (f"name=^/{name}$", *labels, *(f"status={one}" for one in states))
    return ShellCommand(
        argv=("docker", "ps", "--all", "--quiet", *(word for one in filters for word in ("--filter", one))),
        saves="old",
        object=f"container {name}",
        effect=f"is looked for, by its name and a label{', if it does not run' if states else ''}",
    )


def _remove(name: str) -> ShellCommand:
    return ShellCommand(
        argv=("docker", "rm", "--force", "--volumes", _OLD),
        unless=_NONE,
        object=f"container {name}",
        effect="is stopped and removed, if there is one",
    )


def _make(world: World, reference: ImageReference, emit: Emit) -> None:
    with root_file_system(("docker-registry",), _HOOKS, emit) as archive:
        world.engine.import_image(archive, reference, _CHANGES)


def _answers(port: int) -> bool:
    try:
        return send(BaseUrl(port=port), Request(path="/v2/"), seconds=2).status in (200, 401)
    except OSError:
        return False


def _wait(port: int, container: str) -> None:
    deadline = time.monotonic() + _ANSWER_SECONDS
    while not _answers(port):
        if time.monotonic() > deadline:
            raise Unavailable(
                "the local registry does not answer",
                reason=f"nothing answered at localhost:{port} for {_ANSWER_SECONDS:g} s",
                hint=f"docker logs {container}",
            )
        time.sleep(0.05)
