"""The playbook: Seatrial's tasks on this project's values, and this repository's own chores."""

import os
import shutil
import sys
from pathlib import Path

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

from seatrial import tasks as seatrial_tasks

ROOT = Path(__file__).parent
STORES = ("graphdriver", "containerd")
BIN = ROOT / ".venv" / "bin"
COMPILE = (
    f"{BIN}/uv pip compile --quiet --no-config --system-certs --universal --python-version 3.11"
    " --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command './inv lock'"
)


@task(
    positional=[],
    help={
        "only": "What pytest is to run instead of all: paths, -k, -m …",
        "engine": "Only this engine: usual, or a newer one with its store, graphdriver or containerd.",
    },
)
def test(c: Context, only: str = "", engine: str = "") -> None:
    """Set up what the tests need, then run linter, types, all tests, and those of the engine on a newer one, too."""
    from seatrial.steps.setup.debian import may_install  # late: listing the tasks needs none of it

    if engine not in ("", "usual", *STORES):
        raise Exit(f"--engine {engine}: it is one of usual, {', '.join(STORES)}", code=2)
    seatrial_tasks.up(c)
    missing = [program for program in ("chromium", "skopeo", "conntrack") if shutil.which(program) is None]
    if missing and may_install():
        c.run("apt-get -q update")
        c.run(f"DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends {' '.join(missing)}")
    with c.cd(ROOT):
        lint(c)
        if engine in ("", "usual"):
            c.run(f"{BIN}/python -m pytest {only}", pty=False)
        for store in STORES:
            if engine == store or not (engine or only):
                _test_on_second_engine(c, store, only, wanted=bool(engine))


def _test_on_second_engine(c: Context, store: str, only: str, *, wanted: bool) -> None:
    """Run what needs an engine on the newer one; where it cannot be had, say so, or fail when just that is `wanted`."""
    from seatrial.errors import SeatrialError
    from tests.servers import second_engine

    try:
        host = second_engine.start(store)
        second_engine.furnish(host)
    except SeatrialError as error:
        print(f"NOT TESTED on a newer engine ({store}): {error}", file=sys.stderr)
        if wanted:
            raise Exit(code=error.exit_code) from None
        return
    print(f"on the engine at {host}", flush=True)
    # What both stores have in common is seen on one of them.
    which = "engine" if wanted or store == STORES[-1] else "engine and not container"
    try:
        c.run(f"{BIN}/python -m pytest -m '{which}' {only}", env={"DOCKER_HOST": host}, pty=False)
    finally:
        second_engine.stop(store)


@task(
    positional=[],
    help={
        "release": "The Debian release whose Docker it is.",
        "store": "Its image store: graphdriver or containerd; both by default.",
        "stop": "Stop it.",
    },
)
def engine(c: Context, release: str = "sid", store: str = "", stop: bool = False) -> None:  # noqa: ARG001  Invoke's
    """Run Debian's newest Docker Engine beside the usual one, for the tests; print where it is."""
    from seatrial.errors import SeatrialError
    from tests.servers import second_engine

    if store not in ("", *STORES):
        raise Exit(f"--store {store}: it is one of {', '.join(STORES)}", code=2)
    for one in [store] if store else STORES:
        try:
            if stop:
                second_engine.stop(one)
                continue
            host = second_engine.start(one, release)
            second_engine.furnish(host)
        except SeatrialError as error:
            raise Exit(f"{error}\n  next: {error.hint}", code=error.exit_code) from None
        print(f"export DOCKER_HOST={host}  # {one}")


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


ns = Collection.from_module(seatrial_tasks)
ns.add_task(engine)
ns.add_task(test)
ns.add_task(lint)
ns.add_task(lock)
