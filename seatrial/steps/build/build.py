"""build: an image of a version, built from the current inputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from seatrial.engine.model import BuildRequest, Container, Image
from seatrial.engine.protocol import Emit
from seatrial.errors import sanitize
from seatrial.events import Info, WarningEvent
from seatrial.model.app import INPUTS_LABEL, UNCOMMITTED_LABEL
from seatrial.model.reference import ImageReference
from seatrial.model.version import Version
from seatrial.pipeline.build_log import build_log
from seatrial.pipeline.outcome import Difference, Results
from seatrial.pipeline.ownership import another_build, another_project
from seatrial.pipeline.step import AppStep, Change, Explanation, NoChange
from seatrial.pipeline.world import NOT_BUILT, PlannedState, World
from seatrial.sources.git import git_failure
from seatrial.sources.secret_files import has_secret_name
from seatrial.steps.build.bases import check_needed
from seatrial.steps.build.plan import BuildPlan
from seatrial.wording import short_digest, spaced_size, summarize_names

__all__ = ["Build"]


@dataclass(frozen=True, kw_only=True)
class Build(AppStep):
    """`repository:version` is an image built from exactly these inputs, and the app's current image.

    The inputs are the context's files, the Dockerfile, arguments, target, platforms, version and the identities of the
    base images; a label of the image holds their digest. Without `cache`, only an image built in this run counts.
    """

    version: Version
    name: str = "build"

    @property
    def reference(self) -> ImageReference:
        """The image's name."""
        return self.target.repository.with_tag(str(self.version))

    def plan(self, world: World) -> Change | NoChange:
        """Compare the inputs with those the image was built from."""
        build_plan = BuildPlan.of(self.target, self.version, world)
        check_needed(self.target, build_plan.bases, world.image)
        image = world.image(self.reference)
        same = image is not None and build_plan.is_up_to_date(image)
        if image and same and (self.target.build.cache or self._built_now(image, world)):
            if world.is_current(self.target, image):
                return NoChange(
                    message=f"{self.reference.familiar} is up to date",
                    identity=image.id,
                    detail=spaced_size(image.size),
                    results=Results(image=self._named(image)),
                )
            current = world.current(self.target)
            return Change(
                would=f"make {self.reference.familiar} current again",
                done=f"{self.reference.familiar} was already built; it is current again",
                before=current.id if current else None,
                after=image.id,
                diff=(
                    Difference(
                        name=f"current image of {self.app}",
                        before=short_digest(current.id) if current else None,
                        after=short_digest(image.id),
                    ),
                ),
                results=Results(image=image),
                planned=PlannedState(current={self.app: image}),
            )
        known = world.state.inputs(image.labels.get(INPUTS_LABEL, "")) if image else {}
        if image is None:
            reason = ""
        elif INPUTS_LABEL not in image.labels:
            reason = "the tag belonged to an image that Seatrial did not build"
        elif not self.target.labels.items() <= image.labels.items():
            reason = f"the tag belonged to {_owner(image)}"
        elif other := next(
            (one for one in world.engine.containers(self.target.labels) if self._is_other(one, image)), None
        ):
            raise another_project(self.target, other)
        elif same:
            reason = "the build cache is off"
        else:
            reason = build_plan.inputs.difference(known)
        world.engine.builder(self.target.build)  # raises an error if no builder supports these options
        planned_image = Image(
            id=NOT_BUILT, tags=(self.reference.familiar,), labels=build_plan.labels(), config=build_plan.planned_config
        )
        planned = PlannedState(images=(planned_image,), current={self.app: planned_image})
        verb, past = ("rebuild", "rebuilt") if image else ("build", "built")
        return Change(
            would=f"{verb} {self.reference.familiar}",
            done=f"{past} {self.reference.familiar}",
            reason=reason,
            before=image.id if image else None,
            diff=(
                Difference(
                    name=self.reference.familiar, before=short_digest(image.id) if image else None, after="a new image"
                ),
                *(build_plan.differences(known) if known else ()),
            ),
            planned=planned,
        )

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Pull the base images that are needed, build, and save the inputs; what the builder says is logged."""
        if change.after:
            world.state.save_current(self.app, change.after)
            return
        with build_log(world.state, self.app, str(self.version), emit) as logged:
            self._build(world, change, logged)

    def _build(self, world: World, change: Change, emit: Emit) -> None:
        build_plan = BuildPlan.of(self.target, self.version, world).pull_bases(emit)
        request = build_plan.request(self.reference)
        for text in self._warnings(build_plan, request):
            emit(WarningEvent(text=text))
        image_id = world.engine.build(request, emit)
        image = world.engine.image(image_id)
        if image and image.labels.get(INPUTS_LABEL) != request.labels[INPUTS_LABEL]:
            raise another_build(self.reference, "was building it", image_id)
        superseded = world.engine.image(change.before) if change.before not in (None, image_id) else None
        if superseded and not superseded.tags:
            named = f"{short_digest(superseded.id)} ({spaced_size(superseded.size)})"
            how = "invoke prune removes it, docker builder prune the cache"
            emit(Info(text=f"the image before, {named}, stays without a name, and so does the build cache ({how})"))
        world.state.save_file_digests(self.app)
        world.state.save_inputs(build_plan.inputs.digest, build_plan.inputs.parts, world.process.run)
        world.state.save_current(self.app, image_id)

    def _named(self, image: Image) -> Image:
        """Return an image with the name that it was built under before its other names."""
        return replace(image, tags=tuple(sorted(image.tags, key=lambda tag: tag != self.reference.familiar)))

    def _warnings(self, build_plan: BuildPlan, request: BuildRequest) -> Iterator[str]:
        if UNCOMMITTED_LABEL in request.labels and self.version.tags(self.target.tags).moving:
            failure = git_failure(self.target.context)
            changed = f"uncommitted changes ({sanitize(build_plan.uncommitted, limit=60)})"
            why = f"{failure}, so this counts as uncommitted changes" if failure else changed
            yield f"{why}: moving tags such as latest will not move to this image"
        if secret := [name for name in self.target.build.arguments if has_secret_name(name)]:
            yield (
                f"the build argument {summarize_names(secret)} is public: docker history shows its value to everybody "
                "who has the image (use build_secrets in invoke.yaml)"
            )
        if left_out := build_plan.context.left_out:
            yield f"not sent, because only files, folders and links can be: {summarize_names(left_out)}"

    def explain(self, world: World) -> Explanation:
        """Return the build as docker commands."""
        from seatrial.steps.build.explain import explain_build

        return explain_build(self.target, self.version, world)

    def look_again(self, world: World, change: Change) -> Change | NoChange:
        """Look whether the name points to the image; raise `Conflict` if another folder's build has taken it."""
        plan = self.plan(world)
        if isinstance(plan, Change):
            world.image_for(self.target, self.version)
        return plan

    def _is_other(self, container: Container, image: Image) -> bool:
        """Return whether a project of the same name in another folder runs this image."""
        return container.image_id == image.id and not self.target.is_in_project(container.labels)

    @staticmethod
    def _built_now(image: Image, world: World) -> bool:
        return world.state.built_by(image.labels[INPUTS_LABEL]) == world.process.run


def _owner(image: Image) -> str:
    """Return the project and the app named by an image's labels."""
    project, app = image.labels.get("seatrial.project", "?"), image.labels.get("seatrial.app", "?")
    return f"project {project}, app {app}"
