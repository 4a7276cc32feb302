"""The playbook: Lading's tasks on this project's values, and this repository's own chores."""

import os
import shutil
from pathlib import Path

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

from lading import tasks as road

ROOT = Path(__file__).parent
BIN = ROOT / ".venv" / "bin"
COMPILE = (
    f"{BIN}/uv pip compile --quiet --no-config --system-certs --universal --python-version 3.11"
    " --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command './inv lock'"
)


@task(positional=[], help={"only": "What pytest is to run instead of all: paths, -k, -m …"})
def test(c: Context, only: str = "") -> None:
    """Set up what the tests need, then run linter, types and all tests."""
    from lading.surroundings import may_install  # late: listing the tasks needs none of it

    road.up(c)
    if shutil.which("chromium") is None and may_install():
        c.run("apt-get -q update")
        c.run("DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends chromium")
    with c.cd(ROOT):
        lint(c)
        c.run(f"{BIN}/python -m pytest {only}", pty=False)


@task(positional=[])
def lint(c: Context) -> None:
    """Check style and types: ruff and mypy."""
    with c.cd(ROOT):
        c.run(f"{BIN}/ruff check && {BIN}/ruff format --check && {BIN}/mypy")


@task(positional=[], help={"upgrade": "Take the newest versions instead of those that are locked."})
def lock(c: Context, upgrade: bool = False) -> None:
    """Lock the requirements with hashes: the tests', the pipeline image's, the app's."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    newest = " --upgrade" if upgrade else ""
    with c.cd(ROOT):
        for words in (
            f"--extra build --extra test -o requirements.txt pyproject.toml{newest}",
            "--extra build -c requirements.txt -o requirements-run.txt pyproject.toml",
            "-c requirements.txt -o app/requirements.txt app/requirements.in",
        ):
            c.run(f"{COMPILE} {words}", env=clean, replace_env=True)


ns = Collection.from_module(road)
ns.add_task(test)
ns.add_task(lint)
ns.add_task(lock)
