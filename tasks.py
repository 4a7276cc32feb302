"""The tasks of this repository: Seatrial's own, with the values of invoke.yaml, and chores under dev."""

import fcntl
import os
import shlex
import shutil
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit, UnexpectedExit
from invoke.tasks import task

ROOT = Path(__file__).parent
# The tasks import these late. They are looked for here, so that no task fails halfway because one is missing.
NEEDED = ("docker", "google", "h2", "jinja2", "msgspec", "requests", "rich", "urllib3", "yaml")


def _look_for_modules() -> None:
    """Raise `ImportError` for a Python that is too old, or without one of the modules."""
    if sys.version_info < (3, 11):  # noqa: UP036  pip may have installed everything for an older one
        raise ImportError("Python 3.11 or later is needed", name="python")
    for name in NEEDED:
        if find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _cannot_load(error: ImportError) -> str:
    """Return in three lines what failed, why, and what to type."""
    import platform  # late: only this needs it

    python, lock = shlex.quote(sys.executable), shlex.quote(os.path.relpath(ROOT / "requirements.txt"))
    hint = f"{python} -m pip install -r {lock}  # or ./inv instead of invoke: it makes its own .venv"
    if error.name == "python":
        hint = "./inv instead of invoke (it finds another Python and makes its own .venv)"
    reason = f"{error} (in {sys.executable}, Python {platform.python_version()})"
    return f"seatrial: the tasks cannot be loaded\n  why:  {reason}\n  next: {hint}"


try:
    _look_for_modules()
    from seatrial import tasks as seatrial_tasks
except ImportError as cause:
    if (cause.name or "").startswith("seatrial") and str(cause) != "No module named 'seatrial'":
        raise  # a mistake in the package itself: its traceback helps more
    print(_cannot_load(cause), file=sys.stderr)
    sys.exit(3)

STORES = ("graphdriver", "containerd")
ENGINES = ("usual", *STORES, "swarm")
VENV = ROOT / ".venv"
_took: dict[str, float] = {}  # how long each stage of `test` took, in seconds
BIN = shlex.quote(str(VENV / "bin"))
# Tests wait for the engine half of the time, so that two more than there are processors keep them busy.
PARALLEL = f"-n {(os.cpu_count() or 1) + 2} --dist worksteal --durations 10"
TESTS_FAILED = 1  # pytest's exit code
LOCKS = ("requirements.txt", "requirements-dev.txt")
COMPILE = (
    f"{BIN}/uv pip compile --quiet --no-config --system-certs --universal --python-version 3.11"
    " --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command './inv dev.lock'"
)


def _equip(c: Context) -> None:
    """Install tests and tools into .venv, unless these very versions are installed."""
    if Path(sys.prefix).resolve() != VENV.resolve():
        raise Exit(
            "seatrial: this chore needs the repository's own .venv\n"
            f"  why:  it installs tests and tools, and {sys.prefix} is not its own\n"
            f"  next: ./inv instead of invoke",
            code=3,
        )
    import hashlib  # late: only chores need it

    wanted = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in LOCKS)).hexdigest()
    with (VENV / "seatrial-dev-stamp").open("a+", encoding="ascii") as stamp:
        fcntl.flock(stamp, fcntl.LOCK_EX)  # another ./inv may be installing
        stamp.seek(0)
        if stamp.read() == wanted or c.config.run.dry:
            return
        stamp.truncate(0)  # an interrupted installation is repeated
        print("seatrial: installing tests and tools from requirements-dev.txt (about a minute)", file=sys.stderr)
        elsewhere = ("PIP_PREFIX", "PIP_TARGET", "PIP_USER", "PYTHONHOME", "PYTHONPATH")
        clean = {name: value for name, value in os.environ.items() if name not in elsewhere}
        pip = f"{BIN}/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes"
        with c.cd(ROOT):
            done = c.run(f"{pip} -r {' -r '.join(LOCKS)}", env=clean, replace_env=True, warn=True, in_stream=False)
        if not done:
            raise Exit(
                "seatrial: requirements-dev.txt could not be installed\n"
                "  why:  pip's last lines are above\n"
                "  next: check the network and pip config list, then run it again",
                code=3,
            )
        stamp.write(wanted)


