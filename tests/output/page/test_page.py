"""The page about a run: complete in itself, safe whatever the app wrote, and readable for everybody."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from playwright.sync_api import Page as Tab
from playwright.sync_api import sync_playwright

from seatrial.engine.model import EngineInfo, HistoryEntry, Image, ImageHistory
from seatrial.errors import SmokeFailed
from seatrial.events import CheckResult, FactResult, TagPublished
from seatrial.model.app import BUILDER_LABEL, VERSION_LABEL
from seatrial.output.documents import CommandDocument, as_text
from seatrial.output.json_report import command_document
from seatrial.output.ledger_document import ledger_document
from seatrial.output.page.page import Page
from seatrial.pipeline.changes import Changes
from seatrial.pipeline.ledger import Entry
from seatrial.pipeline.outcome import Difference, Outcome, Results, Status
from seatrial.pipeline.report import Report
from seatrial.pipeline.step import Publishing
from seatrial.sources.git import Commit

MARKUP = "</pre></style><script>document.title='no'</script><img src=http://127.0.0.1:9/x onerror=alert(1)>&amp;\"'"
BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


def entry(version: str, size: int | None, seconds: float | None) -> Entry:
    """Return the ledger's entry of a release."""
    return Entry(
        action="release",
        app="web",
        repository="docker.io/me/web",
        version=version,
        image=f"sha256:{version}",
        digests={version: "sha256:d"},
        size=size,
        seconds=seconds,
        who="ana@laptop",
        when="2026-03-01T12:00:00+00:00",
    )


ENTRIES = (entry("1.0", None, None), entry("1.1", 100_000_000, 20), entry("1.2", 150_000_000, 10))
LAYERS = (("CMD [python3]", 0), ("COPY . /app", 50_000_000), ("COPY base", 100_000_000))


def a_history(digest: str, text: str = "") -> ImageHistory:
    """Return the history of an image on the same base, with a layer of its own on it."""
    entries = (
        HistoryEntry(id="", created=0, created_by=f"{made_by}{text}", size=size, comment="", tags=())
        for made_by, size in LAYERS
    )
    return ImageHistory(entries=tuple(entries), layers=("sha256:base", digest))


def a_report(text: str = "") -> Report:
    """Return the report of a release that failed in its smoke test; `text` is in all that comes from outside."""
    labels = {VERSION_LABEL: "1.2", BUILDER_LABEL: f"BuildKit{text}"}
    image = Image(id="sha256:1.2", tags=(f"me/web:1.2{text}",), size=150_000_000, labels=labels)
    error = SmokeFailed(f"it failed{text}", reason=f"GET / is wrong{text}", hint="invoke smoke", details=(text, "line"))
    build = Outcome(step="build", app=f"web{text}", status=Status.CHANGED, message=f"built{text}", reason=f"x{text}")
    checks = (
        CheckResult(check=f"GET /{text}", problem=None, seconds=0.5, timeline=(f"0.1 s refused{text}", "0.5 s passed")),
        CheckResult(check="GET /b", problem=f"status 500{text}", seconds=1, timeline=("1 s status 500",)),
        FactResult(check=f"image check user{text}", problem=f"runs as root{text}", fails=False),
    )
    smoke = Outcome(
        step="smoke",
        app="web",
        status=Status.FAILED,
        message=error.message,
        seconds=6,
        began=BEGAN + timedelta(seconds=4),
        error=error,
        checks=checks,
        notes=(f"a note{text}",),
        diff=(Difference(name=f"memory{text}", before=None, after=f"256 MB{text}"),),
        results=Results(
            image=image,
            published=(TagPublished(reference="me/web:1", digest="sha256:n", before="sha256:o", version_before="1.1"),),
        ),
    )
    return Report(
        command="release",
        check=False,
        outcomes=(replace(build, seconds=4, began=BEGAN), smoke),
        seconds=10,
        began=BEGAN,
        engine=EngineInfo(endpoint=f"unix:///x.sock{text}", version=f"28.5.2{text}", api="1.51"),
        publishing=Publishing(repository="docker.io/me/web", version="1.2"),
        history=a_history("sha256:new", text),
        changes=Changes(
            before=ENTRIES[1],
            changed=(f"file app.py{text}",),
            added=(),
            removed=("file old.css",),
            history=a_history("sha256:old"),
            commits=(Commit(commit="c0ffee" * 6, time=0, author=f"Ana{text}", subject=f"Fix it{text}"),),
        ),
    )


