"""The text that a page shows for sure: its title or heading, if no template language stands around it."""

from __future__ import annotations

import re

__all__ = ["sure_text"]

_PLACES = (
    re.compile(r"<title[^>]*>([^<]+)</title>", re.IGNORECASE),
    re.compile(r"<h1[^>]*>([^<]+)</h1>", re.IGNORECASE),
)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TEMPLATE = re.compile(r"\{\{|\{%|\{#|<%|<\?|\$\{|%\w+%")
_LONGEST = 80


def sure_text(html: str, *, static: bool = False) -> str:
    """Return the title, else the heading, of a page as it stands in its source; empty if that is not sure.

    In a `static` page nothing is filled in; in a template, what comes after a statement may not be shown.
    """
    kept = _COMMENT.sub(lambda found: " " * len(found[0]), html)
    for place in _PLACES:
        if found := place.search(kept):
            text = next((line.strip() for line in found[1].splitlines() if line.strip()), "")
            before = "" if static else kept[: found.end()]
            if text and len(text) <= _LONGEST and not _TEMPLATE.search(text) and not _statement(before):
                return text
    return ""


def _statement(text: str) -> bool:
    """Return whether a template's statement stands in a text; `{{ … }}` alone changes nothing that follows."""
    return "{%" in text or "<%" in text or "<?php" in text
