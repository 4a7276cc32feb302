"""What an image is like beside what it answers: each fact by its name, and what to do where it does not hold.

The numbers are those of the CIS Docker Benchmark 1.6.0, where it asks for the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass

from seatrial.checks.image.files import Scan, User, scan
from seatrial.checks.image.secrets import secret_places
from seatrial.engine.model import Image, ImageConfig
from seatrial.engine.protocol import Emit
from seatrial.errors import SmokeFailed, StepFailed
from seatrial.events import FactResult, WarningEvent
from seatrial.model.app import REVISION_LABEL, SMOKE_LABEL, VERSION_LABEL, App
from seatrial.model.facts_policy import FactName
from seatrial.model.version import UNVERSIONED
from seatrial.pipeline.world import World
from seatrial.sources.git import last_revision
from seatrial.wording import human_size

__all__ = ["Fact", "collect_facts", "enforce_policy", "policy_fingerprint", "report_read_only_failure"]

_RULES = 2
"""Goes up with every change to what facts ask, so that nothing that was noted or found before counts any more."""
_MOST_LISTED = 5
_OCI = "org.opencontainers.image."


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One thing an image should be like: `problem` is None where it is, and `hint` what to change where it is not."""

    name: FactName
    title: str
    problem: str | None
    hint: str

    def __str__(self) -> str:
        return f"{self.name}: {self.problem or 'holds'}"

    def as_event(self, *, fails: bool) -> FactResult:
        """Return the event that tells of it; `fails` is whether the step fails where it does not hold."""
        problem = self.problem and f"{self.problem}; {self.hint}"
        return FactResult(check=f"image fact {self.name} ({self.title})", problem=problem, fails=fails)


def policy_fingerprint(app: App) -> str:
    """Return what a verdict must have been given under to count: empty where the facts decide nothing."""
    policy = app.facts
    if policy.mode != "fail":
        return ""
    budget = "" if policy.budget is None else f", at most {policy.budget} bytes"
    seen_as = f"rules {_RULES}, port {app.port}, tmpfs {', '.join(sorted(app.tmpfs)) or 'none'}"
    return f"all facts but {', '.join(sorted(policy.allowed)) or 'none'}{budget} ({seen_as})"


def report_read_only_failure(app: App, error: StepFailed, emit: Emit) -> None:
    """Tell that an image does not run read-only, where that is what its checks have failed for."""
    if app.facts.mode != "off" and error.cause == "read-only-root":
        emit(_read_only(error.reason).as_event(fails=True))


def enforce_policy(world: World, app: App, image: Image, emit: Emit) -> str:
    """Look at an image's facts as the app's policy says and give what came of it in words, empty when nothing was.

    Each fact is told. Where some do not hold, there is `SmokeFailed` with all of them under `fail`.
    """
    policy = app.facts
    if policy.mode == "off":
        return ""
    try:
        found = collect_facts(world, app, image)
    except StepFailed as error:
        if policy.mode == "fail":
            raise
        emit(WarningEvent(text=f"the image's facts could not be looked at: {error}"))
        return ""
    if not found and policy.mode == "fail":
        raise StepFailed(
            "the image's facts cannot be looked at",
            reason=f"the engine does not tell what {image.id} is like",
            hint="invoke build smoke",
        )
    facts = [fact for fact in found if fact.name not in policy.allowed]
    failing = [fact for fact in facts if fact.problem]
    for fact in facts:
        emit(fact.as_event(fails=policy.mode == "fail"))
    if failing and policy.mode == "fail":
        count, relabel = len(failing), any(fact.name == "labels" for fact in failing)
        raise SmokeFailed(
            f"{count} of {len(facts)} facts of the image {'do' if count > 1 else 'does'} not hold",
            reason="; ".join(map(str, failing)),
            hint="mend the Dockerfile as said above, or name what is accepted in image_facts_allowed; "
            f"then: {_rebuild_command(image) if relabel else 'invoke build smoke'}",
            details=tuple(f"{fact.name} ({fact.title}): {fact.problem}; {fact.hint}" for fact in failing),
            cause="image-facts",
        )
    if not facts:
        return ""
    if not failing:
        return f"{len(facts)} image facts hold"
    return (
        f"{len(facts) - len(failing)} of {len(facts)} image facts hold, not: {', '.join(one.name for one in failing)}"
    )


