"""What all tasks share: how a command starts, how it ends, and its exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

from invoke.context import Context
from invoke.exceptions import Exit

from seatrial.cli.chain import Chain, print_out
from seatrial.cli.flags import AppFlag, ExplainFlags, ReportFlags
from seatrial.cli.project import check_named_file, choose_environment, find_root, settings_files
from seatrial.cli.termination import Terminated, interruption, terminable
from seatrial.cli.unexpected import unexpected
from seatrial.errors import SeatrialError, UsageError
from seatrial.host.shortage import shortage_behind
from seatrial.host.streams import make_lasting, write_command
from seatrial.model.tag import check_version
from seatrial.output.hints import Call
from seatrial.settings.variables import environment

if TYPE_CHECKING:  # --list and --help do not load the pipeline
    from invoke.config import Config

    from seatrial.cli.playbook import Playbook
    from seatrial.model.app import App
    from seatrial.pipeline.state import StateFolder
    from seatrial.pipeline.step import AppSteps, Step
    from seatrial.pipeline.world import World
    from seatrial.registry.credentials import Credential

__all__ = ["Command", "command", "exit_with"]

_F = TypeVar("_F", bound=AppFlag)
_NO_FILES = ReportFlags()
_USUAL = ExplainFlags()


class Command(SimpleNamespace):
    """A command while it runs, in its chain."""

    playbook: Playbook
    config: Config
    chain: Chain
    call: Call
    check: bool
    json: bool
    output: ExplainFlags

    @cached_property
    def world(self) -> World:
        """The project's world, which is opened when a task first needs it: wrong use ends before."""
        from seatrial.cli.session import open_world

        world = open_world(self._state)
        world.engine.report_waiting(lambda text: sys.stderr.write(f"{text}\n"))
        return world

    @cached_property
    def _state(self) -> StateFolder:
        from seatrial.pipeline.state import STATE_FOLDER, StateFolder

        settings = self.playbook.settings
        return StateFolder(settings.root / STATE_FOLDER, settings.environment, apps=len(settings.apps))

    def look_ahead(self, which: AppFlag) -> None:
        """Begin to look at the files of the app that is built next, unless others, or hooks, may change them first."""
        apps = self.chosen(which)
        if len(apps) > 1 or any(self.playbook.settings.hooks.values()) or self.output.explains:
            return
        from seatrial.steps.build.files import look_ahead

        look_ahead(apps[0], self._state)

    def close(self) -> None:
        """Close the connection to the engine, if there is one."""
        if "world" in vars(self):
            self.world.engine.close()

    def each_app(
        self,
        which: _F,
        steps: Callable[[_F], tuple[Step, ...]],
        *,
        in_order: bool = False,
        serves: bool = False,
        for_one: Mapping[str, str | None] = {},
    ) -> tuple[Step, ...] | tuple[AppSteps, ...]:
        """Return the steps of the chosen app, or of each of several; with `in_order` an app comes after those it needs.

        `serves` and `for_one` are as in `chosen`.
        """
        apps = self.chosen(which, for_one, serves=serves)
        if len(apps) == 1:
            return steps(which.but(app=[apps[0].name]))
        from seatrial.pipeline.step import AppSteps

        names = {app.name for app in apps}
        return tuple(
            AppSteps(
                app=app.name,
                steps=steps(which.but(app=[app.name])),
                needs=tuple(name for name in app.needs if name in names) if in_order else (),
            )
            for app in apps
        )

    def chosen(
        self, which: AppFlag, for_one: Mapping[str, str | None] = {}, *, serves: bool = False
    ) -> tuple[App, ...]:
        """Return the chosen apps, or all, each behind those it needs; with `serves` not those that serve nothing.

        `for_one` are flags, with their values, that only one app can have; raise `UsageError` if there are several.
        """
        apps = self.playbook.settings.chosen(which.app)
        if serves and not which.app:
            apps = tuple(app for app in apps if app.serves) or apps
        flag = next((name for name, value in for_one.items() if value is not None), None)
        if flag and len(apps) > 1:
            known = ", ".join(app.name for app in apps)
            hint = f"--app {apps[0].name} {flag} {for_one[flag]}"
            raise UsageError(f"{flag} is about one app", reason=f"the apps are {known}", hint=hint)
        return apps

    def with_hooks(self, steps: Sequence[Step]) -> tuple[Step, ...]:
        """Return the steps with the user's hooks around them."""
        if not any(self.playbook.settings.hooks.values()):
            return tuple(steps)
        from seatrial.cli.hooks import Hooks

        return Hooks(settings=self.playbook.settings, config=self.config, json=self.json).around(steps)

    def carry_out(  # noqa: PLR0913  each argument is one thing
        self,
        steps: Sequence[Step] | Sequence[AppSteps],
        *,
        jobs: str = "1",
        lock_wait: str = "0",
        files: ReportFlags = _NO_FILES,
        junit: str | None = None,
        open_page: bool = False,
    ) -> None:
        """Carry out the steps, of one app or of several, show their outcomes, and end with the exit code.

        `jobs` is how many apps are worked on at once, `lock_wait` how many seconds to wait for another release of the
        same repository; `files` and `junit` name the files to write reports to; `open_page` opens the app's page in the
        user's browser.
        """
        if self.output.explains:
            self._explain(steps)
            return
        from seatrial.cli.carrying import carry_out_and_show

        report = carry_out_and_show(
            self, steps, jobs=jobs, lock_wait=lock_wait, files=files, junit=junit, open_page=open_page
        )
        for one in report.apps or (report,):
            if failure := one.failure:
                _annotate(failure, self.call.about(one.app if report.apps else ""))
        if self.json:
            self.chain.add(report, self.call)
        if report.exit_code:
            raise Exit(code=report.exit_code)

    def credential(self, user: str, registry: str, *, from_stdin: bool) -> Credential:
        """Return a user with the password as it is typed; none is asked for if the login is only explained."""
        from seatrial.registry.credentials import Credential, Secret

        if self.output.explains:
            return Credential(user=user, secret=Secret(""))
        from seatrial.cli.password import ask_credential

        return ask_credential(user, registry, from_stdin=from_stdin)

    def _explain(self, steps: Sequence[Step] | Sequence[AppSteps]) -> None:
        """Print the commands that the steps stand for: explained, as a script, or as a JSON document."""
        from seatrial.output.explanation import explain_document, show_explanation
        from seatrial.output.screen import open_screen
        from seatrial.output.shell import script
        from seatrial.pipeline.explanation import explain
        from seatrial.pipeline.step import Step

        if self.output.script and (self.output.explain or self.json):
            other = "--explain" if self.output.explain else "--json"
            reason = "each prints something else on standard output"
            raise UsageError(f"--script and {other} exclude each other", reason=reason, hint="--script")
        flat = [one for group in steps for one in ([group] if isinstance(group, Step) else group.steps)]
        explained = explain(self.with_hooks(flat), self.world)
        if self.output.script:
            call = f"{self.call.program} {self.call.prefix}{self.call.task}"
            print_out(script(explained, call=call, root=self.playbook.settings.root).rstrip("\n"))
        elif self.json:
            self.show(explain_document(explained, command=self.call.task), is_json=True)
        else:
            show_explanation(explained, open_screen(sys.stdout))

    def show(self, text: str, *, is_json: bool, error: SeatrialError | None = None) -> None:
        """Print the result of a task that only reads, and keep standard output for the chain's document if it has one.

        `error` is what the task will end with.
        """
        if is_json:
            self.chain.add_text(self.call, text, error)
        elif self.json:
            sys.stderr.write(f"{text}\n")
        else:
            print_out(text)


