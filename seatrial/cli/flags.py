"""All flags: the name, default, help, short letter and repeatability of each, in groups that tasks share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self

from seatrial.errors import UsageError
from seatrial.output.detail import Detail

__all__ = [
    "AppFlag",
    "AppsFlags",
    "BrowserFlag",
    "CheckFlag",
    "DeployFlags",
    "DownFlags",
    "ExplainFlags",
    "FileFlag",
    "Flag",
    "Flags",
    "ImageFlags",
    "ImagesFlags",
    "JobsFlag",
    "JsonFlag",
    "LayersFlags",
    "LockFlag",
    "LogFlags",
    "LoginFlags",
    "NamedImageFlags",
    "OutputFlags",
    "OverwriteFlag",
    "PortFlag",
    "PruneFlags",
    "PushFlags",
    "QuietFlag",
    "RegistryFlags",
    "ReleaseFlags",
    "ReplicasFlag",
    "ReportFlags",
    "RollbackFlags",
    "SmokeFlags",
    "UntestedFlag",
    "UpFlags",
    "flag",
]


class Flag(NamedTuple):
    """A flag of a group: its default, help and short letter, and whether it may be given several times."""

    default: Any
    help: str
    short: str
    repeatable: bool


def flag(text: str, *, default: Any = None, short: str = "", repeatable: bool = False) -> Any:  # noqa: ANN401  its value
    """Return a flag for a group; `text` is the flag's help."""
    return Flag(default=default, help=text, short=short, repeatable=repeatable)


class Flags:
    """A group of flags, each an attribute of its name: what was typed, or else the default.

    Groups are plain classes, because every command loads all of them, and dataclasses take ten times as long to make.
    """

    flags: ClassVar[Mapping[str, Flag]] = {}

    def __init_subclass__(cls) -> None:
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Flag)}
        inherited = [getattr(base, "flags", {}) for base in reversed(cls.__mro__[1:])]
        cls.flags = {name: one for flags in (*inherited, own) for name, one in flags.items()}
        for name, one in own.items():
            setattr(cls, name, one.default)

    def __init__(self, **typed: Any) -> None:  # noqa: ANN401  each flag's own
        if unknown := typed.keys() - self.flags.keys():
            raise TypeError(f"{type(self).__name__} has no flag {min(unknown)}")
        vars(self).update(typed)

    def but(self, **typed: Any) -> Self:  # noqa: ANN401  as above
        """Return the same flags with other values for these."""
        return type(self)(**{**vars(self), **typed})


class CheckFlag(Flags):
    """Check mode."""

    check: bool = flag("Change nothing; say what would change.", default=False, short="n")


class QuietFlag(Flags):
    """Whether less is printed."""

    quiet: bool = flag("Print less: failures and the recap; of a list, only ids or names.", default=False, short="q")


class OutputFlags(QuietFlag):
    """How much is printed."""

    verbose: bool = flag("Print more: all that a build says, as it comes.", default=False)
    diff: bool = flag("Print what changes, before and after; also with --check.", default=False)

    @property
    def detail(self) -> Detail:
        """How much the console shows; `UsageError` for less and more at once."""
        if self.quiet and self.verbose:
            raise UsageError(
                "--quiet and --verbose exclude each other", reason="one prints less, the other more", hint="--verbose"
            )
        return Detail.QUIET if self.quiet else Detail.VERBOSE if self.verbose else Detail.USUAL


class ExplainFlags(OutputFlags):
    """Whether a task is explained instead of carried out."""

    explain: bool = flag("Do nothing; print the docker commands that the task stands for.", default=False)
    script: bool = flag("Do nothing; print these commands as a shell script that runs.", default=False)

    @property
    def explains(self) -> bool:
        """Whether nothing is to be done."""
        return self.explain or self.script


class JsonFlag(Flags):
    """Output for programs."""

    json: bool = flag(
        "Print one JSON document on standard output, and everything else on standard error.", default=False
    )


class AppFlag(Flags):
    """Which apps."""

    app: Sequence[str] | None = flag(
        "An app's name in the settings (default: all; some tasks take one); may be repeated.",
        repeatable=True,
    )


class JobsFlag(Flags):
    """How many apps at once."""

    jobs: str = flag("How many apps are worked on at once (default 6).", default="6")


