"""Invoke's program with our own errors, task list and exit codes."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

from invoke.collection import Collection
from invoke.config import Config
from invoke.exceptions import ParseError
from invoke.parser.argument import Argument
from invoke.parser.context import ParserContext
from invoke.parser.parser import Parser
from invoke.program import Program
from invoke.util import helpline

from seatrial.cli.chain import ENVIRONMENT_FLAG, Chain
from seatrial.cli.collection import SeatrialTask
from seatrial.cli.command import exit_with
from seatrial.cli.project import check_files, find_root, save_environment_flag
from seatrial.cli.task import known_flags
from seatrial.errors import SeatrialError, UsageError
from seatrial.host.streams import make_lasting
from seatrial.output.hints import Call
from seatrial.settings.settings_file import read_settings_file
from seatrial.settings.variables import environment
from seatrial.wording import nearest

__all__ = ["PlaybookProgram", "SeatrialProgram", "grouped"]

# The order in which people meet the tasks; what is not named here follows in alphabetical order.
_GROUPS = {
    "Build, test and publish": ("build", "smoke", "run", "stop", "login", "tag", "push", "release", "rollback"),
    "Inspection": ("status", "report", "doctor", "logs", "apps", "images", "layers", "history", "inspect"),
    "Set up": ("init", "up", "down", "prune", "demo", "test"),
}
# The texts of Invoke's own errors.
_UNKNOWN = re.compile(r"No idea what '(.*)' is!", re.DOTALL)
_MISSING_VALUE = re.compile(r"Flag <Argument: ([\w-]+).*needed value")


class _Config(Config):
    """Invoke's configuration, from files that are read by `read_settings_file`."""

    def _load_yaml(self, path: PathLike[str]) -> Any:  # noqa: ANN401  whatever the file holds
        return read_settings_file(Path(path)).data

    _load_yml = _load_json = _load_yaml


