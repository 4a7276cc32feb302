"""The rows of the bench by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.app import app_load, app_size, app_start
from bench.apps import apps_cold, apps_noop
from bench.build import build_noop, build_one_file
from bench.comparison import Comparison
from bench.push import push_tags
from bench.release_rows import ansible_line, ansible_noop, release_cold, release_line, release_noop
from bench.setup import Setup
from bench.start_rows import start_help, start_list, start_refusal

__all__ = ["ROWS", "chosen"]

Measure = Callable[[Setup], list[Comparison]]

ROWS: Mapping[str, Measure] = {
    "release-noop": release_noop,
    "release-line": release_line,
    "release-cold": release_cold,
    "ansible-noop": ansible_noop,
    "ansible-line": ansible_line,
    "start-list": start_list,
    "start-help": start_help,
    "start-refusal": start_refusal,
    "build-noop": build_noop,
    "build-one-file": build_one_file,
    "push-tags": push_tags,
    "apps-noop": apps_noop,
    "apps-cold": apps_cold,
    "app-size": app_size,
    "app-start": app_start,
    "app-load": app_load,
}
"""What measures each row."""


def chosen(words: str) -> dict[str, Measure]:
    """Return the rows that these words, between commas, name or begin; all for an empty text, or `ValueError`."""
    wanted = [word.strip() for word in words.split(",") if word.strip()]
    if unknown := [word for word in wanted if not any(name.startswith(word) for name in ROWS)]:
        raise ValueError(f"--only {unknown[0]}: choose from {', '.join(ROWS)}")
    return {name: row for name, row in ROWS.items() if not wanted or name.startswith(tuple(wanted))}
