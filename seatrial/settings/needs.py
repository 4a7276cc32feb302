"""Which apps are built from which: checked, and put in an order in which each comes after those that it needs."""

from __future__ import annotations

from collections.abc import Mapping

from seatrial.model.app import App
from seatrial.settings.reading import Reader
from seatrial.wording import nearest

__all__ = ["with_needed"]


def with_needed(reader: Reader, apps: Mapping[str, App]) -> dict[str, App]:
    """Return the apps with the repositories of those that they need, in an order in which they can be built.

    Raise `UsageError` for an app that does not exist, and for apps that need each other.
    """
    if not any(app.needs for app in apps.values()):
        return dict(apps)
    from graphlib import CycleError, TopologicalSorter  # most projects have one app

    for name, app in apps.items():
        for number, needed in enumerate(app.needs):
            if needed not in apps:
                near = nearest(needed, apps)
                trail = ("apps", name, "needs", number)
                raise reader.error(trail, f"there is no app '{needed}'", f"write '{near}'" if near else "")
    try:
        order = tuple(TopologicalSorter({name: app.needs for name, app in apps.items()}).static_order())
    except CycleError as error:
        circle = error.args[1][::-1]  # graphlib names each app before the one that needs it
        raise reader.error(
            ("apps", circle[0], "needs"), " needs ".join(circle), f"remove '{circle[1]}' there"
        ) from error
    return {name: apps[name].but(needed={one: apps[one].repository for one in apps[name].needs}) for name in order}