class PlaybookProgram(Program):
    """Invoke, for a folder with a tasks.py: wrong use ends with exit code 2 and says what to type."""

    def run(self, argv: list[str] | None = None, exit: bool = True) -> None:  # noqa: A002, FBT001, FBT002  Invoke's
        """Run the program; a reader that goes away, as `head` does, is not an error."""
        make_lasting(guarded=environment().github is not None)
        super().run(argv, exit)
        sys.stdout.flush()

    def create_config(self) -> None:
        """Read the settings of the system and the user."""
        with self._usage_errors():
            self.config = _Config()

    def parse_collection(self) -> None:
        """Load the tasks and the project's settings."""
        with self._usage_errors():
            super().parse_collection()

    def core_args(self) -> list[Argument]:
        """Return Invoke's own flags, and the one that chooses an environment."""
        help_text = "Merge the settings of invoke.NAME.yaml over invoke.yaml (or set SEATRIAL_ENV=NAME)."
        return [*super().core_args(), Argument(names=(ENVIRONMENT_FLAG,), help=help_text)]

    def update_config(self, merge: bool = True) -> None:  # noqa: FBT001, FBT002  Invoke's
        """Read the settings file that -f names."""
        with self._usage_errors():
            check_files(self.argv[1:])
            super().update_config(merge)
        save_environment_flag(self.config, self.args[ENVIRONMENT_FLAG].value)

    def parse_core(self, argv: list[str] | None) -> None:
        """Parse Invoke's own flags."""
        with self._usage_errors():
            super().parse_core(argv)

    def parse_tasks(self) -> None:
        """Parse the tasks and their flags."""
        with self._usage_errors():
            super().parse_tasks()
            _check_versions([(context.name or "", context.args) for context in self.tasks])

    def _make_parser(self) -> Parser:
        """Return a parser that knows the tasks in the command line; Invoke would make and copy the flags of all."""
        contexts = [
            ParserContext(name, aliases, self.collection[name].get_arguments(self.config.tasks.ignore_unknown_help))
            for name, aliases in self.collection.task_names.items()
            if any(one in word for word in self.argv[1:] for one in (name, *aliases))
        ]
        return Parser(contexts, self.initial_context)

    def execute(self) -> None:
        """Run the tasks; the modules that they load are kept compiled.

        Invoke turns that off, so that it leaves nothing beside a tasks.py.
        """
        sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)
        super().execute()

    def parse_cleanup(self) -> None:
        """Print what Invoke prints instead of running tasks: help, the list of tasks."""
        with self._usage_errors():
            super().parse_cleanup()

    def list_flat(self) -> None:
        """Print the tasks in the order in which people meet them."""
        if self.list_root or self.list_depth:
            super().list_flat()
            return
        described = dict(_described(self.scoped_collection))
        for title, names in grouped(described).items():
            print(f"{title}:\n")  # noqa: T201  this is the output
            self.print_columns([(name, described[name]) for name in names])

    def print_task_help(self, name: str) -> None:
        """Print a task's sentence, its flags, and examples that can be typed here."""
        task, flags = self.collection[name], self.parser.contexts[name].help_tuples()
        if not isinstance(task, SeatrialTask):
            super().print_task_help(name)
            return
        call = Call(program=environment().command, prefix=name.removesuffix(task.name), tasks=known_flags())
        print(f"Usage: {call.program} {name}{' [--options]' if flags else ''} [other tasks here ...]\n")  # noqa: T201
        print(f"{textwrap.fill(task.summary, 79)}\n\nOptions:")  # noqa: T201  this is the output
        self.print_columns(flags)
        print("\n".join(("Examples:", *(f"  {call.complete(one)}" for one in task.examples))))  # noqa: T201

    @contextmanager
    def _usage_errors(self) -> Iterator[None]:
        try:
            yield
        except (ParseError, SeatrialError) as error:
            found = self._usage_error(error) if isinstance(error, ParseError) else error
            call = Call(program=environment().command, task="seatrial")
            raise exit_with(call, found, check=False, chain=Chain() if "--json" in sys.argv[1:] else None) from error

    def _usage_error(self, error: ParseError) -> UsageError:
        """Return Invoke's error as one of ours, with the nearest task or flag."""
        task = getattr(error.context, "name", None)
        help_hint = f"invoke --help {task}" if task else "invoke --list"
        if missing := _MISSING_VALUE.match(str(error)):
            return UsageError(f"--{missing[1]} needs a value", reason="none was given", hint=help_hint)
        if (unknown := _UNKNOWN.fullmatch(str(error))) is None:
            return UsageError("the command was not understood", reason=str(error), hint=help_hint)
        word = unknown[1]
        if word.startswith("-"):
            flags = getattr(error.context, "flags", {})
            near = nearest(word, map(str, flags))
            reason = f"did you mean {near}?" if near else f"{task or 'Invoke'} has no such flag"
            return UsageError(f"there is no flag {word}", reason=reason, hint=help_hint)
        near = nearest(word, (name for name, _ in _described(self.collection)))
        reason, hint = (f"did you mean {near}?", f"invoke {near}") if near else ("no task has that name", help_hint)
        return UsageError(f"there is no task {word}", reason=reason, hint=hint)


class SeatrialProgram(PlaybookProgram):
    """The program for a folder without a tasks.py: our tasks, with the settings of the folder it is called in."""

    def parse_collection(self) -> None:
        """Load the project's settings, which Invoke does only where it loads a tasks.py."""
        with self._usage_errors():
            self.config.set_project_location(str(find_root()))
            self.config.load_project()
        super().parse_collection()


def _check_versions(tasks: Sequence[tuple[str, Mapping[str, Argument]]]) -> None:
    """Raise `UsageError` for a build without --version before a task with one: that would use another image."""
    built = ""
    for name, flags in tasks:
        version = flags["version"].value if "version" in flags else None
        if name.rpartition(".")[2] == "build" and version is None:
            built = name
        elif built and version is not None:
            raise UsageError(
                f"{built} has no --version, but {name} has",
                reason=f"each task takes its own flags: {built} would build another version than {version}",
                hint=f"invoke build --version {version} {name.rpartition('.')[2]} --version {version}",
            )


def _described(collection: Collection, prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, task in sorted(collection.tasks.items()):
        yield f"{prefix}{name}", helpline(task) or ""
    for name, inner in sorted(collection.collections.items()):
        yield from _described(inner, f"{prefix}{name}.")


def grouped(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the names under the title of their group; those of a sub-collection under its name."""
    titles = {name: title for title, members in _GROUPS.items() for name in members}
    places = [*titles]
    groups: dict[str, list[str]] = {title: [] for title in _GROUPS}
    for name in sorted(names, key=lambda name: places.index(name) if name in titles else len(places)):
        collection, dot, _ = name.partition(".")
        groups.setdefault(collection if dot else titles.get(name, "Others"), []).append(name)
    return {title: members for title, members in groups.items() if members}
