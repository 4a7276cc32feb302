"""Which files of an image are read: those that no scan of an earlier image has seen."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from seatrial.checks.image.copied import copied_folder, leads_out
from seatrial.checks.image.file_scan import FileScan
from seatrial.checks.image.files import Scan
from seatrial.engine.model import HistoryEntry, Image, ImageConfig, ImageFile
from seatrial.model.app import App
from seatrial.pipeline.state import StateFolder
from seatrial.pipeline.world import World
from tests.engine.memory.engine import MemoryEngine
from tests.image_specimens import file, folder
from tests.steps.scenario import make_app

BASE = ("FROM", "WORKDIR /app", "RUN pip install")
OUTSIDE = [folder("/etc"), file("/etc/su", 0o4755), file("/etc/open", 0o666)]
COPIED = [folder("/app"), file("/app/main.py"), file("/app/open", 0o666)]


class Shelf(MemoryEngine):
    """An engine whose one container has these files, and whose images were made by these steps."""

    steps: Sequence[str] = (*BASE, "COPY . .")
    inside: Sequence[ImageFile] = COPIED
    shift = 0
    """How much greater the owners are in a single folder."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    def history(self, name_or_id: str) -> list[HistoryEntry]:
        """Return the steps, newest first."""
        return history(*self.steps)

    def files(self, container_id: str, folder: str = "") -> Generator[ImageFile, None, None]:
        """Yield the files, and note which were asked for."""
        self.read.append(folder)
        shift = self.shift if folder else 0
        for one in self.inside if folder else [*OUTSIDE, *self.inside]:
            yield replace(one, uid=one.uid + shift)


def history(*steps: str, comment: str = "buildkit.dockerfile.v0") -> list[HistoryEntry]:
    """Return the engine's history of steps, given the oldest first."""
    return [
        HistoryEntry(
            id="",
            created=0,
            created_by="" if one == "FROM" else f"{one} # buildkit" if one.startswith(("COPY", "RUN")) else one,
            size=1 if one.startswith(("FROM", "COPY", "RUN")) else 0,
            comment="" if one == "FROM" else comment,
            tags=(),
        )
        for one in reversed(steps)
    ]


def image_of(steps: Sequence[str], top: str, *, user: str = "", volumes: tuple[str, ...] = ()) -> Image:
    """Return an image made by these steps, whose last layer is `top`."""
    count = sum(one.startswith(("FROM", "COPY", "RUN", "WORKDIR")) and one != "WORKDIR /" for one in steps)
    layers = (*(f"sha256:{number}" for number in range(count - 1)), f"sha256:{top}")
    return Image(id=f"sha256:{top}{user}", layers=layers, config=ImageConfig(user=user, volumes=volumes))


@pytest.fixture
def app(tmp_path: Path) -> App:
    """An app."""
    return make_app("scans", tmp_path / "app", "scratch", 8080)


@pytest.fixture
def engine() -> Shelf:
    """The engine."""
    return Shelf()


@pytest.fixture
def world(engine: Shelf, tmp_path: Path) -> World:
    """A world with that engine."""
    state = StateFolder(tmp_path / "notes")
    return World(engine=engine, registry=MemoryEngine().registry, state=state)


def scan(world: World, app: App, image: Image) -> Scan:
    """Scan an image's files."""
    found = FileScan(world, app, image)
    if reading := found.begin("container"):
        reading.wait()
    return found.result()


def test_only_what_was_copied_is_read_again(world: World, app: App, engine: Shelf) -> None:
    """Of an image that differs in its last COPY only that folder is read, and the findings are those of all files."""
    scan(world, app, image_of(engine.steps, "first"))
    engine.inside = [*COPIED, file("/app/su", 0o4755), file("/app/a", 0o666)]
    second = scan(world, app, image_of(engine.steps, "second"))

    assert engine.read == ["", "/app"]
    assert (second.setuid_count, second.setuid) == (2, ("/app/su", "/etc/su"))
    assert (second.writable_count, second.writable) == (3, ("/app/a", "/app/open", "/etc/open"))
    afresh = replace(world, state=StateFolder(world.state.folder / "empty"))
    assert second == scan(afresh, app, image_of(engine.steps, "second"))


LINK = ImageFile(path="/app/static", mode=0o777, uid=0, gid=0, kind="link", target="/usr/share")


