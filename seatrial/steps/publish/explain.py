"""Tags, pushes and rollbacks as docker commands."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.engine.model import Image
from seatrial.model.reference import DOCKER_HUB, ImageReference
from seatrial.model.shell import ShellCommand, Variable, Word
from seatrial.pipeline.explanation import IMAGE, remember_image
from seatrial.pipeline.step import Explanation
from seatrial.registry.connections import is_on_this_machine
from seatrial.steps.publish.destination import Destination

__all__ = ["explain_push", "explain_rollback", "explain_tag", "look_up"]

_PUBLISHED: Word = ("", Variable("published"))
_DIGESTS = "{{range .RepoDigests}}{{println .}}{{end}}"


def explain_tag(destination: Destination, image: Image) -> Explanation:
    """Return the tags of an image as docker commands."""
    return Explanation(
        commands=(
            remember_image(image),
            *(
                ShellCommand(
                    argv=("docker", "tag", IMAGE, one.familiar),
                    object=f"tag {one.familiar}",
                    effect="points to the image",
                )
                for one in destination.references(image)
            ),
        )
    )


def look_up(reference: ImageReference) -> ShellCommand:
    """Return the command that asks the registry what it has under a version's tag."""
    insecure = ["--insecure"] if is_on_this_machine(reference.registry) else []
    return ShellCommand(
        argv=("docker", "manifest", "inspect", *insecure, "--verbose", reference.familiar),
        saves="published",
        object=f"tag {reference.familiar}",
        effect="is looked up in the registry: it may be published already",
        may_fail=True,
    )


def explain_push(destination: Destination, image: Image, *, overwrite: bool) -> Explanation:
    """Return the push of an image under all its tags as docker commands; it ends if other content is published."""
    first, *others = destination.references(image)
    guard = ShellCommand(
        argv=("printf", r"%s\n", _PUBLISHED),
        pipe=(("grep", "-F", IMAGE),),
        unless=("test", "-z", _PUBLISHED),
        object=f"tag {first.familiar}",
        effect="may be pushed if nothing is published there, or this image",
        otherwise=f"{first.familiar} is published with other content",
    )
    return Explanation(
        commands=(
            remember_image(image),
            *(() if overwrite else (look_up(first), guard)),
            ShellCommand(
                argv=("docker", "push", first.familiar),
                object=f"registry {first.registry}",
                effect=f"gets the layers that it does not have, and its tag {first.tag} points to the image",
            ),
            *(
                ShellCommand(
                    argv=("docker", "push", one.familiar),
                    object=f"tag {one.familiar}",
                    effect="points to the same image, in the registry; its layers are there",
                )
                for one in others
            ),
            *_verified(first, (first, *others)),
        ),
        notes=(
            f"needs a login: docker login {_host(first)}".rstrip(),
            "pushes only an image that passed its smoke test, and moves no tag like latest back to an older version",
            "sends one tag and lets the registry point the others to the same manifest; records it in the ledger",
        ),
    )


def explain_rollback(own: ImageReference, moving: tuple[ImageReference, ...]) -> Explanation:
    """Return the way back to a published version as docker commands."""
    return Explanation(
        commands=(
            ShellCommand(
                argv=("docker", "pull", own.familiar),
                object=f"image {own.familiar}",
                effect="is fetched from the registry, as far as its layers are not here",
            ),
            *(
                command
                for one in moving
                for command in (
                    ShellCommand(
                        argv=("docker", "tag", own.familiar, one.familiar),
                        object=f"tag {one.familiar}",
                        effect="points to that image, here",
                    ),
                    ShellCommand(
                        argv=("docker", "push", one.familiar),
                        object=f"tag {one.familiar}",
                        effect="points to that image, in the registry",
                    ),
                )
            ),
            *_verified(own, moving),
        ),
        notes=(
            f"needs a login: docker login {_host(own)}".rstrip(),
            "moves the tags in the registry alone: it pulls and pushes nothing",
            "leaves a tag alone that is a version of its own; records it in the ledger",
        ),
    )


def _verified(own: ImageReference, references: tuple[ImageReference, ...]) -> Iterator[ShellCommand]:
    """Yield the commands that compare the digests in the registry with the one that was pushed."""
    yield ShellCommand(
        argv=("docker", "image", "inspect", "--format", _DIGESTS, own.familiar),
        pipe=(("grep", "-F", f"{own.name}@"), ("sed", "s/.*@//")),
        saves="digest",
        object=f"image {own.familiar}",
        effect="has this digest in the registry, as the engine knows it",
    )
    for one in references:
        yield ShellCommand(
            argv=("docker", "pull", one.familiar),
            pipe=(("grep", "-F", ("Digest: ", Variable("digest"))),),
            object=f"tag {one.familiar}",
            effect="has that digest, as the registry says",
            otherwise=f"the registry has another digest under {one.familiar}",
        )


def _host(reference: ImageReference) -> str:
    """Return the registry as docker login takes it: nothing for Docker Hub."""
    return "" if reference.registry == DOCKER_HUB else reference.registry
