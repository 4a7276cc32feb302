"""Pictures of layers: the same numbers in text, SVG, HTML and JSON, safe whatever a Dockerfile says."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace
from playwright.sync_api import sync_playwright

from seatrial.errors import UsageError
from seatrial.layers.comparison import Comparison
from seatrial.layers.image_steps import ImageStep, LayeredImage
from seatrial.layers.sharing import Sharing
from seatrial.layers.transfer import Traffic
from seatrial.output import documents
from seatrial.output.layers.document import as_json
from seatrial.output.layers.picture import PictureFile, as_html, as_svg
from seatrial.output.layers.sharing_view import SharingView
from seatrial.output.layers.text import as_text
from seatrial.output.layers.view import LayersView

MARKUP = "</text></svg><script>document.title='no'</script><img src=http://127.0.0.1:9/x>&\"'"


def image(code: str, *, name: str = "shop:2", text: str = "") -> LayeredImage:
    """Return an image of a base, code and libraries; `text` is in all of its words."""
    return LayeredImage(
        name=f"{name}{text}",
        id=f"sha256:{code}",
        names=(name,),
        steps=(
            ImageStep(text=f"ADD base /{text}", layer="sha256:b", chain="b", size=127_000_000),
            ImageStep(text=f"COPY . .{text}", layer=f"sha256:c{code}", chain=f"c{code}", size=275),
            ImageStep(
                text=f"RUN pip install -r x.txt{text}", layer=f"sha256:p{code}", chain=f"p{code}", size=4_760_000
            ),
            ImageStep(text=f"ENV A=1{text}", size=0),
        ),
    )


def view(text: str = "") -> LayersView:
    """Return version 2 beside version 1, of which the registry has the first two layers."""
    two, one = image("2", text=text), image("1", name="shop:1", text=text)
    traffic = Traffic(
        repository=f"me/shop{text}",
        compressed={"sha256:b": 49_600_000},
        looked=True,
        push=4_760_275,
        push_layers=two.steps[1:3],
        pull_update=1_600_000,
    )
    return LayersView(image=two, comparison=Comparison(image=two, against=one), traffic=traffic)


SHARING = SharingView(sharing=Sharing(images=(image("1", name="shop:1"), image("2"))))


def test_the_document() -> None:
    """It has each step's bytes and state, the sums, where reuse ends and what moves; it is as its schema says."""
    document = json.loads(as_json(view()))
    documents.check(as_json(view()))
    assert [(one["size"], one["state"]) for one in document["steps"]] == [
        (127_000_000, "shared"),
        (275, "new"),
        (4_760_000, "made again"),
        (0, "setting"),
    ]
    assert (document["shared_bytes"], document["new_bytes"]) == (127_000_000, 4_760_275)
    assert document["reuse"]["again_bytes"] == 4_760_000
    assert document["steps"][0]["compressed_size"] == 49_600_000
    assert document["traffic"]["update_bytes"] == 1_600_000


def test_the_document_of_sharing() -> None:
    """It has each image's own bytes, and the sums of them all."""
    document = json.loads(as_json(SHARING))
    documents.check(as_json(SHARING))
    assert [one["own_bytes"] for one in document["images"]] == [4_760_275, 4_760_275]
    assert (document["disk_bytes"], document["saved_bytes"]) == (136_520_550, 127_000_000)


def test_in_the_terminal() -> None:
    """The tree has one line for each step, with its size; nothing in it can steer the terminal."""
    lines = as_text(view("\x1b[2J")).splitlines()
    assert "\x1b" not in "".join(lines)
    (pip,) = [line for line in lines if "made again" in line and "RUN pip" in line]
    assert "4.76 MB" in pip
    assert max(map(len, lines)) <= 120
    assert [line.split()[0] for line in as_text(SHARING).splitlines()[1:3]] == ["shop:1", "shop:2"]


@pytest.mark.parametrize("shown", [view(MARKUP), SHARING], ids=["layers", "sharing"])
def test_a_picture_is_xml(shown: LayersView | SharingView) -> None:
    """The SVG is well-formed, has a title and a summary, and no elements that a Dockerfile wrote."""
    root = ET.fromstring(as_svg(shown))  # noqa: S314  our own
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "style", "rect", "circle", "path", "g", "text"}
    assert "script" not in as_html(shown).replace("&lt;script&gt;", "").replace("&lt;/script&gt;", "")
    named = root.attrib["aria-labelledby"].split()
    assert all(root.find(f".//*[@id='{name}']") is not None for name in named)


def test_in_a_browser(chromium: str, tmp_path: Path) -> None:
    """Picture and table have names; nothing is loaded, no error is written, and a phone suffices."""
    file = tmp_path / "layers.html"
    PictureFile(str(file)).write(view(MARKUP))
    problems: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme="dark")
        page.on("console", lambda message: problems.append(message.text))
        page.on("request", lambda request: problems.append(request.url) if request.url.startswith("http") else None)
        page.goto(file.as_uri())
        headings = page.get_by_role("heading", level=2).all_inner_texts()
        picture = page.get_by_role("img").first.get_attribute("aria-labelledby")
        sizes = page.get_by_role("row").filter(has_text="RUN pip").first.get_by_role("cell").all_inner_texts()
        columns = page.get_by_role("columnheader").all_inner_texts()
        width = page.evaluate("document.documentElement.scrollWidth")
        browser.close()
    assert problems == []
    assert headings == ["The picture", "Where reuse ends", "The numbers"]
    assert picture
    assert sizes[2:] == ["4.76 MB", "", "made again"]
    assert columns == ["Step", "Layer", "Size", "Compressed", "State"]
    assert width <= 390


def test_a_link_to_a_file(tmp_path: Path) -> None:
    """The name that was given decides on the format, not that of the file behind a link."""
    link = tmp_path / "layers.svg"
    link.symlink_to(tmp_path / "elsewhere")
    PictureFile(str(link)).write(view("\udcff"))
    assert (tmp_path / "elsewhere").read_text("utf-8").startswith("<svg")


@pytest.mark.parametrize("name", ["layers.png", "layers", "", "."])
def test_other_files(name: str) -> None:
    """A file that is neither SVG nor HTML is wrong use."""
    with pytest.raises(UsageError):
        PictureFile(name)


def test_unknown_sizes() -> None:
    """What only a registry has is shown without the sizes that nobody knows."""
    steps = tuple(replace(step, size=None if step.layer else 0) for step in image("2").steps)
    shown = LayersView(image=replace(image("2"), steps=steps))
    assert json.loads(as_json(shown))["image"]["size"] is None
    assert "unknown" in as_text(shown)
    assert "unknown" in as_html(shown)