@pytest.mark.parametrize(
    ("inside", "read"),
    [
        ([*COPIED, LINK], ["", "/app", ""]),
        ([*COPIED, replace(LINK, target="../usr")], ["", "/app", ""]),
        ([*COPIED, replace(LINK, target="sub/../../etc")], ["", "/app", ""]),
        ([replace(LINK, path="/app")], ["", "/app", ""]),
        ([replace(COPIED[0], uid=7), *COPIED[1:]], ["", "/app", ""]),
        ([], ["", "/app", ""]),
        ([*COPIED, replace(LINK, target="./main.py")], ["", "/app"]),
    ],
    ids=[
        "a link out",
        "a relative one",
        "a winding one",
        "a link itself",
        "another owner",
        "no folder",
        "a link inside",
    ],
)
def test_what_a_folder_cannot_show(
    world: World, app: App, engine: Shelf, inside: list[ImageFile], read: list[str]
) -> None:
    """All files are read if the COPY may have changed something outside of the folder, or it looks otherwise alone."""
    scan(world, app, image_of(engine.steps, "first"))
    engine.inside = inside
    scan(world, app, image_of(engine.steps, "second"))
    assert engine.read == read
    if any(leads_out(one, "/app") for one in inside):
        scan(world, app, image_of(engine.steps, "third"))
        assert engine.read == [*read, ""], "the folder is not tried a second time"


def test_other_rules(world: World, app: App, engine: Shelf) -> None:
    """What was found for another user, on other layers, or by an engine that remaps owners does not count."""
    scan(world, app, image_of(engine.steps, "first"))
    other = ("sha256:x", "sha256:y", "sha256:z", "sha256:second")
    scan(world, app, replace(image_of(engine.steps, "second"), layers=other))
    scan(world, app, image_of(engine.steps, "third", user="10001"))
    assert engine.read == ["", "", ""]

    engine.shift = 100_000
    scan(world, app, image_of(engine.steps, "fourth", user="10001"))
    assert engine.read == ["", "", "", "/app", ""]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((*BASE, "COPY . /app", "USER 7", "CMD run"), "/app"),
        ((*BASE, "COPY . ."), "/app"),
        ((*BASE, "COPY . ./src"), "/app"),
        (("FROM", "WORKDIR /srv/web/app", "COPY . src"), "/srv/web/app"),
        (("FROM", "WORKDIR /usr/src/app", "COPY a.txt .", "COPY . ."), "/usr/src/app"),
        (("FROM", "WORKDIR /srv/web/app", "RUN rm -r /srv/web", "COPY . ."), "/srv"),
        (("FROM", "COPY . /srv/web"), "/srv"),
        (("FROM", "WORKDIR /usr/src/app", "RUN npm ci", "COPY . ."), None),
        (("FROM", "WORKDIR /app", "COPY /out /"), None),
        (("FROM", "WORKDIR /", "COPY . srv"), "/srv"),
        (("FROM", "WORKDIR /usr", "COPY . ."), None),
        (("FROM", "WORKDIR /app", "COPY . ../other"), None),
        (("FROM", "COPY . ."), None),
        (("FROM", "WORKDIR /app", "COPY a b /app/my folder"), None),
        ((*BASE, "COPY . .", "RUN chmod a+w /etc"), None),
        ((*BASE, "COPY . .", "WORKDIR /data"), None),
        (("FROM",), None),
    ],
)
def test_the_folder_of_the_last_copy(steps: tuple[str, ...], expected: str | None) -> None:
    """The folder is known if BuildKit's last layer is a COPY to one place."""
    image = image_of(steps, "top")

    assert copied_folder(image, history(*steps), ()) == expected
    assert copied_folder(image, history(*steps, comment=""), ()) is None
    assert copied_folder(replace(image, layers=(*image.layers, "sha256:more")), history(*steps), ()) is None


@pytest.mark.parametrize("volume", ["/app", "/app/data", "/"])
def test_a_volume_in_the_folder(volume: str) -> None:
    """A folder with a volume, the image's or the app's own, does not show the layer alone."""
    steps = (*BASE, "COPY . .")

    assert copied_folder(image_of(steps, "top", volumes=(volume,)), history(*steps), ()) is None
    assert copied_folder(image_of(steps, "top"), history(*steps), (volume,)) is None
    assert copied_folder(image_of(steps, "top", volumes=("/data",)), history(*steps), ("/apps",)) == "/app"
