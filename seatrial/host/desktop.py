"""The user's own browser."""

from __future__ import annotations

__all__ = ["open_page"]


def open_page(address: str, *, visible: bool) -> str:
    """Open an address in the user's browser; return why it was not opened, or nothing.

    `visible` is whether there is a terminal or a desktop that shows it.
    """
    import webbrowser  # late: it is needed by one flag

    if not visible:
        return "there is no terminal and no desktop here"
    try:
        return "" if webbrowser.open(address) else "no browser was found (the variable BROWSER can name one)"
    except webbrowser.Error as error:
        return str(error)
