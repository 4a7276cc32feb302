"""What the page shows beside the document's own values: a title, numbers in words, places in the timeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from itertools import islice

from msgspec import UNSET, Struct

from seatrial.layers.comparison import StepState
from seatrial.output.documents import CheckDocument, CommandDocument, ErrorDocument, LayerDocument, StepDocument
from seatrial.output.page.chart import Chart, charts, long_seconds
from seatrial.pipeline.ledger import Entry
from seatrial.pipeline.outcome import Status
from seatrial.wording import pluralize, spaced_size

__all__ = ["Excerpt", "View"]

_MOST_NAMES = 3
_MOST_FILES, _MOST_LINES, _MOST_ROWS, _MOST_RELEASES = 100, 400, 300, 30
_DONE = {"release": "released", "push": "pushed", "rollback": "rolled back", "build": "built", "smoke": "tested"}


class Excerpt(Struct, frozen=True, kw_only=True):
    """Some of `total` lines, and how many more there are."""

    shown: tuple[str, ...]
    total: int

    @classmethod
    def of(cls, lines: Sequence[str], most: int) -> Excerpt:
        """Return the first `most` lines."""
        return cls(shown=tuple(lines[:most]), total=len(lines))

    @property
    def more(self) -> int:
        """How many lines are left out."""
        return self.total - len(self.shown)


class _Tile(Struct, frozen=True, kw_only=True):
    name: str
    value: str
    note: str = ""


class _Place(Struct, frozen=True, kw_only=True):
    """Where a bar stands, in per cent."""

    left: float
    width: float


class _Step(Struct, frozen=True, kw_only=True):
    document: StepDocument
    bar: _Place | None


class _Layer(Struct, frozen=True, kw_only=True):
    document: LayerDocument
    width: float


class View(Struct, frozen=True, kw_only=True, dict=True):
    """What is computed from a run's document and the ledger's entries of its repository, the oldest first.

    `picture` is the screenshot in base64, or empty; `log` is the end of the build's log.
    """

    document: CommandDocument
    entries: Sequence[Entry]
    picture: str = ""
    log: Excerpt = Excerpt(shown=(), total=0)

    @property
    def title(self) -> str:
        """What happened to what."""
        one = self.document
        what = " ".join(filter(None, (one.app or None, one.version or None))) or self._apps or "the project"
        if one.status in (Status.FAILED, Status.UNKNOWN) or one.check or one.command not in _DONE:
            return f"{one.command.capitalize()} of {what}{' failed' * (one.status is Status.FAILED)}"
        if one.command == "rollback":
            return f"{one.app or 'the project'} was rolled back to {one.version}"
        return f"{what} {'were' if one.apps else 'was'} {_DONE[one.command]}"

    @property
    def _apps(self) -> str:
        apps = [one.app or "" for one in self.document.apps or ()]
        if len(apps) > _MOST_NAMES:
            return pluralize(len(apps), "app")
        return " and ".join(filter(None, (", ".join(apps[:-1]), *apps[-1:])))

    @property
    def step_names(self) -> list[str]:
        """The names of the steps, each once."""
        return [*dict.fromkeys(step.step for step in self.document.steps)]

    def status_of(self, name: str) -> str:
        """Return the status of the last step of that name, empty if there is none."""
        return next((step.status for step in reversed(self.document.steps) if step.step == name), "")

    @property
    def status(self) -> str:
        """How it ended, in words."""
        if self.document.check:
            return f"{self.document.status} (check mode: nothing was changed)"
        return {Status.CHANGED: "succeeded", Status.OK: "already so"}.get(self.document.status, self.document.status)

    @property
    def mood(self) -> Status:
        """The status that has the right colour."""
        return Status.OK if self.document.status is Status.CHANGED else self.document.status

    @property
    def digest(self) -> str | None:
        """The digest that all names have, None if they differ."""
        digests = {one.digest for one in self.document.image.references}
        return digests.pop() if len(digests) == 1 else None

    @property
    def who(self) -> str:
        """Who published it, as the ledger knows."""
        return self.this.who if self.this else ""

    @cached_property
    def this(self) -> Entry | None:
        """The ledger's entry of this run, None if it failed: the last one of the image and version."""
        one = self.document
        if one.status is Status.FAILED:
            return None
        action, image = one.command.replace("push", "release"), one.image.id
        return next(
            (
                entry
                for entry in reversed(self.entries)
                if (entry.version, entry.action) == (one.version, action) and image in (None, entry.image)
            ),
            None,
        )

    @property
    def error(self) -> ErrorDocument | None:
        """The error that the run ended with."""
        failed = (step.error for step in self.document.steps if step.error)
        return self.document.error or next(failed, None)

    @property
    def evidence(self) -> Excerpt:
        """The error's details."""
        return Excerpt.of(self.error.details if self.error else (), _MOST_LINES)

    @property
    def checks(self) -> list[CheckDocument]:
        """The checks of the app."""
        return [one for one in self._checks if one.about == "app"]

    @property
    def image_checks(self) -> list[CheckDocument]:
        """The checks of the image, those with a problem first."""
        return sorted((one for one in self._checks if one.about == "image"), key=lambda one: one.problem is None)

    @property
    def problems(self) -> list[CheckDocument]:
        """The checks of app and image that have a problem."""
        return [one for one in self._checks if one.problem is not None]

    @property
    def _checks(self) -> Iterator[CheckDocument]:
        found = (one for step in self.document.steps for one in step.checks or ())
        return islice(found, _MOST_ROWS)

    @property
    def tiles(self) -> list[_Tile]:
        """The numbers that matter most."""
        one, found = self.document, []
        if one.seconds:
            found.append(_Tile(name="Duration", value=long_seconds(one.seconds)))
        if one.image.size:
            found.append(_Tile(name="Image size", value=spaced_size(one.image.size), note=self._growth))
        if sent := sum(step.sent_bytes or 0 for step in one.steps):
            found.append(_Tile(name="Sent to the registry", value=spaced_size(sent)))
        if checks := [*self._checks]:
            passed = sum(check.problem is None for check in checks)
            bad = len(checks) - passed
            found.append(
                _Tile(
                    name="Checks passed", value=f"{passed} of {len(checks)}", note=f"{bad} with a problem" * bool(bad)
                )
            )
        if one.changes and one.changes.changed is not None:
            names = [*one.changes.changed, *(one.changes.added or ()), *(one.changes.removed or ())]
            commits = pluralize(len(one.changes.commits), "commit")
            found.append(
                _Tile(name=f"Since {one.changes.version}", value=pluralize(len(names), "change"), note=commits)
            )
        return found

    @property
    def _growth(self) -> str:
        """How the size compares with that of the release before."""
        changes, size = self.document.changes, self.document.image.size
        if not changes or not changes.size or not size:
            return ""
        more = size - changes.size
        if more == 0:
            return f"as {changes.version}"
        return f"{'+' if more > 0 else '−'}{spaced_size(abs(more))} against {changes.version}"  # noqa: RUF001  a minus

    @property
    def steps(self) -> list[_Step]:
        """The steps, each with its place in the time that the run took."""
        return [_Step(document=step, bar=self._place(step)) for step in self.document.steps]

    def _place(self, step: StepDocument) -> _Place | None:
        total, began = self.document.seconds, self.document.began
        if not total or not began or step.began is UNSET:
            return None
        after = (datetime.fromisoformat(step.began) - datetime.fromisoformat(began)).total_seconds()
        left = min(max(after / total * 100, 0), 99)
        return _Place(left=round(left, 2), width=round(min(max(step.seconds / total * 100, 0.5), 100 - left), 2))

    @property
    def layers(self) -> list[_Layer]:
        """The layers, each with its share of the largest one."""
        layers = [one for one in self.document.image.layers or () if one.digest][:_MOST_ROWS]
        most = max((one.size or 0 for one in layers), default=0) or 1
        return [_Layer(document=one, width=round((one.size or 0) / most * 100, 1)) for one in layers]

    @property
    def sharing(self) -> str:
        """How many layers are new beside the release before, and how many it has, too; empty if that is unknown."""
        shared = [one.document for one in self.layers if one.document.state is StepState.SHARED]
        others = [one.document for one in self.layers if one.document.state not in (UNSET, StepState.SHARED)]
        if not self.document.changes or not (shared or others):
            return ""
        new, kept = (
            f"{pluralize(len(group), 'layer')} ({spaced_size(sum(one.size or 0 for one in group))})"
            for group in (others, shared)
        )
        return f"{new} not in {self.document.changes.version}, {kept} shared with it."

    @property
    def changed(self) -> list[tuple[str, Excerpt]]:
        """The names of changed, added and removed inputs, without empty groups."""
        changes = self.document.changes
        if not changes:
            return []
        groups = {"Changed": changes.changed, "Added": changes.added, "Removed": changes.removed}
        return [(name, Excerpt.of([*_names(parts)], _MOST_FILES)) for name, parts in groups.items() if parts]

    @cached_property
    def releases(self) -> list[Entry]:
        """The latest releases, the oldest first."""
        return [one for one in self.entries if one.action == "release"][-_MOST_RELEASES:]

    @cached_property
    def deployments(self) -> list[Entry]:
        """The latest deployments, the newest first."""
        return [one for one in reversed(self.entries) if one.service][:_MOST_RELEASES]

    @property
    def environments(self) -> bool:
        """Whether a release or a deployment was made for an environment."""
        return any(one.environment for one in (*self.releases, *self.deployments))

    @property
    def charts(self) -> tuple[Chart, ...]:
        """The charts over the releases."""
        return charts(self.releases, self.this)

    @property
    def parts(self) -> list[str]:
        """The headings of the page, for its table of contents."""
        one = self.document
        known = {
            "Why it failed": self.error,
            "Steps": one.steps,
            "Published": one.image.references,
            "Image": one.image.id,
            "Layers": self.layers,
            "Changes": one.changes,
            "Checks": self.checks or one.verdict,
            "Image checks": self.image_checks,
            "Screenshot": self.picture,
            "Build log": self.log.shown,
            "Releases": self.charts,
            "Deployments": self.deployments,
        }
        return [name for name, content in known.items() if content]


def _names(parts: Iterable[str]) -> Iterator[str]:
    return (part.removeprefix("file ") for part in parts)
