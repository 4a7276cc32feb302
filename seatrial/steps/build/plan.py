"""What an app's image is built from: context, Dockerfile, arguments, base images and the commit."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from seatrial.engine.model import BuildRequest, Image, ImageConfig
from seatrial.engine.protocol import Emit
from seatrial.errors import Place, Unavailable, UsageError, sanitize
from seatrial.events import Info
from seatrial.model.app import INPUTS_LABEL, UNCOMMITTED_LABEL, VERSION_LABEL, App
from seatrial.model.platforms import platform_arguments
from seatrial.model.reference import OWN_REGISTRY, ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.outcome import Difference
from seatrial.pipeline.world import World
from seatrial.sources.context import Context
from seatrial.sources.dockerfile import (
    DockerfileError,
    UnknownTargetError,
    base_images,
    final_base,
    own_labels,
    own_user,
)
from seatrial.sources.dockerfile_ports import exposed_ports
from seatrial.sources.dockerignore import find_ignore_file
from seatrial.sources.git import first_uncommitted
from seatrial.sources.inputs import UNCOMMITTED, Inputs
from seatrial.steps.build.bases import base_argument, check_needed, needed_app
from seatrial.steps.build.files import check_extra_inputs, extra_context, read_checked_context, read_dockerfile

__all__ = ["BuildPlan"]

_BASE_ARGUMENT = "BASE_IMAGE"
_VERSION_ARGUMENT = "VERSION"
_EPOCH_ARGUMENT = "SOURCE_DATE_EPOCH"
_PLATFORM_ARGUMENT = re.compile("(?:TARGET|BUILD)(?:PLATFORM|OS|ARCH|VARIANT)")
_T = TypeVar("_T")
_LONG_DIGEST = re.compile(r"\b(?:sha256:)?([0-9a-f]{12})[0-9a-f]{52}\b")
_OCI = "org.opencontainers.image."


class BuildPlan(Struct, frozen=True, kw_only=True, dict=True):
    """How a version of an app is built. Files and git are read once in a run, when needed. Create it with `of`."""

    app: App
    version: Version
    world: World
    context: Context
    digests: Mapping[str, str]
    dockerfile: bytes

    @classmethod
    def of(cls, app: App, version: Version, world: World) -> BuildPlan:
        """Read context and Dockerfile; raise `UsageError` if they are invalid, too large or contain secrets."""
        dockerfile = read_dockerfile(app, world)
        check_extra_inputs(app)
        context, digests = read_checked_context(app, world)
        build_plan = cls(app=app, version=version, world=world, context=context, digests=digests, dockerfile=dockerfile)
        _ = build_plan.bases  # reports an invalid Dockerfile before the engine is used
        return build_plan

    @cached_property
    def text(self) -> str:
        """The Dockerfile's text."""
        return self.dockerfile.decode("utf-8")

    @cached_property
    def arguments(self) -> dict[str, str]:
        """The build arguments: the app's own, VERSION, and BASE_IMAGE if the settings name base images or apps."""
        arguments = {_VERSION_ARGUMENT: str(self.version), **self.app.build.arguments}
        if base := base_argument(self.app, self.version, self._image):
            arguments.setdefault(_BASE_ARGUMENT, base)
        return arguments

    @cached_property
    def bases(self) -> tuple[ImageReference, ...]:
        """The images that the Dockerfile uses; raises `UsageError` with the number of an invalid line."""
        names = self._read(base_images)
        return tuple(ImageReference.parse(name) for name in names if name not in self.app.build.contexts)

    def reason_to_pull(self, base: ImageReference) -> str | None:
        """Return why a base image must be pulled (missing, other platform, newer in the registry), or None."""
        found, platforms = self._image(base), self.app.build.platforms
        if found is None:
            return "missing"
        if base.registry == OWN_REGISTRY or needed_app(self.app, base):
            return None
        if len(platforms) == 1 and found.platform not in ("", platforms[0]):
            return f"missing for {platforms[0]}"
        if self.app.build.pull:
            manifest = self.world.published_manifest(base)
            if manifest and f"{base.name}@{manifest.digest}" not in found.digests:
                return f"{manifest.digest} in the registry"
        return None

    @property
    def missing_base(self) -> ImageReference | None:
        """The first base image that must be pulled, or None; for several platforms the builder pulls them itself."""
        if len(self.app.build.platforms) > 1:
            return None
        return next((base for base in self.bases if self.reason_to_pull(base) is not None), None)

    def pull_bases(self, emit: Emit) -> BuildPlan:
        """Pull the base images that are needed, and return the updated plan.

        BuildKit over the API has no credentials to pull them itself.
        """
        check_needed(self.app, self.bases, self._image)
        if self.missing_base is None:
            return self
        platform = next(iter(self.app.build.platforms), None)
        for base in self.bases:
            if self.reason_to_pull(base) is None:
                continue
            emit(Info(text=f"pulling {base.familiar}"))
            try:
                self.world.pull(base, emit, platform=platform)
            except Unavailable as error:
                wanted = self.app.base_images
                if base in wanted and wanted[-1].registry == OWN_REGISTRY:
                    hint = "invoke up (makes a local base image if Docker Hub cannot be reached)"
                    raise error.but(hint=hint) from error
                raise
        return replace(self)  # a copy without the cached values

    @cached_property
    def content(self) -> Inputs:
        """Everything that determines the image, except whether its files are committed."""
        app, options = self.app, self.app.build
        own = app.dockerfile.relative_to(app.context).as_posix() if app.dockerfile.is_relative_to(app.context) else ""
        parts = {f"file {path}": digest for path, digest in self.digests.items() if path != own}
        # COPY may include the Dockerfile, under the name it has in the context.
        name = own if own in self.digests else ""
        parts["Dockerfile"] = f"{hashlib.sha256(self.dockerfile).hexdigest()} {name}".strip()
        for key, value in self.arguments.items():
            # A value may be a secret, and the parts are saved.
            parts[f"argument {key}"] = hashlib.sha256(value.encode()).hexdigest()
        for base in self.bases:
            found = self._image(base)
            parts[f"base image {base.familiar}"] = self.reason_to_pull(base) or (found.id if found else "missing")
        chosen = {"target": options.target, "platforms": ", ".join(options.platforms)}
        chosen |= {f"secret {name}": "given" for name in options.secrets}
        chosen |= {"provenance": "yes" * options.provenance, "sbom": "yes" * options.sbom}
        parts |= {name: value for name, value in chosen.items() if value}
        for name, place in options.contexts.items():
            parts |= self.world.files.get(
                ("extra context", name, place, options.allowed), partial(extra_context, name, place, options.allowed)
            )
        return Inputs(parts=parts)

    @cached_property
    def inputs(self) -> Inputs:
        """Everything that determines the image."""
        if self.uncommitted:
            return Inputs(parts={**self.content.parts, UNCOMMITTED: "yes"})
        return self.content

    def differences(self, before: Mapping[str, str]) -> tuple[Difference, ...]:
        """Return what differs from the inputs of an earlier build; of a build argument only its name."""
        now = self.inputs.parts
        return tuple(
            Difference(
                name=name.removeprefix("file "),
                before=_short(name, before[name]) if name in before else None,
                after=_short(name, now[name]) if name in now else None,
            )
            for names in self.inputs.compare(before).values()
            for name in sorted(names)
        )

    @property
    def uncommitted(self) -> str:
        """The first file with uncommitted changes, empty if there is none."""
        return self.world.files.get(("uncommitted", self.app.context, self.app.dockerfile), self._first_uncommitted)

    def _first_uncommitted(self) -> str:
        ignore = find_ignore_file(self.app.context, self.app.dockerfile)
        beside = [str(path) for path in (self.app.dockerfile, ignore) if path]
        return first_uncommitted(self.app.context, [*self.context.entries, *beside])

    def is_up_to_date(self, image: Image) -> bool:
        """Return whether an image belongs to this app and was built from these inputs.

        git is not run if the image was built from this content without uncommitted changes.
        """
        digest = image.labels.get(INPUTS_LABEL)
        belongs = self.app.labels.items() <= image.labels.items()
        return belongs and (digest == self.content.digest or (digest is not None and digest == self.inputs.digest))

    def request(self, reference: ImageReference) -> BuildRequest:
        """Return the request for the engine."""
        arguments = dict(self.arguments)
        revision = self.world.revision(self.app)
        epoch = arguments.get(_EPOCH_ARGUMENT, "")
        if _EPOCH_ARGUMENT not in arguments and revision:
            arguments[_EPOCH_ARGUMENT] = str(revision.time)
            # Files that are not as they were committed keep their times: the engine then sees which have changed.
            epoch = "" if UNCOMMITTED in self.inputs.parts else str(revision.time)
        return BuildRequest(
            reference=reference,
            context=self.context,
            dockerfile=self.app.dockerfile,
            content=self.dockerfile,
            digests=self.digests,
            options=self.app.build.but(arguments=arguments),
            labels=self.labels(),
            epoch=int(epoch) if epoch.isdecimal() else None,
        )

    @property
    def planned_config(self) -> ImageConfig:
        """What is known of the image's configuration before it is built."""
        base = self._read(final_base)
        below = (
            None if base == "scratch" or base in self.app.build.contexts else self._image(ImageReference.parse(base))
        )
        inherited = below.config.exposed if below and below.config else ()
        own = exposed_ports(self.text, self._known_arguments, self.app.build.target)
        return ImageConfig(
            exposed=tuple(dict.fromkeys((*inherited, *own))),
            user="" if self.app.build.target else own_user(self.text),
        )

    def labels(self) -> dict[str, str]:
        """Return the image's labels: Seatrial's own, and the standard ones that the Dockerfile does not set."""
        revision, dirty = self.world.revision(self.app), UNCOMMITTED in self.inputs.parts
        base = self._read(final_base)
        standard = {"title": self.app.repository.repository.rpartition("/")[2], "version": str(self.version)}
        if revision:
            standard |= {"created": revision.created, "source": revision.source or ""}
            standard["revision"] = f"{revision.commit}{'-dirty' if dirty else ''}"
        if base != "scratch" and base not in self.app.build.contexts:
            reference = ImageReference.parse(base)
            standard |= {"base.name": str(reference), "base.digest": _digest(self._image(reference), reference)}
        named = {f"{_OCI}{name}": value for name, value in standard.items() if value}
        own = {
            **self.app.labels,
            **self.app.environment_label,
            VERSION_LABEL: str(self.version),
            INPUTS_LABEL: self.inputs.digest,
        }
        own |= {UNCOMMITTED_LABEL: "yes"} if dirty else {}
        set_by_dockerfile = own_labels(self.text)
        return {name: value for name, value in named.items() if name not in set_by_dockerfile} | own

    def _read(self, reader: Callable[[str, Mapping[str, str], str | None], _T]) -> _T:
        try:
            return reader(self.text, self._known_arguments, self.app.build.target)
        except UnknownTargetError as error:
            raise UsageError(
                f"there is no stage {sanitize(str(self.app.build.target), limit=60)} in {self.app.dockerfile}",
                reason=error.reason,
                hint="fix --target, or target in invoke.yaml, or write AS NAME after FROM IMAGE",
            ) from error
        except DockerfileError as error:
            place = Place(path=self.app.dockerfile, line=error.line)
            raise UsageError(
                "the Dockerfile cannot be read",
                reason=f"{place}: {error.reason}",
                hint=f"fix line {error.line} of {self.app.dockerfile}",
                place=place,
            ) from error

    def _image(self, reference: ImageReference) -> Image | None:
        if reference not in self._seen:
            self._seen[reference] = self.world.image(reference)
        return self._seen[reference]

    @cached_property
    def _seen(self) -> dict[ImageReference, Image | None]:
        return {}

    @cached_property
    def _known_arguments(self) -> dict[str, str]:
        """The build arguments, and the platform arguments that the builder sets itself if they are known."""
        platforms = self.app.build.platforms
        if len(platforms) > 1 or not _PLATFORM_ARGUMENT.search(self.text):
            return self.arguments
        engine = self.world.engine.platform()
        return {**platform_arguments(platforms[0] if platforms else engine, engine), **self.arguments}


def _short(name: str, value: str) -> str:
    """Return a part's value for people: short digests, and no digest of an argument, which may be a secret."""
    return "***" if name.startswith("argument ") else _LONG_DIGEST.sub(r"\1", value)


def _digest(image: Image | None, reference: ImageReference) -> str:
    known = (one.partition("@") for one in (image.digests if image else ()))
    return next((digest for name, _, digest in known if name == reference.name), "")
