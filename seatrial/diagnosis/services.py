"""Causes that lie in another service that the app needs, such as a database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from seatrial.diagnosis.evidence import Cause, Evidence
from seatrial.diagnosis.log import place

__all__ = ["service_unreachable"]

# Neither a time nor a line of a source file.
_HOST: Final = r"(?:\d{1,3}\.){3}\d{1,3}|(?!\d{4}-)(?=[\w.-]*[A-Za-z])[\w.-]+(?<!\.(?:py|js|ts|go|rb))"
_ADDRESS: Final = rf"(?<![\w.-])(?P<host>\[[\da-f:]+\]|{_HOST}):(?P<port>\d{{2,5}})"
# Each message with the host, and the port if it has one, in the words of drivers and HTTP clients.
_MESSAGES: Final = tuple(
    map(
        re.compile,
        (
            r"connection to server at \"(?P<host>[^\"]+)\"(?: \([^)]*\))?, port (?P<port>\d+) failed: (?P<why>.+)",
            r"could not translate host name \"(?P<host>[^\"]+)\" to address: (?P<why>.+)",
            r"failed to resolve host '(?P<host>[^']+)': (?P<why>.+)",
            r"Error -?\d+ connecting to (?P<host>\S+):(?P<port>\d+)\. (?P<why>.+)",
            r"Can't connect to (?P<kind>MySQL) server on '(?P<host>[^':]+)(?::(?P<port>\d+))?' \((?P<why>.+)\)",
            r"(?P<why>Unknown) (?P<kind>MySQL) server host '(?P<host>[^']+)'",
            r"Connect call failed \('(?P<host>[^']+)', (?P<port>\d+)",
            r"connect (?P<why>ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH) (?P<host>\S+):(?P<port>\d+)",
            r"getaddrinfo (?P<why>ENOTFOUND|EAI_AGAIN) (?P<host>[^\s:,]+)",
            r"HTTPS?Connection(?:Pool)?\(host='(?P<host>[^']+)', port=(?P<port>\d+)\): (?P<why>.+)",
            rf"dial tcp {_ADDRESS}: (?P<why>connect: connection refused|i/o timeout)",
            r"dial tcp: lookup (?P<host>\S+?)(?: on \S+)?: (?P<why>no such host)",
            r"(?P<why>host not found) in upstream \"(?P<host>[^\":]+)(?::(?P<port>\d+))?",
            r"(?P<why>Connection refused)\) while connecting to upstream.*\"\w+://(?P<host>[^\":/]+):(?P<port>\d+)",
            rf"{_ADDRESS}\b.{{0,80}}?(?P<why>(?i:connection refused|name or service not known))",
            rf"(?P<why>(?i:connection refused)).{{0,40}}?\b{_ADDRESS}\b",
            # The message names no address.
            r"^(?:[\w.]+: )?(?:<urlopen error )?\[Errno (?:111|-[235])\] (?P<why>.+?)>?$",
        ),
    )
)
_KINDS: Final = {
    "3306": "MySQL",
    "5432": "PostgreSQL",
    "5672": "RabbitMQ",
    "6379": "Redis",
    "9092": "Kafka",
    "9200": "Elasticsearch",
    "11211": "Memcached",
    "27017": "MongoDB",
}
# What happened, by the words of the message.
_ENDS: Final = (
    (
        r"(?i)not known|not found|no such host|no address|resol|^Unknown$|ENOTFOUND|EAI_AGAIN",
        "has no address in the container",
    ),
    (r"(?i)refused", "refuses the connection"),
    (r"(?i)time(?:d )?out|ETIMEDOUT|unreach|no route|cannot assign", "cannot be reached"),
)
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_LAST_LINES: Final = 30
_LONGEST: Final = 160


def service_unreachable(evidence: Evidence) -> Cause | None:
    """Recognise a service, such as a database, that refused the app's connection or whose host has no address."""
    found = next(filter(None, map(_found, _lines(evidence))), None)
    if found is None:
        return None
    status = f"; {evidence.problem.partition(';')[0]}" if evidence.answers_with_error and evidence.running else ""
    connects = f" ({at} connects)" if (at := place(evidence)) else ""
    return Cause.fixed_by_build(
        "service-unreachable",
        f"it needs {found}{status}",
        f"name one that it reaches (environment: {{NAME: …}} under apps.{evidence.app.name} in invoke.yaml), or let "
        f"the app start and answer without it{connects}",
    )


def _found(line: str) -> str | None:
    """Return the service that a line names, with what is wrong with it."""
    for message in _MESSAGES:
        if not (found := message.search(line)):
            continue
        parts = found.groupdict()
        end = next((end for words, end in _ENDS if re.search(words, parts.get("why", "refused"))), "")
        if not end:
            continue
        host, port = parts.get("host") or "", parts.get("port") or ""
        kind = parts.get("kind") or _KINDS.get(port, "")
        if not host:
            return f"a service that {end}: {line.strip()[:_LONGEST]}"
        address = f"{host}:{port}" if port else host if kind else f"the host {host}"
        itself = f" ({host} is the container itself)" if host in _LOOPBACK else ""
        return f"{kind} at {address}, which {end}{itself}" if kind else f"{address}, which {end}{itself}"
    return None


def _lines(evidence: Evidence) -> Iterator[str]:
    """Yield the lines that may name the service, the likeliest first."""
    if evidence.answered:
        return
    if evidence.dead or evidence.answers_with_error:
        if evidence.page:
            yield from (evidence.page.title, *evidence.page.text.splitlines())
        lines = evidence.final_log
        yield from reversed(lines if evidence.has_traceback else lines[-_LAST_LINES:])
    elif evidence.silent:
        yield from reversed(evidence.log[-_LAST_LINES:])
