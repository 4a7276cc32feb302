"""A build as docker commands."""

from __future__ import annotations

from pathlib import Path

from seatrial.engine.docker_words import build_words
from seatrial.engine.model import Image
from seatrial.model.app import BUILDER_LABEL, INPUTS_LABEL, App
from seatrial.model.reference import OWN_REGISTRY
from seatrial.model.shell import ShellCommand, Word, from_environment
from seatrial.model.version import Version
from seatrial.pipeline.step import Explanation
from seatrial.pipeline.world import NOT_BUILT, PlannedState, World
from seatrial.steps.build.plan import BuildPlan

__all__ = ["explain_build"]

_PUBLIC = ("BASE_IMAGE", "SOURCE_DATE_EPOCH", "VERSION")


def explain_build(app: App, version: Version, world: World) -> Explanation:
    """Return the build of a version as docker commands; values of the app's own build arguments are not in them."""
    build_plan = BuildPlan.of(app, version, world)
    reference = app.repository.with_tag(str(version))
    request = build_plan.request(reference)
    buildx = bool(app.build.needs_buildx)
    arguments, needs = [], []
    for name, value in request.options.arguments.items():
        word: Word = f"{name}={value}"
        if name in app.build.arguments and name not in _PUBLIC:
            word, variable = from_environment(name)
            needs.append((variable, f"the value of the build argument {name}"))
        arguments.append(word)
    # What is made on this machine cannot be pulled.
    pull = app.build.pull and all(base.registry != OWN_REGISTRY for base in build_plan.bases)
    # Nobody knows which files there will be when the command runs, so it cannot say from which the image is made.
    labels = {name: value for name, value in request.labels.items() if name != INPUTS_LABEL}
    labels[BUILDER_LABEL] = "docker buildx" if buildx else "BuildKit"
    context, dockerfile = _typed(app.context, app.root), _typed(app.dockerfile, app.root)
    image = Image(
        id=NOT_BUILT, tags=(reference.familiar,), labels=build_plan.labels(), config=build_plan.planned_config
    )
    return Explanation(
        commands=(
            ShellCommand(
                argv=(
                    "docker",
                    *(("buildx", "build") if buildx else ("build",)),
                    *("--file", dockerfile),
                    *build_words(reference, app.build.but(pull=pull), labels, arguments, buildx=buildx),
                    context,
                ),
                object=f"image {reference.familiar}",
                effect=f"is built from {dockerfile} and the files in {context}",
                needs=tuple(needs),
            ),
        ),
        notes=(
            "builds only if files, arguments or base image have changed: their digest is one more label of the image",
            "gives the files the time of their commit, leaves out what Seatrial itself writes, and refuses secrets",
        ),
        planned=PlannedState(images=(image,), current={app.name: image}),
    )


def _typed(path: Path, root: Path) -> str:
    """Return a path as it is typed in the project's folder; it never looks like a flag or a URL."""
    if path == root or not path.is_relative_to(root):
        return "." if path == root else str(path)
    return f"./{path.relative_to(root).as_posix()}"