@task(
    positional=[],
    help={
        "only": "Arguments for pytest instead of all tests: paths, -k, -m …",
        "engine": "The engine: usual (default), the newer one with a store, graphdriver or containerd, or swarm.",
    },
)
def test(c: Context, only: str = "", engine: str = "usual") -> None:
    """Run linter, types and all tests but the slow ones; on another engine, only the tests that need it."""
    if engine not in ENGINES:
        raise Exit(f"--engine {engine}: choose one of {', '.join(ENGINES)}", code=2)
    _equip(c)
    seatrial_tasks.up(c)
    _install_programs(c, "chromium", "skopeo")
    try:
        with c.cd(ROOT):
            # Tests start hundreds of commands, and Invoke keeps none of the modules that it loads compiled.
            c.run(f"{BIN}/python -m compileall -q seatrial")
            if engine == "usual":
                lint(c)
                _pytest(c, only, "" if only else "not slow and not swarm")
            elif engine == "swarm":
                _test_on_swarm(c, only)
            else:
                _test_on_newer_engine(c, engine, only)
    finally:
        for name, seconds in _took.items():
            print(f"{seconds:7.1f} s  {name}", flush=True)


def _stage(c: Context, name: str, command: str, env: dict[str, str] | None = None) -> None:
    """Run a command after a line that says what it is, and keep how long it took, also if it fails."""
    print(f"* {name}", flush=True)
    began = time.monotonic()
    try:
        # Keep what pytest compiles, whatever the environment says: without it, finding the tests takes thrice as long.
        c.run(command, env={"PYTHONDONTWRITEBYTECODE": "", **(env or {})}, pty=False, in_stream=False)
    finally:
        _took[name] = time.monotonic() - began


def _pytest(c: Context, only: str, marked: str = "", env: dict[str, str] | None = None) -> None:
    """Run tests in parallel, then those with time limits by themselves."""
    if only:
        _stage(c, "tests", f"{BIN}/python -m pytest {PARALLEL} {only}" + f" -m '{marked}'" * bool(marked), env)
        return
    also = f"({marked}) and " if marked else ""
    try:
        _stage(c, "tests", f"{BIN}/python -m pytest {PARALLEL} -m '{also}not alone'", env)
    except UnexpectedExit as failure:
        if failure.result.exited != TESTS_FAILED:
            raise
        # The tests share one engine: what fails beside others counts only if it fails by itself, too.
        alone = f"{BIN}/python -m pytest --last-failed --last-failed-no-failures none --maxfail 1 -m '{also}not alone'"
        _stage(c, "tests that failed, one at a time", alone, env)
    if "not container" not in marked:  # those with time limits are all about containers
        _stage(c, "tests with time limits", f"{BIN}/python -m pytest --durations 10 -m '{also}alone'", env)


def _install_programs(c: Context, *programs: str) -> None:
    """Install the programs that a chore uses beside Docker, where we may."""
    from seatrial.steps.setup.debian import may_install  # late: listing the tasks needs none of it

    missing = [program for program in programs if shutil.which(program) is None]
    if missing and may_install():
        c.run("apt-get -q update")
        c.run(f"DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends {' '.join(missing)}")


def _test_on_newer_engine(c: Context, store: str, only: str) -> None:
    """Run the engine tests on the newer engine; fail if it cannot be started."""
    from seatrial.errors import SeatrialError
    from tests.servers import second_engine

    try:
        host = second_engine.start(store)
        second_engine.furnish(host)
    except SeatrialError as error:
        raise Exit(f"{error}\n  next: {error.hint}", code=error.exit_code) from None
    print(f"on the engine at {host}", flush=True)
    # Tests about running containers, and slow ones, do not depend on the store: one is enough.
    which = "engine" if only or store == STORES[-1] else "engine and not container and not slow"
    try:
        _pytest(c, only, which, {"DOCKER_HOST": host})
    finally:
        second_engine.stop(store)


