"""The steps of init: say what the folder holds, and write each file that is missing."""

from __future__ import annotations

import ast
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from seatrial.detection.app import FoundApp
from seatrial.engine.protocol import Emit
from seatrial.errors import StepFailed
from seatrial.events import Info
from seatrial.pipeline.outcome import Difference
from seatrial.pipeline.step import Change, Explanation, NoChange, Step
from seatrial.pipeline.world import World
from seatrial.wording import pluralize

__all__ = ["AppFound", "FileWritten", "tasks_advice"]


@dataclass(frozen=True, kw_only=True)
class AppFound(Step):
    """What kind of app a folder holds, and what says so; nothing is ever changed."""

    uses_engine: ClassVar[bool] = False

    name: str = "app"
    app_name: str
    found: FoundApp
    notes: tuple[str, ...] = ()

    @property
    def app(self) -> str:
        """The app's name."""
        return self.app_name

    def plan(self, world: World) -> NoChange:
        """Say what was found, and what the user should know about it."""
        found = self.found
        for note in (*self.notes, *found.notes):
            world.emit(Info(text=note))
        place = f"{found.folder}: " if found.folder else ""
        port = f"; port {found.port} ({found.port_from})" if found.port_from else ""
        return NoChange(message=f"{place}{found.what}: {found.why}{port}")

    def explain(self, world: World) -> Explanation:
        """Say what was found: no command does that."""
        return Explanation(notes=(self.plan(world).message,))

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Do nothing: there is never a change."""


@dataclass(frozen=True, kw_only=True)
class FileWritten(Step):
    """A file exists: one that is there is kept, whatever it holds.

    `shown` is its name in messages. `advice` are lines for the user if it is kept.
    """

    uses_engine: ClassVar[bool] = False

    name: str
    app_name: str = ""
    path: Path
    shown: str
    content: str
    advice: tuple[str, ...] = ()

    @property
    def app(self) -> str:
        """The app's name; empty for a file of the whole project."""
        return self.app_name

    def plan(self, world: World) -> Change | NoChange:
        """Look for the file."""
        if self.path.is_symlink() or self.path.exists():
            for line in self.advice:
                world.emit(Info(text=line))
            return NoChange(message=f"{self.shown} is there and is kept", identity=self._digest())
        lines = pluralize(len(self.content.splitlines()), "line")
        return Change(
            would=f"write {self.shown}",
            done=f"wrote {self.shown}",
            after=_digest(self.content.encode()),
            diff=(Difference(name=self.shown, before=None, after=lines),),
        )

    def explain(self, world: World) -> Explanation:
        """Say which file is written: no docker command does that."""
        return Explanation(notes=(f"writes {self.shown}, unless it is there",))

    def apply(self, world: World, change: Change, emit: Emit) -> None:
        """Write it, unless somebody else just did."""
        try:
            with self.path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(self.content)
        except FileExistsError:
            return
        except OSError as error:
            raise StepFailed(
                f"{self.shown} cannot be written",
                reason=error.strerror or str(error),
                hint=f"make {self.path.parent} a folder that you may write to, then run it again",
            ) from error

    def _digest(self) -> str | None:
        try:
            return _digest(self.path.read_bytes()) if self.path.is_file() else None
        except OSError:
            return None


def tasks_advice(text: str) -> tuple[str, ...]:
    """Return what to add to a tasks.py of the user's own, so that Invoke finds Seatrial's tasks there, too."""
    if "seatrial" in text:
        return ()
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        tree = ast.Module(body=[], type_ignores=[])
    if "invoke" not in text:
        return ("it is not one of Invoke's: type seatrial instead of invoke",)
    add = "from seatrial.tasks import ns as seatrial"
    if any(isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) in ("ns", "namespace") for one in tree.body):
        return ("to have Seatrial's tasks in it, add these lines at its end:", add, "ns.add_collection(seatrial)")
    own = [one.name for one in tree.body if isinstance(one, ast.FunctionDef) and _is_task(one)]
    collection = f"ns = Collection({', '.join([*own, 'seatrial'])})"
    return (
        "to have Seatrial's tasks in it, add these lines at its end:",
        "from invoke import Collection",
        add,
        collection,
    )


def _is_task(function: ast.FunctionDef) -> bool:
    return any(ast.unparse(one).partition("(")[0].rpartition(".")[2] == "task" for one in function.decorator_list)


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