def a_page(text: str = "") -> str:
    """Return the page about that report."""
    return Page(
        document=command_document(a_report(text)), entries=ENTRIES, screenshot=PNG, log=(f"RUN x{text}",)
    ).html()


class _Tags(HTMLParser):
    """Counts the elements that a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Count one."""
        self.found[tag] += 1


def elements(page: str) -> Counter[str]:
    """Return how often the page has which element."""
    parser = _Tags()
    parser.feed(page)
    return parser.found


def test_markup_from_outside_is_text() -> None:
    """Whatever stands in names, logs, answers and commits, the page has the same elements, and none of a stranger's."""
    assert elements(a_page(MARKUP)) == elements(a_page())
    assert elements(a_page())["script"] == 0
    assert a_page(MARKUP).count("&lt;script&gt;") >= 15


def test_the_document_is_enough() -> None:
    """The page made from the document as it is kept is the same as the one made during the run."""
    document = command_document(a_report())
    kept = msgspec.convert(json.loads(as_text(document)), CommandDocument)
    assert Page(document=kept, entries=ENTRIES).html() == Page(document=document, entries=ENTRIES).html()


def test_the_ledger_alone() -> None:
    """Of a release whose document is not kept any more, the page says what the ledger knows."""
    verdict = {"when": "2026-03-01T12:00:00+00:00", "summary": "passed", "checked": ["GET /: passed"]}
    for known, shown in ((verdict, True), ({"when": 1}, False), (None, False)):
        page = Page(document=ledger_document(replace(ENTRIES[2], verdict=known)), entries=ENTRIES).html()
        assert "web 1.2 was released" in page
        assert "docker.io/me/web:1.2" in page
        assert ("GET /: passed" in page) == shown


def test_the_environment() -> None:
    """It names the environment, and that of each release if one of them has one."""
    entries = (*ENTRIES[:2], replace(ENTRIES[2], environment="staging"))
    page = Page(document=ledger_document(entries[2]), entries=entries).html()
    assert "environment staging" in page
    assert "<td>staging</td>" in page
    assert "nvironment" not in Page(document=ledger_document(ENTRIES[2]), entries=ENTRIES).html().partition("<main")[2]


def test_deployments() -> None:
    """It lists them, the newest first, and counts none of them as a release."""
    one = replace(ENTRIES[2], action="deploy", service="shop-web", replicas=3)
    entries = (*ENTRIES, one, replace(one, action="scale"), replace(one, action="undeploy", version="1.1"))
    page = Page(document=ledger_document(ENTRIES[2]), entries=entries).html()
    rows = page.partition('id="deployments"')[2].split("<tr>")[2:]
    done = [next(word for word in ("deployed", "scaled", "removed") if word in row) for row in rows]
    assert (done, ["shop-web" in row and ">3<" in row for row in rows]) == (
        ["removed", "scaled", "deployed"],
        [True] * 3,
    )
    assert page.count('<th scope="row">1.2</th>') == 3  # among the releases, and twice among the deployments