def _test_on_swarm(c: Context, only: str) -> None:
    """Run the tests of deployments on a swarm of three engines; say so if they cannot be started here."""
    from seatrial.errors import SeatrialError
    from tests.servers.swarm_engine import obstacle, swarm_nodes

    if reason := obstacle():
        if os.environ.get("CI"):
            raise Exit(f"the tests on a swarm cannot run, and under CI no test may be skipped: {reason}", code=3)
        print(f"the tests on a swarm are skipped: {reason}", flush=True)
        return
    try:
        with swarm_nodes() as (manager, *_):
            inside = shlex.join(manager.inside)
            command = f"{inside} {BIN}/python -m pytest --durations 10 -m swarm {only or 'tests/swarm'}"
            _stage(c, "tests on a swarm", command, {"DOCKER_HOST": manager.host})
    except SeatrialError as error:
        raise Exit(f"{error}\n  next: {error.hint}", code=error.exit_code) from None


@task(
    positional=[],
    help={
        "release": "The Debian release to take Docker from.",
        "store": "The image store: graphdriver or containerd (default both).",
        "stop": "Stop it instead.",
    },
)
def engines(c: Context, release: str = "sid", store: str = "", stop: bool = False) -> None:  # noqa: ARG001  Invoke's
    """Start Debian's newest Docker Engine beside the usual one, for the tests; print its address."""
    from seatrial.errors import SeatrialError
    from tests.servers import second_engine

    if store not in ("", *STORES):
        raise Exit(f"--store {store}: choose one of {', '.join(STORES)}", code=2)
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
    _equip(c)
    with c.cd(ROOT):
        _stage(c, "lint", f"{BIN}/ruff check && {BIN}/ruff format --check")
        _stage(c, "types", f"{BIN}/mypy")


@task(
    positional=[],
    help={
        "only": "Rows by the beginnings of their names, between commas, instead of all: release,start-list …",
        "rounds": "How often each is measured, instead of the row's own number.",
    },
)
def bench(c: Context, only: str = "", rounds: str = "") -> None:
    """Measure Seatrial beside other tools; without --only, write docs/performance.md."""
    seatrial_tasks.up(c)
    _install_programs(c, "wrk")
    from bench import program  # late: listing the tasks needs none of it

    raise Exit(code=program.bench(only, rounds))


@task(
    positional=[],
    help={
        "only": "A part instead of all: files, layers, versions, ledger or memory.",
        "rounds": "How often each is measured (default 3).",
    },
)
def growth(c: Context, only: str = "", rounds: str = "") -> None:
    """Measure how time and memory grow; without --only, write docs/performance-growth.md."""
    seatrial_tasks.up(c)
    from bench.growth import grow  # late: listing the tasks needs none of it

    raise Exit(code=grow(only, rounds))


@task(positional=[], help={"upgrade": "Take the newest versions instead of the locked ones."})
def lock(c: Context, upgrade: bool = False) -> None:
    """Lock the requirements of the pipeline and its browser, of tests and tools, and of the app, with hashes."""
    _equip(c)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    newest = " --upgrade" if upgrade else ""
    with c.cd(ROOT):
        both = "-c requirements.txt -c requirements-dev.txt"
        for words in (
            f"--group build -o requirements.txt pyproject.toml{newest}",
            f"--group dev -c requirements.txt -o requirements-dev.txt{newest}",
            f"--extra browser {both} -o requirements-browser.txt pyproject.toml{newest}",
            "-c requirements.txt -o app/requirements.txt app/requirements.in",
        ):
            c.run(f"{COMPILE} {words}", env=clean, replace_env=True)


@task(positional=[])
def reference(c: Context) -> None:  # noqa: ARG001  Invoke's
    """Write docs/tasks.md, the reference of all tasks, from the tasks."""
    from seatrial.cli.reference import task_reference

    (ROOT / "docs/tasks.md").write_text(task_reference(seatrial_tasks.ns), "utf-8")


ns = Collection.from_module(seatrial_tasks)
ns.add_task(test)
dev = Collection("dev")  # chores of this repository: ./inv dev.lint
for chore in (bench, engines, growth, lint, lock, reference):
    dev.add_task(chore)
ns.add_collection(dev)