@contextmanager
def command(  # noqa: PLR0913  each argument is one thing
    c: Context,
    call: Call,
    chain: Chain,
    *,
    check: bool = False,
    json: bool = False,
    output: ExplainFlags = _USUAL,
    version: str | None = None,
) -> Iterator[Command]:
    """Yield a command of this project; turn errors into a message and an exit code.

    The `version` that was typed is checked before the settings are read.
    """
    make_lasting(guarded=environment().github is not None)
    check, json = check or bool(c.config.run.dry), json or chain.json
    output = output.but(explain=output.explain or chain.explain, script=output.script or chain.script)
    documents = chain if json else None
    try:
        with terminable(to_the_end=True):
            if version is not None:
                check_version(version)
            from seatrial.cli.playbook import Playbook
            from seatrial.settings.settings import Settings

            check_named_file(c.config)
            root = find_root(c.config)
            chosen = choose_environment(c.config, root)
            files = settings_files(c.config, root, chosen)
            settings = Settings.load(_plain(c.config.get("seatrial", {})), root, files, environment=chosen)
            playbook = Playbook(settings=settings)
            cmd = Command(
                playbook=playbook, config=c.config, chain=chain, call=call, check=check, json=json, output=output
            )
            with closing(cmd):
                yield cmd
    except SeatrialError as error:
        raise exit_with(call, shortage_behind(error), check=check, chain=documents) from error
    except (KeyboardInterrupt, Terminated) as error:
        raise _exit_after_document(call, interruption(error), check=check, chain=documents) from None
    except Exit:
        raise
    except Exception as error:
        raise exit_with(call, unexpected(error, call.task), check=check, chain=documents) from error


def exit_with(call: Call, error: SeatrialError, *, check: bool, chain: Chain | None) -> Exit:
    """Show an error that came before the first step, and return the exception that ends the process.

    `chain` prints the document of --json; None without that flag.
    """
    try:
        from seatrial.output.writer import Writer

        Writer(errors=True, call=call).error(error)
        _annotate(error, call)
        return _exit_after_document(call, error, check=check, chain=chain)
    except (OSError, ImportError, MemoryError):  # what the machine has run out of is missing here, too
        sys.stderr.write(f"failed  {error.message}\n  why:  {error.reason}\n  next: {call.complete(error.hint)}\n")
        return Exit(code=error.exit_code)


def _annotate(error: SeatrialError, call: Call) -> None:
    """Show an error in the summary of a job on GitHub, beside its line if it has one."""
    if github := environment().github:
        from seatrial.output.ci.workflow_commands import annotation

        write_command(sys.stderr, annotation(error.but(hint=call.complete(error.hint)), github.workspace))


def _exit_after_document(call: Call, error: SeatrialError, *, check: bool, chain: Chain | None) -> Exit:
    """Return the exception that ends the process, after the document; people have pressed Ctrl-C themselves."""
    if chain:
        from seatrial.pipeline.report import Report

        chain.add(Report(command=call.task, check=check, error=error), call)
    return Exit(code=error.exit_code)


def _plain(value: Any) -> Any:  # noqa: ANN401  whatever YAML holds
    """Return Invoke's configuration as plain Python."""
    if hasattr(value, "items"):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
