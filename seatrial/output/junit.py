"""Checks, image checks and page visits as JUnit XML for CI systems."""

from __future__ import annotations

import re
import socket
from collections import Counter
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

from seatrial.errors import SeatrialError, SmokeFailed
from seatrial.events import CheckResult
from seatrial.output.hints import UNKNOWN_CALL, Call
from seatrial.pipeline.outcome import Outcome, Status
from seatrial.pipeline.report import Report

__all__ = ["as_junit"]

# Characters that XML 1.0 cannot contain, not even escaped.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TERMINAL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


def as_junit(report: Report, call: Call = UNKNOWN_CALL) -> bytes:
    """Return the XML: a testsuite for each step that ran; a testcase for each check, image check and visited page."""
    root = ET.Element("testsuites")
    for number, outcome in enumerate(one for one in report.outcomes if one.began):
        root.append(_testsuite(number, outcome, call.about(outcome.app if report.apps else "")))
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _testsuite(number: int, outcome: Outcome, call: Call) -> ET.Element:
    """Return a step's testsuite, with elements and attributes that both Ant's and Jenkins' schemas allow."""
    cases = [
        _testcase(one, name, outcome, call) for one, name in zip(outcome.checks, _names(outcome.checks), strict=True)
    ]
    if outcome.status is Status.FAILED and outcome.error and not any(map(len, cases)):
        cases.append(_failed(outcome, outcome.error, call, spent=sum(one.seconds for one in outcome.checks)))
    element = ET.Element(
        "testsuite",
        {
            "id": str(number),
            "package": "seatrial",
            "name": _clean(f"{outcome.step} {outcome.app}".strip()),
            "timestamp": outcome.began.strftime("%Y-%m-%dT%H:%M:%S") if outcome.began else "",
            "hostname": _clean(socket.gethostname()) or "localhost",
            "tests": str(len(cases)),
            "failures": str(sum(case.find("failure") is not None for case in cases)),
            "errors": str(sum(case.find("error") is not None for case in cases)),
            "skipped": "0",
            "time": _seconds(outcome.seconds),
        },
    )
    properties = ET.SubElement(element, "properties")
    attributes = {"message": str(outcome), "status": outcome.status.value, "identity": outcome.after}
    for name, value in attributes.items():
        if value:
            ET.SubElement(properties, "property", {"name": name, "value": _clean(value)})
    element.extend(cases)
    ET.SubElement(element, "system-out").text = _lines(outcome.log)
    ET.SubElement(element, "system-err").text = _lines(outcome.warnings)
    return element


def _names(checked: Sequence[CheckResult]) -> Iterator[str]:
    """Yield a name for each testcase; equal ones get a number, because CI systems tell them apart by name."""
    seen: Counter[str] = Counter()
    for one in checked:
        seen[one.check] += 1
        yield f"{one.check} ({seen[one.check]})" if seen[one.check] > 1 else one.check


def _testcase(one: CheckResult, name: str, outcome: Outcome, call: Call) -> ET.Element:
    element = _case(outcome, name, one.seconds)
    if one.problem is not None and one.fails:
        error = outcome.error or SmokeFailed(outcome.message, reason=one.problem, hint="invoke smoke")
        died = "" if isinstance(error, SmokeFailed) else f"{error.message}: "
        attributes = {"message": _clean(f"{died}{one.problem}"), "type": type(error).__name__}
        failure = ET.SubElement(element, "failure", attributes)
        failure.text = _lines([one.problem, *one.timeline, *_reason_and_hint(error, call)])
    return element


def _failed(outcome: Outcome, error: SeatrialError, call: Call, *, spent: float) -> ET.Element:
    """Return the testcase of a step that failed outside its checks: a failure of the app, else an error."""
    element = _case(outcome, outcome.step, max(outcome.seconds - spent, 0))
    attributes = {"message": _clean(f"{error.message}: {error.reason}"), "type": type(error).__name__}
    kind = "failure" if isinstance(error, SmokeFailed) else "error"
    ET.SubElement(element, kind, attributes).text = _lines(
        [error.message, *error.details, *_reason_and_hint(error, call)]
    )
    return element


def _reason_and_hint(error: SeatrialError, call: Call) -> tuple[str, str]:
    return f"why:  {error.reason}", f"next: {call.complete(error.hint)}"


def _case(outcome: Outcome, name: str, seconds: float) -> ET.Element:
    where = ".".join(filter(None, (outcome.app, outcome.step)))
    return ET.Element("testcase", {"classname": _clean(where), "name": _clean(name), "time": _seconds(seconds)})


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"


def _lines(lines: Sequence[str]) -> str:
    return _clean("\n".join(lines))


def _clean(text: str) -> str:
    """Return a text without characters that XML cannot hold and without terminal escapes."""
    return _NO_XML.sub("", _TERMINAL.sub("", text))
