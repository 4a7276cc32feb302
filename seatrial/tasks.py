"""The tasks people type: from a folder with a web app to a registry."""

from __future__ import annotations

import atexit
import gc
import sys

from invoke.collection import Collection

from seatrial.cli.build_flags import BuildFlags
from seatrial.cli.chain import Chain
from seatrial.cli.command import Command, exit_with
from seatrial.cli.flags import (
    AppFlag,
    AppsFlags,
    DeployFlags,
    DownFlags,
    ImageFlags,
    ImagesFlags,
    LoginFlags,
    OverwriteFlag,
    PortFlag,
    PruneFlags,
    PushFlags,
    RegistryFlags,
    ReleaseFlags,
    ReplicasFlag,
    ReportFlags,
    RollbackFlags,
    SmokeFlags,
    UpFlags,
)
from seatrial.cli.init import start_project
from seatrial.cli.project import check_files
from seatrial.cli.read_tasks import apps, doctor, history, images, inspect, layers, logs, manifest, report, status
from seatrial.cli.run_flags import RunFlags
from seatrial.cli.task import task
from seatrial.errors import EngineUnavailable, SeatrialError
from seatrial.output.hints import Call
from seatrial.settings.settings_file import KEY, VALUES
from seatrial.settings.variables import environment

__all__ = ["apps", "doctor", "history", "images", "inspect", "layers", "logs", "manifest", "ns", "report", "status"]


@task(
    ImagesFlags,
    BuildFlags,
    ReportFlags,
    examples=("invoke build --version 1.4.2", "invoke build --check  # says what would be built, and why"),
)
def build(cmd: Command, image: ImagesFlags, flags: BuildFlags, files: ReportFlags) -> None:
    """Build the image of a version, unless it is up to date."""
    cmd.look_ahead(image)
    steps = cmd.each_app(image, lambda one: cmd.playbook.build(one, flags), in_order=True)
    cmd.carry_out(steps, jobs=image.jobs, files=files)


@task(ImagesFlags, RunFlags, examples=("invoke run", "invoke run --port 8080 --env MODE=demo --memory 256m"))
def run(cmd: Command, image: ImagesFlags, flags: RunFlags) -> None:
    """Start the app on 127.0.0.1; a new container must pass the checks before it replaces the old one."""
    port = {"--port": flags.port}
    steps = cmd.each_app(image, lambda one: cmd.playbook.run(one, flags), serves=True, for_one=port)
    if not cmd.output.explains:  # which needs no engine
        from seatrial.steps.serve.ports import check_ports

        check_ports(steps, cmd.world)
    cmd.carry_out(steps, jobs=image.jobs, open_page=flags.open)


@task(AppsFlags, examples=("invoke stop", "invoke stop --app web"))
def stop(cmd: Command, which: AppsFlags) -> None:
    """Stop the app."""
    cmd.carry_out(cmd.each_app(which, cmd.playbook.stop), jobs=which.jobs)


@task(
    ImagesFlags,
    SmokeFlags,
    ReportFlags,
    examples=("invoke smoke --browser", "invoke smoke --url https://shop.example --version 1  # what is deployed"),
)
def smoke(cmd: Command, image: ImagesFlags, flags: SmokeFlags, files: ReportFlags) -> None:
    """Run the smoke checks in a fresh container, or against a URL; check the image itself, too."""
    from seatrial.cli.smoke_steps import smoke_steps

    steps = cmd.each_app(image, lambda one: smoke_steps(cmd.playbook, one, flags), for_one={"--url": flags.url})
    cmd.carry_out(steps, jobs=image.jobs, files=files, junit=flags.junit)


@task(
    LoginFlags,
    examples=("invoke login --user sposigor", "invoke login --user sposigor --registry registry.example:5000"),
)
def login(cmd: Command, where: LoginFlags) -> None:
    """Log in to a registry; the password is stored as docker login does."""
    host, user = cmd.playbook.registry(where), cmd.playbook.login_user(where)
    credential = cmd.credential(user, host, from_stdin=where.password_stdin)
    cmd.carry_out(cmd.playbook.login(credential, where))


@task(
    ImagesFlags,
    RegistryFlags,
    examples=("invoke tag --user sposigor", "invoke tag --user sposigor --version 1.4.2 --check"),
)
def tag(cmd: Command, image: ImagesFlags, where: RegistryFlags) -> None:
    """Tag the image for your repository in the registry, with its version and its moving tags."""
    cmd.carry_out(cmd.each_app(image, lambda one: cmd.playbook.tag(one, where)), jobs=image.jobs)


@task(
    ImagesFlags,
    RegistryFlags,
    PushFlags,
    ReportFlags,
    examples=("invoke push --user sposigor", "invoke push --user sposigor --registry localhost:5050"),
)
def push(cmd: Command, image: ImagesFlags, where: RegistryFlags, flags: PushFlags, files: ReportFlags) -> None:
    """Push an image that passed its smoke test; the registry must confirm its digest."""
    steps = cmd.each_app(image, lambda one: cmd.playbook.push(one, where, flags))
    cmd.carry_out(steps, jobs=image.jobs, lock_wait=flags.lock_wait, files=files)