class ImageFlags(AppFlag):
    """Which image of which app."""

    version: str | None = flag("The version; it becomes the image's tag.", short="v")


class AppsFlags(AppFlag, JobsFlag):
    """Which apps, and how many at once."""


class ImagesFlags(ImageFlags, JobsFlag):
    """Which images of which apps, and how many apps at once."""


class NamedImageFlags(ImageFlags):
    """Which image, also by its name or id."""

    image: str | None = flag("An image by name or id (default: the one built last).")


class RegistryFlags(Flags):
    """Where an image is published."""

    user: str | None = flag("Your user name in the registry; the image becomes NAME/repository.", short="u")
    registry: str | None = flag("The registry, HOST or HOST:PORT (default Docker Hub).")


class LoginFlags(RegistryFlags):
    """Who logs in where."""

    password_stdin: bool = flag("Read the password from standard input.", default=False)


class LockFlag(Flags):
    """How long to wait for another release."""

    lock_wait: str = flag("Seconds to wait for another release of this repository (default 0).", default="0")


class OverwriteFlag(Flags):
    """Whether a published version may be replaced."""

    overwrite: bool = flag("Replace other content that is published under this version.", default=False)


class UntestedFlag(Flags):
    """Whether an image counts that was not tested."""

    untested: bool = flag(
        "Push or deploy although the image has not passed its smoke test; the ledger records it.", default=False
    )


class PushFlags(OverwriteFlag, LockFlag, UntestedFlag):
    """What a push may do only on request."""

    backwards: bool = flag(
        "Move tags like latest back to this version although a newer one is published.", default=False
    )


class BrowserFlag(Flags):
    """Whether a browser opens the page, too."""

    browser: bool = flag(
        "Also open the page in headless Chromium: fail on console errors, keep a screenshot.", default=False
    )


class ReportFlags(Flags):
    """What a command writes about itself."""

    report: str | None = flag("Write a page about this run to this file, as HTML; also if it fails.")
    dotenv: str | None = flag("Write version, image, digest and references to this file, as SEATRIAL_NAME=VALUE lines.")


class ReleaseFlags(PushFlags, BrowserFlag, ReportFlags):
    """What a release does beyond its steps, and only on request."""


class RollbackFlags(LockFlag):
    """Where to roll back to."""

    to: str | None = flag("The version the moving tags point back to; previous: the release before the live one.")


class ReplicasFlag(Flags):
    """How many containers serve."""

    replicas: str | None = flag("How many containers of the app serve (default: as many as now, at first 1).")


class DeployFlags(ReplicasFlag, UntestedFlag):
    """What is deployed, and what only on request."""

    rollback: bool = flag("Go back to what the service ran before its last update.", default=False)


class UpFlags(Flags):
    """What `up` sets up only on request."""

    swarm: bool = flag("Also make a swarm with this engine as its only node, for deploy.", default=False)
    advertise: str | None = flag("The address at which other nodes reach the swarm (default: the only one).")


class SmokeFlags(BrowserFlag):
    """What a smoke test looks at, and what it writes."""

    url: str | None = flag("Check the app that is deployed at this URL, not an image; no verdict is kept.")
    junit: str | None = flag("Write checks, image checks and the browser's visit to this file as JUnit XML.")


class FileFlag(Flags):
    """Where the result is written."""

    output: str | None = flag("The file to write: .html, or a picture of layers also as .svg.")


class PortFlag(Flags):
    """Where the app is served."""

    port: str | None = flag("The port on 127.0.0.1.")


class DownFlags(Flags):
    """What `down` removes."""

    volumes: bool = flag("Also delete the apps' volumes and the local registry's data.", default=False)


class PruneFlags(AppFlag):
    """Whose images are removed, and how many stay."""

    keep: str | None = flag("How many versions and releases stay (default: the setting keep, which is 5).")


class LayersFlags(FileFlag):
    """What layers are compared with, and where the picture is written."""

    against: str | None = flag("The version to compare with (default: the one built before).")
    all: bool = flag("Show what all images of the engine save by sharing layers.", default=False)


class LogFlags(Flags):
    """Which lines of a log."""

    tail: str = flag("How many lines to show, from the end.", default="100")
    follow: bool = flag("Keep showing new lines until Ctrl-C.", default=False, short="f")
