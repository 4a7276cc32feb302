"""What `build` says."""

from __future__ import annotations

from dataclasses import replace

from seatrial.model.reference import ImageReference
from seatrial.pipeline.outcome import Outcome
from tests.steps.message_rows import changed, check, foreign, real, refuses, row, tagged, uncommitted, without
from tests.steps.scenario import StepScenario

__all__ = ["ROWS"]


def _without_base(scenario: StepScenario, *bases: str) -> Outcome:
    """Build on a base image that is not there, where no registry answers."""
    scenario.app.dockerfile.write_text("ARG BASE_IMAGE=python:3\nFROM $BASE_IMAGE\n")
    wanted = tuple(ImageReference.parse(one) for one in bases)
    return real(scenario, replace(scenario.build(), target=scenario.app.but(base_images=wanted)))


ROWS = (
    row("built", lambda s: real(s, s.build()), "built demo/web:1 (SIZE)"),
    row("would build", lambda s: check(s, s.build()), "would build demo/web:1"),
    row("up to date", lambda s: real(s, s.build(), s.build()), "demo/web:1 is up to date"),
    row("rebuilt", lambda s: real(changed(tagged(s)), s.build()), "rebuilt demo/web:1 (SIZE)", "app.py changed"),
    row(
        "rebuilt without a commit",
        lambda s: real(uncommitted(changed(tagged(s))), s.build()),
        "rebuilt demo/web:1 (SIZE)",
        "app.py changed; uncommitted changes",
    ),
    row(
        "current again",
        lambda s: real(s, s.build(), s.build("2"), s.build()),
        "demo/web:1 was already built; it is current again (SIZE)",
    ),
    row(
        "would be current",
        lambda s: check(s, s.build(), s.build("2"), s.build()),
        "would make demo/web:1 current again",
    ),
    row(
        "tag of another image",
        lambda s: real(foreign(s, "demo/web:1"), s.build()),
        "rebuilt demo/web:1 (SIZE)",
        "the tag belonged to an image that Seatrial did not build",
    ),
    row(
        "tag of another project",
        lambda s: real(s, s.build(), replace(s.build(), target=s.app.but(project="shop"))),
        "rebuilt demo/web:1 (SIZE)",
        "the tag belonged to project demo, app web",
    ),
    row(
        "no cache",
        lambda s: real(s, s.build(), s.build(cache=False)),
        "rebuilt demo/web:1 (SIZE)",
        "the build cache is off",
    ),
    row(
        "no Dockerfile",
        lambda s: refuses(without(s, "Dockerfile"), s.build()),
        "the Dockerfile FOLDER/Dockerfile cannot be read",
        "the file does not exist",
        "write one, or fix dockerfile in invoke.yaml",
        code=2,
    ),
    row(
        "no base image",
        lambda s: _without_base(s, "python:3"),
        "the registry docker.io cannot be reached",
        "no such host",
        "invoke up",
    ),
    row(
        "no base image, but one that up makes",
        lambda s: _without_base(s, "python:3", "localhost/seatrial/python:3"),
        "the registry docker.io cannot be reached",
        "no such host",
        "invoke up (makes a local base image if Docker Hub cannot be reached)",
    ),
    row(
        "no secret",
        lambda s: real(s, s.build(secrets={"token": "src=/no/file"})),
        "there is no file /no/file for the build secret token",
        "it is named by build_secrets in the settings",
        "write it, or fix build_secrets.token in invoke.yaml",
    ),
    row(
        "no extra context",
        lambda s: real(s, s.build(contexts={"assets": "/no/folder"})),
        "there is no folder /no/folder for the extra context assets",
        "it is named by build_contexts in the settings, or by --build-context",
        "fix build_contexts.assets in invoke.yaml, or --build-context assets=FOLDER",
    ),
)
