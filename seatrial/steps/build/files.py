"""The files that an app's image is built from, each read once in a run."""

from __future__ import annotations

import stat
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from seatrial.errors import UsageError
from seatrial.host.forked import fork
from seatrial.host.regular_files import read_regular_file
from seatrial.host.streams import output_files
from seatrial.model.app import App
from seatrial.sources.context import Context, VanishedFileError
from seatrial.sources.dockerfile_lines import instructions
from seatrial.sources.entries import PackedEntries
from seatrial.sources.inputs import entry_digest

if TYPE_CHECKING:  # `look_ahead` begins before the rest of the pipeline is loaded
    from seatrial.pipeline.state import StateFolder
    from seatrial.pipeline.world import World

__all__ = [
    "check_extra_inputs",
    "extra_context",
    "look",
    "look_ahead",
    "read_checked_context",
    "read_context",
    "read_dockerfile",
]

_MANY: Final = 1000  # fewer files are read faster than a process is copied
_LARGEST_DOCKERFILE: Final = 16 * 1024 * 1024  # BuildKit's own limit


def read_dockerfile(app: App, world: World) -> bytes:
    """Return an app's Dockerfile; raise `UsageError` if it is not a regular file of text."""
    return world.files.get(("Dockerfile", app.dockerfile), lambda: _dockerfile(app.dockerfile))


def look_ahead(app: App, state: StateFolder) -> None:
    """Begin to read a large build context in another process, while this one loads what a build needs."""
    files = state.file_digests(app.name)
    if files.known.entries.paths.count(b"\0") >= _MANY:
        files.ahead = fork(partial(look, app, state))


def look(app: App, state: StateFolder) -> bytes:
    """Return the packed entries of an app's build context; nothing if they are as known. Raise `UsageError` as below.

    This is what another process does for `read_checked_context`.
    """
    entries = _checked(app, _context(app, state)).packed
    return b"" if entries == state.file_digests(app.name).known.entries else entries.encode()


def read_context(app: App, world: World) -> Context:
    """Return an app's build context; raise `UsageError` if it cannot be read.

    Seatrial's own files are left out, unless the Dockerfile names them, and so is the file that its output goes to.
    """
    return world.files.get(("context", app.context, app.dockerfile), lambda: _context(app, world.state))


def read_checked_context(app: App, world: World) -> tuple[Context, dict[str, str]]:
    """Return an app's build context and the digests of its files.

    Raise `UsageError` if a file cannot be read, the context is too large or it contains secrets. If a file disappears
    while they are read, everything is read once more.
    """
    files = world.state.file_digests(app.name)

    def read() -> tuple[Context, dict[str, str]]:
        seen = files.take_ahead()
        if seen is None:
            context = _checked(app, read_context(app, world))
        else:  # it has been checked
            entries = PackedEntries.decode(seen) if seen else files.known.entries
            context = Context(folder=app.context, packed=entries)
        return context, files.of(context)

    def read_twice() -> tuple[Context, dict[str, str]]:
        try:
            return read()
        except VanishedFileError:
            context = _checked(app, _context(app, world.state))
            return context, files.of(context)

    return world.files.get(
        ("digests", app.context, app.dockerfile, app.build.allowed, app.build.context_limit), read_twice
    )


def _checked(app: App, context: Context) -> Context:
    context.check_secrets(app.build.allowed)
    context.check_size(app.build.context_limit)
    return context


def _dockerfile(path: Path) -> bytes:
    try:
        content = read_regular_file(path, limit=_LARGEST_DOCKERFILE)
        content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = "the file does not exist" if isinstance(error, FileNotFoundError) else _words(error)
        hint = "write one, or fix dockerfile in invoke.yaml"
        raise UsageError(f"the Dockerfile {path} cannot be read", reason=reason, hint=hint) from error
    return content


def _words(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _context(app: App, state: StateFolder) -> Context:
    named: list[str] = []
    with suppress(UsageError):  # reading the Dockerfile itself reports it
        named = [one.rest for one in instructions(_dockerfile(app.dockerfile).decode("utf-8"))]
    folder, *others = state.own_files
    own = [one for one in others if not any(one.name in rest for rest in named)]
    return Context.read(app.context, app.dockerfile, own=[folder, *own, *output_files()])


def extra_context(name: str, place: str, allowed: tuple[str, ...]) -> dict[str, str]:
    """Return an extra context's parts: its files, or the name of an image or a URL."""
    folder = Path(place)
    if not folder.is_absolute():
        return {f"context {name}": place}
    extra = Context.read(folder, None)
    extra.check_secrets(allowed)
    return {
        # buildx sends these files itself, with their own modes.
        f"context {name}/{path}": f"{stat.S_IMODE(status.mode):o} {entry_digest(folder / path, status)}"
        for path, status in extra.entries.items()
    }


def check_extra_inputs(app: App) -> None:
    """Raise `UsageError` for a missing extra context or build secret; the build would notice it late."""
    for name, place in app.build.contexts.items():
        if Path(place).is_absolute() and not Path(place).is_dir():
            raise UsageError(
                f"there is no folder {place} for the extra context {name}",
                reason="it is named by build_contexts in the settings, or by --build-context",
                hint=f"fix build_contexts.{name} in invoke.yaml, or --build-context {name}=FOLDER",
            )
    for name, source in app.build.secrets.items():
        kind, _, place = source.partition("=")
        if kind == "src" and not Path(place).is_file():
            raise UsageError(
                f"there is no file {place} for the build secret {name}",
                reason="it is named by build_secrets in the settings",
                hint=f"write it, or fix build_secrets.{name} in invoke.yaml",
            )
