"""Run the image checks: each has a name, a problem if it failed, and a hint on how to fix it.

The numbers are those of the CIS Docker Benchmark 1.6.0, where it has the same check.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from seatrial.checks.image.file_scan import FileScan
from seatrial.checks.image.files import User
from seatrial.checks.image.secrets import secret_places
from seatrial.engine.model import Image
from seatrial.engine.protocol import Emit
from seatrial.errors import SmokeFailed, StepFailed
from seatrial.events import FactResult, WarningEvent
from seatrial.model.app import REVISION_LABEL, VERSION_LABEL, App
from seatrial.model.facts_policy import FactName
from seatrial.model.version import UNVERSIONED
from seatrial.pipeline.world import World
from seatrial.wording import human_size, pluralize, summarize_names

__all__ = ["Fact", "collect_facts", "enforce_policy", "report_read_only_failure"]

_OCI = "org.opencontainers.image."


class Fact(Struct, frozen=True, kw_only=True):
    """The result of one image check: `problem` is None if it passed, `hint` says what to change.

    `benchmark` is its number in the CIS Docker Benchmark (`CIS 4.1`), empty if it has none.
    """

    name: FactName
    benchmark: str = ""
    problem: str | None
    hint: str

    def __str__(self) -> str:
        return f"{self.name}: {self.problem or 'passed'}"

    @property
    def title(self) -> str:
        """The name with the benchmark's number."""
        return f"{self.name} ({self.benchmark})" if self.benchmark else self.name

    @property
    def advice(self) -> str | None:
        """The problem and how to fix it, or None if the check passed."""
        return self.problem and f"{self.problem}. Fix: {self.hint}"

    def as_event(self, *, fails: bool) -> FactResult:
        """Return the event that reports the result; `fails` is whether the step fails if the check does."""
        return FactResult(check=f"image check {self.title}", problem=self.advice, fails=fails)


def report_read_only_failure(app: App, error: StepFailed, emit: Emit) -> None:
    """Emit a failed `read-only` image check if the app failed because it wrote to its read-only root."""
    if app.facts.mode != "off" and error.cause == "read-only-root":
        emit(_read_only(error.reason).as_event(fails=True))


def enforce_policy(world: World, app: App, image: Image, scan: FileScan, emit: Emit) -> str:
    """Run the image checks that the app's policy asks for, and return a summary, empty if none ran.

    Each result is emitted. If the policy is `fail`, failed checks raise `SmokeFailed`, which names all of them.
    """
    policy = app.facts
    if policy.mode == "off":
        return ""
    try:
        collected = collect_facts(world, app, scan)
    except StepFailed as error:
        if policy.mode == "fail":
            raise
        emit(WarningEvent(text=f"the image checks could not run: {error}"))
        return ""
    if not collected and policy.mode == "fail":
        raise StepFailed(
            "the image checks could not run",
            reason=f"the engine does not report the configuration of {image.id}",
            hint="invoke build smoke",
        )
    left_out = {*policy.allowed, *(() if app.serves else ("port", "healthcheck"))}
    facts = [fact for fact in collected if fact.name not in left_out]
    failing = [fact for fact in facts if fact.problem]
    for fact in facts:
        emit(fact.as_event(fails=policy.mode == "fail"))
    if failing and policy.mode == "fail":
        relabel = any(fact.name == "labels" for fact in failing)
        raise SmokeFailed(
            f"{len(failing)} of {pluralize(len(facts), 'image check')} failed",
            reason="; ".join(map(str, failing)),
            hint="fix the Dockerfile as shown above, or add the checks that may fail to image_facts_allowed; "
            f"then: {_rebuild_command(image) if relabel else 'invoke build smoke'}",
            details=tuple(f"{fact.title}: {fact.advice}" for fact in failing),
            cause="image-facts",
        )
    if not facts:
        return ""
    if not failing:
        return f"{pluralize(len(facts), 'image check')} passed"
    names = ", ".join(fact.name for fact in failing)
    return f"{len(failing)} of {pluralize(len(facts), 'image check')} failed: {names}"


