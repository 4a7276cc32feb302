"""The steps of an image: instructions as a Dockerfile has them, each with its layer."""

from __future__ import annotations

import pytest

from seatrial.engine.model import HistoryEntry, Image
from seatrial.layers.image_steps import (
    chain_ids,
    layered_image,
    layered_images,
    published_image,
    read_instruction,
)
from seatrial.model.reference import ImageReference
from seatrial.registry.model import Configuration, HistoryRecord
from tests.engine.memory.engine import MemoryEngine

BUILDKIT = "buildkit.dockerfile.v0"


@pytest.mark.parametrize(
    ("created_by", "instruction", "arguments"),
    [
        ('/bin/sh -c #(nop)  CMD ["bash"]', 'CMD ["bash"]', ()),
        ("/bin/sh -c apt-get update", "RUN apt-get update", ()),
        ("RUN /bin/sh -c pip install  flask # buildkit", "RUN pip install flask", ()),
        ("RUN |2 VERSION=1 MODE=a b /bin/sh -c make # buildkit", "RUN make", ("VERSION=1", "MODE=a b")),
        ("COPY . /app # buildkit", "COPY . /app", ()),
        ("EXPOSE map[5000/tcp:{} 53/udp:{}]", "EXPOSE 5000/tcp 53/udp", ()),
        ("EXPOSE [8000/tcp]", "EXPOSE 8000/tcp", ()),
        ('HEALTHCHECK &{["CMD" "python" "check.py"] "10s" "5s"}', "HEALTHCHECK CMD python check.py", ()),
        ("", "(no record of this step)", ()),
    ],
)
def test_instructions(created_by: str, instruction: str, arguments: tuple[str, ...]) -> None:
    """What both builders note in the history is shown as the instruction, and the build arguments apart."""
    assert read_instruction(created_by) == (instruction, arguments)


class _Told(MemoryEngine):
    """An engine that tells this history, the newest step first as engines do."""

    def __init__(self, *steps: tuple[str, int, str]) -> None:
        super().__init__()
        self.steps = steps

    def history(self, name_or_id: str) -> list[HistoryEntry]:
        return [
            HistoryEntry(id=name_or_id, created=0, created_by=by, size=size, comment=comment, tags=())
            for by, size, comment in reversed(self.steps)
        ]


def _layers(engine: MemoryEngine, count: int) -> list[str | None]:
    image = Image(id="sha256:i", layers=tuple(f"sha256:{number}" for number in range(count)))
    return [step.layer and step.layer[-1] for step in layered_image(engine, image).steps]


@pytest.mark.parametrize(
    ("steps", "layers"),
    [
        ([("", 9, "Imported from -"), ("WORKDIR /app", 0, BUILDKIT), ("ENV A=1", 0, BUILDKIT)], ["0", "1", None]),
        ([("ADD x", 9, ""), ("WORKDIR /", 0, BUILDKIT), ("RUN true", 0, BUILDKIT)], ["0", None, "1"]),
        ([("ADD x", 9, ""), ("/bin/sh -c #(nop) WORKDIR /x", 0, ""), ("/bin/sh -c true", 0, "")], ["0", None, None]),
        ([("ADD x", 9, ""), ("/bin/sh -c #(nop) WORKDIR /x", 0, ""), ("RUN true", 0, BUILDKIT)], ["0", None, "1"]),
        ([("ADD x", 9, ""), ("/bin/sh -c mkdir /x", 0, ""), ('CMD ["x"]', 0, BUILDKIT)], ["0", "1", None]),
        ([("ADD x", 9, "")], ["0"]),
    ],
    ids=["workdir", "root folder", "classic", "classic base", "classic folder", "one"],
)
def test_a_step_has_its_layer(steps: list[tuple[str, int, str]], layers: list[str | None]) -> None:
    """Steps without bytes have a layer if they can have one and the image has that many."""
    assert _layers(_Told(*steps), sum(one is not None for one in layers)) == layers


def test_a_layer_without_history() -> None:
    """Layers that the history does not mention are shown, too, on top, and their size is not known."""
    engine = _Told(("ADD x", 9, ""))
    assert _layers(engine, 2) == ["0", "1"]
    assert layered_image(engine, Image(id="sha256:i", layers=("sha256:0", "sha256:1"))).size is None


def test_an_image_that_has_just_been_removed() -> None:
    """An image that somebody removes after it was listed is left out."""
    engine = MemoryEngine()
    engine.add("content", ImageReference.parse("shop:1"))
    listed = engine.images()
    gone = Image(id="sha256:gone")
    assert [one.id for one in layered_images(engine, [gone, *listed])] == [one.id for one in listed]


def test_a_chain_is_named_as_docker_names_it() -> None:
    """The lowest layer's chain is itself; equal layers on other ones are other chains."""
    base = "sha256:3ed396484c3bf8eb519cd306503e778926cb74de81cf5a60d432fd5e25298863"
    folder = "sha256:9e2dd03929cdbc96ba78c8ab5015e3fb95fc9bfd1429771f2599c72f418c056a"
    assert chain_ids([base, folder]) == (
        base,
        "sha256:7a1d7979cd5aa0208d5d00beb1530119f7c65527f6d078449cd00bc405438fed",
    )
    assert chain_ids([folder, folder])[1] != chain_ids([base, folder])[1]


def test_a_published_image() -> None:
    """A configuration in a registry says which steps made no layer; sizes before compression are not in it."""
    history = tuple(HistoryRecord(created_by=by, comment="", empty=by.startswith("ENV")) for by in ("ADD x", "ENV A=1"))
    found = published_image("shop:1", Configuration(labels={}, layers=("sha256:0",), history=history))
    assert [(step.text, step.layer, step.size) for step in found.steps] == [
        ("ADD x", "sha256:0", None),
        ("ENV A=1", None, 0),
    ]
