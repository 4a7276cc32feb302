"""The setting `hooks`: tasks of the user's own collection that run before and after steps."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection
from invoke.exceptions import CollectionNotFound, Exit, UnexpectedExit
from invoke.executor import Executor
from invoke.loader import FilesystemLoader
from invoke.tasks import Task

from seatrial.cli.collection import SeatrialTask, users_collection
from seatrial.cli.project import copy_config
from seatrial.errors import SeatrialError, StepFailed, UsageError
from seatrial.host.streams import output_as_errors
from seatrial.settings.reading import Reader
from seatrial.settings.settings import Settings
from seatrial.wording import nearest

if TYPE_CHECKING:  # --list and --help do not load the pipeline
    from seatrial.pipeline.step import Step

__all__ = ["Hooks"]

_INTERRUPTED = (-2, 130)  # what a command ends with that Ctrl-C has reached


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """The hooks of a project; `config` is Invoke's, and with `json` what they print goes to standard error."""

    settings: Settings
    config: Any
    json: bool

    def around(self, steps: Sequence[Step]) -> tuple[Step, ...]:
        """Return the steps with the hooks before and after them; raise `UsageError` for a task that does not exist."""
        from seatrial.pipeline.hook import Hook

        collection = self._collection()
        for point, names in self.settings.hooks.items():
            for number, name in enumerate(names):
                self._check(collection, name, ("hooks", point, number))

        def hooks(step: Step, *, before: bool) -> Iterator[Step]:
            for name in self.settings.hooks.get(f"{'before' if before else 'after'}_{step.name}", ()):
                yield Hook(task=name, step=step, before=before, call=partial(self._run, collection, name))

        found = ((*hooks(step, before=True), step, *hooks(step, before=False)) for step in steps)
        return tuple(one for group in found for one in group)

    def _collection(self) -> Collection:
        """Return the user's collection; the program `seatrial` loads it only for this."""
        try:
            if found := users_collection():
                return found
            FilesystemLoader(start=str(self.settings.root), config=self.config).load()
        except CollectionNotFound:
            point = next(point for point, names in self.settings.hooks.items() if names)
            problem = f"there is no tasks.py in {self.settings.root} with tasks of your own"
            raise self._error(("hooks", point), problem, "write the tasks that hooks names in a tasks.py") from None
        return users_collection() or Collection()

    def _check(self, collection: Collection, name: str, trail: tuple[str | int, ...]) -> None:
        """Raise `UsageError` unless a task of that name can be run without arguments and is not one of ours."""
        try:
            task: Task[Any] = collection[name]
        except (KeyError, ValueError):
            near = nearest(name, collection.task_names)
            raise self._error(trail, f"there is no task '{name}'", f"write '{near}'" if near else "") from None
        if isinstance(task, SeatrialTask):
            raise self._error(trail, f"'{name}' is a task of Seatrial's own", "write a task of your own")
        if needed := [argument.name for argument in task.get_arguments() if argument.positional]:
            hint = f"give {needed[0]} a default"
            raise self._error(trail, f"the task '{name}' needs {needed[0]}, and a hook has no arguments", hint)

    def _error(self, trail: tuple[str | int, ...], problem: str, hint: str) -> UsageError:
        return Reader(root=self.settings.root, files=self.settings.files, owners={}).error(trail, problem, hint)

    def _run(self, collection: Collection, name: str) -> None:
        """Run a task as Invoke does; raise `StepFailed` with its name if it fails."""
        try:
            with output_as_errors() if self.json else nullcontext():
                Executor(collection, copy_config(self.config)).execute(name)
        except UnexpectedExit as error:
            if error.result.exited in _INTERRUPTED:
                raise KeyboardInterrupt from error
            raise _failure(name, f"a command in it ended with exit code {error.result.exited}") from error
        except (Exit, SystemExit) as error:
            if error.code:
                reason = str(error) or f"it ended with exit code {error.code}"
                raise _failure(name, reason) from error
        except SeatrialError as error:
            raise _failure(name, str(error)) from error
        except Exception as error:
            raise _failure(name, f"{self._place(error)}: {type(error).__name__}: {error}") from error

    def _place(self, error: Exception) -> str:
        """Return the last file and line of the user's own that an error came through."""
        frames = traceback.extract_tb(error.__traceback__)
        own = [one for one in frames if Path(one.filename).is_relative_to(self.settings.root)]
        last = (own or frames)[-1]
        return f"{last.filename}:{last.lineno}"


def _failure(name: str, reason: str) -> StepFailed:
    return StepFailed(f"the hook {name} failed", reason=reason, hint=f"fix the task {name}, then run it again")