def collect_facts(world: World, app: App, image: Image) -> tuple[Fact, ...]:
    """Return the facts of an image that has answered its checks.

    None where the engine does not tell what the image is like. Its files are looked through once, and not at all where
    all they can tell is allowed: what was found is noted by its id.
    """
    whole = world.engine.image(image.id)  # in a list of images, an engine tells less of each
    if whole is None or whole.config is None:
        return ()
    skip_files = {"setuid", "writable"} <= {*app.facts.allowed}
    found = Scan() if skip_files else _files(world, app, whole, whole.config)
    budget = app.facts.budget
    return (
        Fact(
            name="user",
            title="CIS 4.1, a user for the container",
            problem=_user_problem(whole.config.user),
            hint="end the Dockerfile with USER 10001:10001: a number, so that a runtime can tell that it is not root",
        ),
        Fact(
            name="port",
            title="CIS 5.9, only needed ports",
            problem=_port_problem(whole.config.exposed, app.port),
            hint=f"EXPOSE {app.port} and no other in the Dockerfile, or mend port in the settings",
        ),
        Fact(
            name="healthcheck",
            title="CIS 4.6, a HEALTHCHECK instruction",
            problem=None if whole.config.healthcheck else "it has no HEALTHCHECK",
            hint="add a HEALTHCHECK to the Dockerfile, so that an engine can tell when the app no longer answers",
        ),
        Fact(
            name="secrets",
            title="CIS 4.10, no secrets in Dockerfiles",
            problem=_listed("it gives away", secret_places(whole, world.engine.history(whole.id))),
            hint="change the secret, which is known by now; give it at run time, or to the build as build_secrets",
        ),
        Fact(
            name="setuid",
            title="CIS 4.8, no setuid and setgid permissions",
            problem=_listed("setuid or setgid is set on", found.setuid, found.setuid_count),
            hint="RUN find / -xdev -type f -perm /6000 -exec chmod a-s {} + in the Dockerfile",
        ),
        Fact(
            name="writable",
            title="nothing the app's user may write",
            problem=_listed("the app may write", found.writable, found.writable_count),
            hint="leave files to root (COPY without --chown); what the app must write belongs in /tmp",
        ),
        _read_only(None),  # a trial has such a root: an app that cannot do with it has failed its checks before
        Fact(
            name="labels",
            title="labels that say what it is",
            problem=_listed("it lacks", tuple(_missing_labels(app, whole))),
            hint=f"{_rebuild_command(whole)} (it sets them, unless the Dockerfile does)",
        ),
        Fact(
            name="size",
            title="within its budget",
            problem=_size_problem(whole.size, budget),
            hint="invoke history (shows which layer is large), or raise image_budget",
        ),
    )


def _read_only(problem: str | None) -> Fact:
    return Fact(
        name="read-only",
        title="CIS 5.13, a root file system that is read-only",
        problem=problem,
        hint="let the app write below /tmp only, or name the folder as tmpfs",
    )


def _files(world: World, app: App, image: Image, config: ImageConfig) -> Scan:
    """Return what is among an image's files: as it is noted, else looked through now and noted."""
    recorded = world.state.facts(image.id)
    rules = [_RULES, *app.tmpfs]
    if recorded.get("rules") == rules:
        try:
            return Scan.from_state(recorded)
        except (KeyError, TypeError):
            pass  # damaged, so it is no note
    name = f"{app.container_name}-facts-{world.process.run}"
    # Labelled as a trial is: what a killed run leaves is found and removed with it.
    labels = {**app.labels, SMOKE_LABEL: "1", **world.process.labels}
    with closing(world.engine.files(image.id, name=name, labels=labels)) as files:
        found = scan(files, User.parse(config.user), app.tmpfs)
    world.state.save_facts(image.id, {"rules": rules, **asdict(found)})
    return found


def _user_problem(user: str) -> str | None:
    if user.partition(":")[0] in ("", "root") or User.parse(user.partition(":")[0]) == User(uid=0, gid=0):
        return "it runs as root"
    if not User.parse(user):
        return "its USER is a name, and only a number tells a runtime that it is not root"
    return (
        None
        if user.partition(":")[2]
        else "its USER names no group, so that the image's /etc/passwd chooses one, else root's"
    )


def _port_problem(exposed: tuple[str, ...], port: int) -> str | None:
    wanted = f"{port}/tcp"
    others = ", ".join(one.removesuffix("/tcp") for one in exposed if one != wanted)
    if wanted in exposed:
        return f"it exposes {others} beside {port}" if others else None
    return f"it exposes {others}, and the app's port is {port}" if others else "it exposes no port"


def _rebuild_command(image: Image) -> str:
    """Return what sets labels for certain: commit and source are no inputs of a build, so that the old one would hold."""
    version = image.labels.get(VERSION_LABEL, UNVERSIONED)
    return f"invoke build --no-cache{'' if version == UNVERSIONED else f' --version {version}'} smoke"


def _missing_labels(app: App, image: Image) -> Iterator[str]:
    revision = last_revision(app.context, app.dockerfile)
    wanted = {f"{_OCI}title": True, f"{_OCI}version": True, REVISION_LABEL: bool(revision)}
    wanted[f"{_OCI}source"] = bool(revision and revision.source)
    return (name for name, known in wanted.items() if known and not image.labels.get(name))


def _size_problem(size: int, budget: int | None) -> str | None:
    if budget is None or size <= budget:
        return None
    return f"it is {human_size(size)} ({size:,} bytes), and its budget is {human_size(budget)} ({budget:,} bytes)"


def _listed(words: str, found: tuple[str, ...], count: int | None = None) -> str | None:
    """Return a sentence about what was found, None when nothing was; `count` is how many there are in all."""
    left = (len(found) if count is None else count) - _MOST_LISTED
    return f"{words} {', '.join(found[:_MOST_LISTED])}{f' and {left} more' if left > 0 else ''}" if found else None
