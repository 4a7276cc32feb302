"""Two images side by side: what they share, where reuse ends, and how to fix it."""

from __future__ import annotations

import pytest

from seatrial.layers.comparison import Comparison, StepState
from seatrial.layers.image_steps import ImageStep, LayeredImage, chain_ids

Step = tuple[str, str]
BASE: Step = ("ADD base /", "base")


def image(*steps: Step, arguments: tuple[str, ...] = ()) -> LayeredImage:
    """Return an image of steps and their layers; a step without a layer has an empty one."""
    chains = iter(chain_ids([layer for _, layer in steps if layer]))
    return LayeredImage(
        name="shop:1",
        id="sha256:shop",
        steps=tuple(
            ImageStep(
                text=text,
                layer=layer or None,
                chain=next(chains) if layer else None,
                size=100 if layer else 0,
                arguments=arguments if text.startswith("RUN") else (),
            )
            for text, layer in steps
        ),
    )


PIP = "RUN pip install -r requirements.txt"
FIRST = image(BASE, ("COPY . .", "code 1"), (PIP, "pip 1"), ("ENV A=1", ""))


def test_states() -> None:
    """Each step is shared, new, made again although it says the same, or without a layer."""
    found = Comparison(image=image(BASE, ("COPY . .", "code 2"), (PIP, "pip 2"), ("ENV A=1", "")), against=FIRST)
    states = [found.state(step) for step in found.image.steps]
    assert states == [StepState.SHARED, StepState.NEW, StepState.AGAIN, StepState.SETTING]
    assert found.reuse
    assert (found.reuse.step.text, found.reuse.again_bytes) == ("COPY . .", 100)


def test_the_same_layer_on_another_base() -> None:
    """A layer on another base is not shared in the engine, though its content is the same."""
    other = image(("ADD base /", "base 2"), ("COPY . .", "code 1"))
    found = Comparison(image=other, against=FIRST)
    assert not found.shared
    assert found.state(other.steps[1]) is StepState.SAME_CONTENT


@pytest.mark.parametrize(
    ("steps", "against", "dockerfile", "reason", "hint"),
    [
        (
            [BASE, ("COPY . .", "2"), (PIP, "3")],
            FIRST,
            "FROM x\nCOPY . .\n" + PIP,
            "a file",
            "COPY requirements.txt ./ and RUN pip",
        ),
        (
            [BASE, ("COPY . /app", "2"), ("RUN npm ci", "3")],
            image(BASE, ("COPY . /app", "1"), ("RUN npm ci", "2")),
            "",
            "a file",
            "COPY package*.json ./ and RUN npm ci",
        ),
        (
            [BASE, ("COPY . /src", "2"), ("RUN go build ./...", "3")],
            image(BASE, ("COPY . /src", "1"), ("RUN go build ./...", "2")),
            "",
            "a file",
            "COPY go.mod go.sum ./ and RUN go mod download before COPY . /src",
        ),
        ([BASE, ("COPY app.py .", "2"), ("RUN true", "3")], image(BASE, ("COPY app.py .", "1")), "", "a file", ""),
        ([BASE, (PIP, "2")], image(BASE, (PIP, "1")), "", "it ran once more", "build cache"),
        ([BASE, ("RUN apt", "2"), ("COPY a .", "3")], image(BASE, ("RUN apt", "1")), "FROM x\nCOPY a .", "base", ""),
        ([BASE, ("RUN make all", "2")], image(BASE, ("RUN make", "1")), "", "RUN make here", ""),
        ([BASE, ("RUN true", "2")], image(BASE), "", "no step here", ""),
        ([("ADD base /", "other")], FIRST, "", "base image", ""),
        (
            [BASE, ("COPY /out /", "2")],
            image(BASE, ("COPY /out /", "1")),
            f"FROM x AS libs\nCOPY . .\n{PIP}\nFROM x\nCOPY --from=libs /out /\n",
            "stage libs",
            "COPY requirements.txt ./ and RUN pip",
        ),
    ],
    ids=["pip", "npm", "go", "in order", "no cache", "part of the base", "other command", "more", "base", "stage"],
)
def test_where_reuse_ends(steps: list[Step], against: LayeredImage, dockerfile: str, reason: str, hint: str) -> None:
    """The first layer that is not shared is named with its reason, and with a hint only where something helps."""
    reuse = Comparison(image=image(*steps), against=against, dockerfile=dockerfile).reuse
    assert reuse
    assert reason in reuse.reason
    assert hint in reuse.hint
    assert bool(hint) == bool(reuse.hint)


def test_an_argument_ends_reuse() -> None:
    """A build argument with another value makes every RUN after it run again: the hint names the ARG, not the value."""
    before, now = (image(BASE, (PIP, f"pip {one}"), arguments=(f"VERSION={one}", "A=1")) for one in "12")
    reuse = Comparison(image=now, against=before).reuse
    assert reuse
    assert "(VERSION)" in reuse.reason
    assert "move ARG VERSION below" in reuse.hint


def test_the_line_in_the_dockerfile() -> None:
    """Steps are counted from the last one back, so that a base image's own steps do not matter."""
    text = "FROM base\nWORKDIR /app\n\nCOPY . .\nENV A=1\n"
    many = [BASE, ("RUN base", "b"), ("WORKDIR /app", "w")]
    found = Comparison(image=image(*many, ("COPY . .", "2")), against=image(*many, ("COPY . .", "1")), dockerfile=text)
    assert found.reuse
    assert found.reuse.line == 4
    changed = Comparison(image=found.image, against=found.against, dockerfile="FROM base\nRUN make\n").reuse
    assert changed
    assert changed.line is None
