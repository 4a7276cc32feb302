"""Text in lines that fit a width."""

from __future__ import annotations

import textwrap

__all__ = ["hang"]


def hang(text: str, *, head: str, indent: str, width: int) -> str:
    """Return `head` and a text, broken at spaces into lines of at most `width` columns; later lines have an indent."""
    lines = textwrap.wrap(
        text,
        width=width,
        initial_indent=head,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines) or head.rstrip()
