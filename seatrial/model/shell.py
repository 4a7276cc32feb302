"""A command as a person would type it in a shell: its words, what it does, and to which object."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

__all__ = ["ShellCommand", "Variable", "Word", "from_environment"]

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What a shell or a script itself has or changes, and what docker and curl take as their own settings.
_TAKEN: Final = re.compile(
    "HOME|IFS|LANG|LANGUAGE|LINENO|LOGNAME|OLDPWD|OPTARG|OPTIND|PATH|PPID|PS[124]|PWD|RANDOM|SECONDS|SHELL|TERM|USER"
    "|E?UID|(?:BUILDKIT|BUILDX|CURL|DOCKER|GREP|LC|LD|SSL)_.*|.*_(?:PROXY|proxy)"
    "|address|answer|container|digest|image|old|published|received"
)


class Variable(Struct, frozen=True):
    """A value that is known only when the command runs."""

    name: str


Word = str | tuple[str | Variable, ...]
"""One word of a command; a tuple is joined when the command runs."""


class ShellCommand(Struct, frozen=True, kw_only=True):
    """A command that does a part of what a step does.

    `object` and `effect` make a sentence: "image shop:1", "is built from ./Dockerfile". `saves` is the variable that
    gets the output, without the last line end; `pipe` are commands that read the output one after the other. The
    command is not run if `unless` succeeds. If it fails, a script ends with `otherwise` as its message, unless it
    `may_fail`. `cleanup` is run if the script ends before the same command comes. A command that is to be run `once`
    is left out where an earlier step has it. `needs` are environment variables that must be set, and what for.
    """

    argv: tuple[Word, ...]
    object: str
    effect: str
    saves: str = ""
    pipe: tuple[tuple[Word, ...], ...] = ()
    unless: tuple[Word, ...] = ()
    otherwise: str = ""
    may_fail: bool = False
    cleanup: tuple[Word, ...] = ()
    once: bool = False
    needs: tuple[tuple[str, str], ...] = ()


def from_environment(name: str, *, taken: bool = False) -> tuple[Word, str]:
    """Return the word by which docker takes a value from the environment, and the name of the variable there.

    The variable has another name if that one is `taken`, means something to the shell, the script or docker, or cannot
    be used.
    """
    if _NAME.fullmatch(name) and not taken and not _TAKEN.fullmatch(name):
        return name, name
    variable = "VALUE_OF_" + re.sub("[^A-Za-z0-9_]", "_", name)
    return (f"{name}=", Variable(variable)), variable
