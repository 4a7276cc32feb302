"""What settings files and compose files have in common: YAML that people wrote, and the line of each value."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from seatrial.errors import Place, UsageError, sanitize

__all__ = ["broken", "line_at", "reading", "refuse_bad_keys"]

_TEXT_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")


def line_at(node: yaml.Node | None, trail: Sequence[str | int]) -> int:
    """Return the line (from 1) of what `trail` leads to from a node; 0 if it is not there."""
    line = 0
    for part in trail:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(part)]
            if not found:
                return 0
            line, node = found[-1][0].start_mark.line + 1, found[-1][1]  # what << merges comes first
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return 0
    return line


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Turn the errors of a file that is not there or not valid into `FileNotFoundError` and `UsageError`."""
    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise broken(path, mark.line + 1 if mark else 0, error.problem or "it is not valid YAML", what) from error
    except FileNotFoundError:
        raise
    except OSError as error:
        if _is_out_of_sight(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from error
        raise broken(path, 0, error.strerror or str(error), what) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise broken(path, 0, sanitize(str(error), limit=120), what) from error


def _is_out_of_sight(path: Path) -> bool:
    """Return whether nobody can tell if there is a file, such as in another user's HOME, or with /dev/null as HOME."""
    try:
        path.lstat()
    except OSError:
        return True
    return False


def refuse_bad_keys(path: Path, node: yaml.Node, what: str, identity: Callable[[str], str] = str) -> None:
    """Refuse a key that occurs twice or is not text; keys are the same if `identity` makes the same of them."""
    for mapping in _mappings(node):
        seen: dict[str, int] = {}
        for key, _ in mapping.value:
            line = key.start_mark.line + 1
            if key.tag not in _TEXT_TAGS:
                shown = f"'{key.value}'" if isinstance(key, yaml.ScalarNode) else "a list or mapping"
                raise broken(path, line, f"the key {shown} is not text; write it in quotes", what)
            if (name := identity(key.value)) in seen:
                case = "" if identity is str else " (case makes no difference)"
                raise broken(path, line, f"'{key.value}' is already on line {seen[name]}{case}", what)
            seen[name] = line


def _mappings(root: yaml.Node) -> Iterator[yaml.MappingNode]:
    """Yield the mappings in a document in their order, each once: aliases name a few lines a million times."""
    left, seen = [root], set[int]()
    while left:
        if id(node := left.pop()) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield node
            left += [value for _, value in reversed(node.value)]
        elif isinstance(node, yaml.SequenceNode):
            left += reversed(node.value)


def broken(path: Path, line: int, reason: str, what: str) -> UsageError:
    """Return the error for a file that cannot be read; `line` is 0 if it is about the whole file."""
    place = Place(path=path, line=line) if line else None
    example = " (see the example in README.md)" if what == "the settings" else ""
    return UsageError(
        f"{what} cannot be read",
        reason=f"{place or path}: {reason}",
        hint=f"fix {place or path}{example}",
        place=place,
    )
