"""What images save by sharing layers, and what removing some of them frees."""

from __future__ import annotations

from seatrial.layers.sharing import Sharing, freed_bytes
from tests.layers.test_comparison import BASE, image

ONE = image(BASE, ("COPY . .", "1"))
TWO = image(BASE, ("COPY . .", "2"), ("RUN a", "a"))
COPY_OF_TWO = image(BASE, ("COPY . .", "2"), ("RUN a", "a"))


def test_sums() -> None:
    """A layer that several images have counts once on the disk, and is no image's own."""
    sharing = Sharing(images=(ONE, TWO, COPY_OF_TWO))
    assert (sharing.total, sharing.on_disk) == (800, 400)
    assert [sharing.own(one) for one in sharing.images] == [100, 0, 0]


def test_removing_frees_what_nobody_else_has() -> None:
    """Layers of the images that stay are not freed, and those of several removed images count once."""
    assert freed_bytes([TWO], [ONE, COPY_OF_TWO]) == 0
    assert freed_bytes([TWO, COPY_OF_TWO], [ONE]) == 200
    assert freed_bytes([ONE, TWO, COPY_OF_TWO], []) == 400