@task(
    ImagesFlags,
    RegistryFlags,
    ReleaseFlags,
    BuildFlags,
    examples=(
        "invoke release --user sposigor --version 1.4.2 --report report.html",
        "invoke release --user sposigor --check  # changes nothing",
    ),
)
def release(
    cmd: Command,
    image: ImagesFlags,
    where: RegistryFlags,
    flags: ReleaseFlags,
    build_flags: BuildFlags,
) -> None:
    """Build, smoke-test, tag and push."""
    steps = cmd.each_app(
        image,
        lambda one: cmd.playbook.release(one, where, flags, build_flags),
        in_order=True,
    )
    cmd.carry_out(steps, jobs=image.jobs, lock_wait=flags.lock_wait, files=flags)


@task(
    AppFlag,
    RegistryFlags,
    RollbackFlags,
    ReportFlags,
    examples=("invoke rollback --user sposigor --to previous", "invoke rollback --user sposigor --to 1.4.1 --check"),
)
def rollback(cmd: Command, which: AppFlag, where: RegistryFlags, flags: RollbackFlags, files: ReportFlags) -> None:
    """Point the moving tags back to a published version, without a build."""
    cmd.carry_out(cmd.playbook.rollback(which, where, flags, cmd.world), lock_wait=flags.lock_wait, files=files)


@task(
    ImagesFlags,
    RegistryFlags,
    DeployFlags,
    examples=("invoke deploy --user sposigor --version 1.4.2 --replicas 2", "invoke deploy --rollback"),
)
def deploy(cmd: Command, image: ImagesFlags, where: RegistryFlags, flags: DeployFlags) -> None:
    """Run a published version as a service of Docker Swarm; if it fails, the old one goes on serving."""
    from seatrial.cli.deploy_steps import deploy_steps

    steps = cmd.each_app(
        image,
        lambda one: deploy_steps(cmd.playbook, one, where, flags),
        in_order=not flags.rollback,
        serves=True,
        for_one={"--replicas": flags.replicas},
    )
    cmd.carry_out(steps, jobs=image.jobs)


@task(AppsFlags, ReplicasFlag, examples=("invoke scale --replicas 3", "invoke scale --app web --replicas 3 --check"))
def scale(cmd: Command, which: AppsFlags, flags: ReplicasFlag) -> None:
    """Change how many containers of the deployed app serve."""
    from seatrial.cli.deploy_steps import scale_steps

    steps = cmd.each_app(
        which, lambda one: scale_steps(cmd.playbook, one, flags), for_one={"--replicas": flags.replicas}
    )
    cmd.carry_out(steps, jobs=which.jobs)


@task(AppsFlags, examples=("invoke undeploy", "invoke undeploy --check"))
def undeploy(cmd: Command, which: AppsFlags) -> None:
    """Remove the app's service from the swarm."""
    from seatrial.cli.deploy_steps import undeploy_steps

    cmd.carry_out(cmd.each_app(which, lambda one: undeploy_steps(cmd.playbook, one)), jobs=which.jobs)


@task(
    PruneFlags,
    examples=("invoke prune --check  # names each image, and what this frees", "invoke prune --keep 2"),
)
def prune(cmd: Command, flags: PruneFlags) -> None:
    """Remove this project's images that nobody needs; what is in use, the newest and the last releases stay."""
    cmd.carry_out(cmd.playbook.prune(flags))


@task(examples=("invoke init", "invoke init --check  # says what it sees, and what it would write"))
def init(cmd: Command) -> None:
    """Write settings, tasks.py, Dockerfile and .dockerignore for the app in this folder, where they are missing."""
    start_project(cmd)


@task(UpFlags, examples=("invoke up", "invoke up --swarm  # also for deploy"))
def up(cmd: Command, flags: UpFlags) -> None:
    """Install or start what is missing: a Docker engine, a base image, a local registry."""
    cmd.carry_out(cmd.playbook.up(flags))


@task(DownFlags, examples=("invoke down", "invoke down --volumes  # deletes the data, too"))
def down(cmd: Command, flags: DownFlags) -> None:
    """Stop what up and run started: the apps, the local registry, the engine."""
    try:
        cmd.world.engine.info()
        answers = True
    except EngineUnavailable:
        answers = False
    cmd.carry_out(cmd.playbook.down(flags, engine_answers=answers))


@task(ImageFlags, PortFlag, OverwriteFlag, examples=("invoke demo", "invoke demo --version 2 --port 8080"))
def demo(cmd: Command, image: ImageFlags, port: PortFlag, flags: OverwriteFlag) -> None:
    """Try everything locally, without an account: up, release into a local registry, run."""
    cmd.carry_out(cmd.playbook.demo(image, port, flags))


def _check_for_plain_invoke() -> None:
    """Check the settings files where Invoke's own program reads it next: it would hang on a pipe, and show tracebacks.

    The programs in `cli.program` read it themselves, and the import of this module reads nothing.
    """
    if "seatrial.cli.program" in sys.modules or "tasks" not in sys.modules:
        return
    try:
        check_files(sys.argv[1:])
    except SeatrialError as error:
        raise exit_with(
            Call(program=environment().command, task="seatrial"),
            error,
            check=False,
            chain=Chain() if "--json" in sys.argv else None,
        ) from error


_check_for_plain_invoke()
# Python looks for garbage once more before the process ends, which would take a tenth of a short command's time.
atexit.register(gc.freeze)
ns = Collection.from_module(sys.modules[__name__], name="seatrial", config={KEY: dict.fromkeys(VALUES)})
