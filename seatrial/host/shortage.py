"""What this machine, or a limit of this process, has run out of; libraries hide it behind errors of their own."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from seatrial.errors import SeatrialError, Unavailable

__all__ = ["shortage", "shortage_behind"]

_REASONS = {
    errno.EMFILE: ("this process may not open more files", "ulimit -n 1024 (shows and raises the limit), then again"),
    errno.ENFILE: ("this machine has no room for more open files", "sysctl fs.file-nr (shows how many are open)"),
    errno.ENOMEM: ("this machine has no memory left", "free -m, ulimit -v (show what is left, and the limit)"),
    errno.EAGAIN: ("no more threads or processes may start", "ulimit -u -v (shows the limits), or end other processes"),
}
_THREAD = "can't start new thread"


def shortage(error: BaseException, action: str) -> Unavailable | None:
    """Return the error for `action` ("build could not go on") if a shortage is behind an exception, else None."""
    for one in _chain(error):
        number = one.errno if isinstance(one, OSError) else None
        if isinstance(one, MemoryError):
            number = errno.ENOMEM
        elif isinstance(one, RuntimeError) and _THREAD in str(one):
            number = errno.EAGAIN
        elif number == errno.EAGAIN and one is not error:
            continue  # somewhere behind it something was only tried: a lock, a socket
        if number in _REASONS:
            reason, hint = _REASONS[number]
            return Unavailable(action, reason=reason, hint=hint)
    return None


def shortage_behind(error: SeatrialError) -> SeatrialError:
    """Return an error of ours with a shortage as its reason if one is behind it, else the error itself."""
    return shortage(error, error.message) or error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and those behind it: its causes, and those that an exception of a library carries."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, BaseException) or any(one is other for other in seen):
            continue
        seen.append(one)
        yield one
        waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
