"""build: the image of a version, made from these inputs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from lading.app import VERSION_LABEL, App
from lading.context import Inputs, context_files, entry_digest
from lading.dockerfile import DockerfileError, base_images
from lading.engine import BuildRequest, Image, Tell
from lading.errors import Unavailable, UsageError
from lading.events import Note
from lading.reference import DOCKER_HUB, ImageReference
from lading.step import Change, Holds
from lading.version import Version
from lading.world import NOT_BUILT, Foresight, World

__all__ = ["INPUTS_LABEL", "Build"]

INPUTS_LABEL = "lading.inputs"
_BASE_ARGUMENT = "BASE_IMAGE"
_VERSION_ARGUMENT = "VERSION"


@dataclass(frozen=True, kw_only=True)
class Build:
    """`repository:version` is an image made from exactly these inputs, and the one this project goes on with.

    The inputs are the context's files, the Dockerfile, arguments, target, version and the base images' identity; their
    digest is kept in the image as a label.
    """

    target: App
    version: Version
    name: str = "build"

    @property
    def app(self) -> str:
        """The app's name."""
        return self.target.name

    @property
    def reference(self) -> ImageReference:
        """The image's name."""
        return self.target.repository.with_tag(str(self.version))

    def plan(self, world: World) -> Change | Holds:
        """Compare the inputs with those the image was made from."""
        inputs = self._inputs(world)
        image = world.image(self.reference)
        before = image.id if image else None
        if image and image.labels.get(INPUTS_LABEL) == inputs.digest:
            current = world.current(self.target)
            if current and current.id == image.id:
                return Holds(reason=f"{self.reference.familiar} is made from these inputs", identity=image.id)
            reason = f"{self.reference.familiar} is the image to go on with again"
            known = Foresight(current={self.app: image})
            return Change(reason=reason, before=current.id if current else None, after=image.id, foresight=known)
        if image is None:
            reason = f"there is no {self.reference.familiar} yet"
        elif INPUTS_LABEL not in image.labels:
            reason = f"{self.reference.familiar} was not built by Lading"
        else:
            reason = inputs.difference(world.notes.inputs(image.labels[INPUTS_LABEL]))
        made = Image(id=NOT_BUILT, tags=(self.reference.familiar,), labels=self._labels(inputs))
        return Change(reason=reason, before=before, foresight=Foresight(images=(made,), current={self.app: made}))

    def apply(self, world: World, change: Change, tell: Tell) -> None:
        """Fetch the base images that are missing, build, and note what went in."""
        if change.after:
            world.notes.keep_current(self.app, change.after)
            return
        self._fetch_bases(world, tell)
        inputs = self._inputs(world)
        arguments = self._arguments(world)
        image_id = world.engine.build(
            BuildRequest(
                reference=self.reference,
                context=self.target.context,
                dockerfile=self.target.dockerfile,
                files=context_files(self.target.context, self.target.dockerfile),
                build_args=arguments,
                labels=self._labels(inputs),
                target=self.target.target,
                timeout=self.target.build_timeout,
            ),
            tell,
        )
        world.notes.keep_inputs(inputs.digest, inputs.parts)
        built = world.engine.image(self.reference.familiar)
        world.notes.keep_current(self.app, built.id if built else image_id)

    def _inputs(self, world: World) -> Inputs:
        app = self.target
        if not app.context.is_dir():
            raise UsageError(
                f"there is no app folder {app.context}",
                why="the setting context names no folder",
                mend="mend context in invoke.yaml, or go to the project's folder",
            )
        text = self._dockerfile_text()
        parts = {
            f"file {path}": entry_digest(app.context / path)
            for path in context_files(app.context, app.dockerfile)
            if app.context / path != app.dockerfile
        }
        parts["Dockerfile"] = entry_digest(app.dockerfile)
        for key, value in self._arguments(world).items():
            # A value may be a secret, and the parts are noted.
            parts[f"argument {key}"] = hashlib.sha256(value.encode()).hexdigest()
        if app.target:
            parts["target"] = app.target
        for base in self._bases(world, text):
            found = world.engine.image(base.familiar)
            parts[f"base image {base.familiar}"] = found.id if found else "missing"
        return Inputs(parts=parts)

    def _dockerfile_text(self) -> str:
        path = self.target.dockerfile
        try:
            return path.read_text("utf-8")
        except FileNotFoundError:
            why = "there is no such file"
        except (OSError, UnicodeDecodeError) as error:
            why = str(error)
        raise UsageError(
            f"the Dockerfile {path} cannot be read",
            why=why,
            mend="write one, or mend dockerfile in invoke.yaml",
        )

    def _arguments(self, world: World) -> dict[str, str]:
        arguments = {_VERSION_ARGUMENT: str(self.version), **self.target.build_args}
        if self.target.base_images:
            arguments.setdefault(_BASE_ARGUMENT, self._base(world).familiar)
        return arguments

    def _base(self, world: World) -> ImageReference:
        """Give the first of the app's base images that is there, else the first."""
        images = self.target.base_images
        return next((base for base in images if world.image(base)), images[0])

    def _bases(self, world: World, text: str) -> tuple[ImageReference, ...]:
        try:
            names = base_images(text, self._arguments(world), self.target.target)
            return tuple(ImageReference.parse(name) for name in names)
        except DockerfileError as error:
            raise UsageError(
                "the Dockerfile cannot be read",
                why=f"{self.target.dockerfile}:{error.line}: {error.reason}",
                mend=f"mend line {error.line} of {self.target.dockerfile}",
            ) from error

    def _fetch_bases(self, world: World, tell: Tell) -> None:
        """Pull what the Dockerfile starts from: BuildKit over the API has no credentials to do it itself."""
        for base in self._bases(world, self._dockerfile_text()):
            if world.engine.image(base.familiar):
                continue
            tell(Note(text=f"pulling {base.familiar}"))
            try:
                world.pull(base, tell)
            except Unavailable as error:
                if base.registry == DOCKER_HUB and _BASE_ARGUMENT in self._arguments(world):
                    error.mend = "invoke up (it makes a base image where the Hub is out of reach)"
                raise

    def _labels(self, inputs: Inputs) -> dict[str, str]:
        return {**self.target.labels, VERSION_LABEL: str(self.version), INPUTS_LABEL: inputs.digest}