def collect_facts(world: World, app: App, scan: FileScan) -> tuple[Fact, ...]:
    """Return the results of all image checks; empty if the engine does not report the image's configuration.

    The image of `scan` must have passed its smoke checks, and its files have been read.
    """
    inspected = scan.image
    if inspected.config is None:
        return ()
    found = scan.result()
    budget = app.facts.budget
    return (
        Fact(
            name="user",
            benchmark="CIS 4.1",
            problem=_user_problem(inspected.config.user),
            hint="USER 10001:10001 at the end of the Dockerfile (a number shows that the user is not root)",
        ),
        Fact(
            name="port",
            benchmark="CIS 5.9",
            problem=_port_problem(inspected.config.exposed, app.port),
            hint=f"EXPOSE {app.port} and no other port in the Dockerfile, or fix the setting port",
        ),
        Fact(
            name="healthcheck",
            benchmark="CIS 4.6",
            problem=None if inspected.config.healthcheck else "has no HEALTHCHECK",
            hint="add a HEALTHCHECK to the Dockerfile, so that the engine notices when the app no longer answers",
        ),
        Fact(
            name="secrets",
            benchmark="CIS 4.10",
            problem=_listed("contains", secret_places(inspected, scan.history)),
            hint="replace the secret, which is exposed now; pass it at run time, or to the build as build_secrets",
        ),
        Fact(
            name="setuid",
            benchmark="CIS 4.8",
            problem=_listed("sets setuid or setgid on", found.setuid, found.setuid_count),
            hint="RUN find / -xdev -type f -perm /6000 -exec chmod a-s {} + in the Dockerfile",
        ),
        Fact(
            name="writable",
            problem=_listed("lets the app's user write to", found.writable, found.writable_count),
            hint="let root own the files (COPY without --chown), and write to /tmp at run time",
        ),
        _read_only(None),  # the smoke container has a read-only root, so the app has passed this already
        Fact(
            name="labels",
            problem=_listed("lacks", tuple(_missing_labels(world, app, inspected))),
            hint=f"{_rebuild_command(inspected)} (it sets the labels that the Dockerfile does not set)",
        ),
        Fact(
            name="size",
            problem=_size_problem(inspected.size, budget),
            hint="invoke history (it shows which layer is large), or raise image_budget",
        ),
    )


def _read_only(problem: str | None) -> Fact:
    return Fact(
        name="read-only",
        benchmark="CIS 5.13",
        problem=problem,
        hint="let the app write below /tmp only, or add the folder to the setting tmpfs",
    )


def _user_problem(user: str) -> str | None:
    if user.partition(":")[0] in ("", "root") or User.parse(user.partition(":")[0]) == User(uid=0, gid=0):
        return "runs as root"
    if not User.parse(user):
        return "its USER is a name, and only a number shows that the user is not root"
    if user.partition(":")[2]:
        return None
    return "its USER has no group: the group comes from the image's /etc/passwd, or is root"


def _port_problem(exposed: tuple[str, ...], port: int) -> str | None:
    wanted = f"{port}/tcp"
    others = ", ".join(one.removesuffix("/tcp") for one in exposed if one != wanted)
    if wanted in exposed:
        return f"exposes {others} besides {port}" if others else None
    return f"exposes {others}, but the app's port is {port}" if others else "exposes no port"


def _rebuild_command(image: Image) -> str:
    """Return a command that sets the labels; without --no-cache, a build may keep the image with the old ones."""
    version = image.labels.get(VERSION_LABEL, UNVERSIONED)
    return f"invoke build --no-cache{'' if version == UNVERSIONED else f' --version {version}'} smoke"


def _missing_labels(world: World, app: App, image: Image) -> Iterator[str]:
    revision = world.revision(app)
    wanted = {f"{_OCI}title": True, f"{_OCI}version": True, REVISION_LABEL: bool(revision)}
    wanted[f"{_OCI}source"] = bool(revision and revision.source)
    return (name for name, known in wanted.items() if known and not image.labels.get(name))


def _size_problem(size: int, budget: int | None) -> str | None:
    if budget is None or size <= budget:
        return None
    return f"is {human_size(size)} ({size:,} bytes), above its budget of {human_size(budget)} ({budget:,} bytes)"


def _listed(verb: str, found: tuple[str, ...], count: int | None = None) -> str | None:
    """Return a sentence that lists the first findings of `count`, or None if there are none."""
    return f"{verb} {summarize_names(found, count=count)}" if found else None