def test_its_size_is_bounded() -> None:
    """Long logs, evidence and lists are cut, and a picture that is too large or not a PNG is left out."""
    report, many = a_report(), 5_000
    error = SmokeFailed("no", reason="no", hint="invoke smoke", details=("y" * 600,) * many)
    smoke = replace(report.outcomes[1], error=error, notes=("z" * 600,) * many, checks=report.outcomes[1].checks * many)
    large = replace(
        report,
        outcomes=(report.outcomes[0], smoke),
        history=ImageHistory(entries=a_history("").entries * 500, layers=("sha256:x",) * 1000),
        changes=replace(report.changes, changed=("file x",) * many) if report.changes else None,
    )
    for picture in (PNG + bytes(10_000_000), b"GIF89a"):
        page = Page(
            document=command_document(large), entries=ENTRIES * many, screenshot=picture, log=("x" * 900,) * many
        )
        assert len(page.html()) < 2_500_000
        assert elements(page.html())["img"] == 0


@pytest.mark.parametrize("entries", [(), (entry("1", None, None),)], ids=["no ledger", "an old ledger"])
def test_a_run_of_which_little_is_known(entries: tuple[Entry, ...]) -> None:
    """A run that failed before its first step has a page, and so has one whose ledger has no sizes yet."""
    error = SmokeFailed("no", reason="no", hint="invoke smoke")
    page = Page(document=command_document(Report(command="push", check=False, error=error)), entries=entries)
    assert "<svg" not in page.html()
    assert "Why it failed" in page.html()


@pytest.fixture
def tab(chromium: str, tmp_path: Path) -> Iterator[Tab]:
    """The page in Chromium, opened from a disk; afterwards, no error was written and nothing was loaded."""
    file = tmp_path / "report.html"
    file.write_text(a_page(MARKUP), "utf-8")
    problems: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme="dark")
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: problems.append(request.url) if request.url.startswith("http") else None)
        page.goto(file.as_uri())
        yield page
        browser.close()
    assert problems == []


@pytest.mark.browser
def test_in_a_browser(tab: Tab) -> None:
    """Headings, tables and charts have names for a screen reader, the keyboard reaches the report, a phone suffices."""
    assert tab.title().startswith("Release of web</pre>")
    headings = tab.get_by_role("heading", level=2).all_inner_texts()
    assert headings == [
        "Why it failed",
        "Steps",
        "Published",
        "Image",
        "Layers",
        "Changes",
        "Checks",
        "Image checks",
        "Screenshot",
        "Build log",
        "Releases",
    ]
    assert tab.get_by_role("navigation").get_by_role("link").count() == len(headings)
    links = [link.get_attribute("href") or "" for link in tab.get_by_role("navigation").get_by_role("link").all()]
    assert all(tab.locator(f"[id='{link[1:]}']").count() == 1 for link in links)
    assert tab.get_by_role("img", name="Image size: 100 MB for 1.1 to 150 MB for 1.2, in 2 releases").count() == 1
    assert tab.get_by_role("img", name="Duration: 20.0 s for 1.1 to 10.0 s for 1.2, in 2 releases").count() == 1
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert tab.evaluate("getComputedStyle(document.body).fontSize") == "15px"  # the style sheet is read to its end
    assert tab.evaluate("getComputedStyle(document.querySelector('td.number'), '::before').content") == '"Time: "'
    layers = tab.get_by_role("table").filter(has=tab.get_by_role("columnheader", name="Beside 1.1"))
    rows = [row.get_by_role("cell").all_inner_texts()[1:3] for row in layers.get_by_role("row").all()[1:]]
    assert rows == [["shared", "100 MB"], ["new", "50 MB"]]
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "To the report"
    tab.set_viewport_size({"width": 1280, "height": 800})
    table = tab.get_by_role("table").filter(has=tab.get_by_role("columnheader", name="What happened"))
    assert table.get_by_role("row").nth(2).get_by_role("rowheader").inner_text() == "smoke"
    tracks = table.locator(".track i").all()
    boxes = [box for track in tracks if (box := track.bounding_box())]
    assert boxes[1]["width"] / boxes[0]["width"] == pytest.approx(6 / 4, rel=0.05)
