"""The report as Markdown: complete, and whatever the app wrote is text."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.token import Token
from msgspec.structs import replace

from seatrial.output.ci.results import as_dotenv, results
from seatrial.output.ci.summary import as_markdown
from seatrial.output.json_report import command_document
from seatrial.output.page.view import View
from seatrial.pipeline.report import Report
from tests.output.page.test_page import ENTRIES, a_report

MARKUP = "</details><b>x</b> | a `b` [c](http://x.y) ![d](e) **f** @everyone #1 http://x.y\n# g\n\n- h <!-- $x$ :tada:"


def _summary(report: Report) -> str:
    document = command_document(report)
    return as_markdown(document, View(document=document, entries=ENTRIES))


def _tokens(text: str) -> list[Token]:
    found = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    return [*found, *(inner for token in found for inner in token.children or ())]


def test_text_from_outside_stays_text() -> None:
    """It makes no link, picture, heading, tag, row or column; the summary has the same parts with it as without."""
    plain, wild = (
        [token.type for token in _tokens(_summary(a_report(text))) if token.type != "text"] for text in (" x", MARKUP)
    )
    assert wild == plain
    assert not {"link_open", "image", "html_inline"} & set(wild)
    assert [token.content.strip() for token in _tokens(_summary(a_report(MARKUP))) if token.type == "html_block"] == [
        "<details><summary>Evidence</summary>",
        "</details>",
    ]


def test_what_it_says() -> None:
    """It has the title, why it failed, what to type next, each step, and the checks with a problem."""
    text = _summary(a_report())
    shown = [token.content for token in _tokens(text) if token.type in ("text", "code_inline", "inline")]
    assert "❌ Release of web 1.2 failed" in shown
    assert {"why: GET / is wrong", "invoke smoke", "smoke", "GET /b", "status 500", "Fix it"} <= set(shown)
    assert "Image size" in text


def test_its_size_is_bounded() -> None:
    """GitHub refuses more than a mebibyte."""
    report = a_report(MARKUP * 20)
    smoke = replace(report.outcomes[1], checks=report.outcomes[1].checks * 1_000)
    assert len(_summary(replace(report, outcomes=(report.outcomes[0], smoke)))) < 500_000


def test_results() -> None:
    """The results are the version, the image, its digest and all names in the registry; in dotenv one line each."""
    document = command_document(a_report())
    assert results(document) == {
        "version": "1.2",
        "image": "me/web:1.2",
        "digest": "sha256:n",
        "references": "me/web:1",
    }
    assert as_dotenv(document).decode().splitlines()[2] == "SEATRIAL_DIGEST=sha256:n"
    assert results(command_document(Report(command="up", check=False))) == {}
