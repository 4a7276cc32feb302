"""A newer Docker Engine beside the usual one, with either image store, so that the tests can meet it, too.

It is Debian's, in a root of its own that mmdebstrap makes once and that stays on disk. Each store has an engine, with
its own bridge, data and socket; both may run side by side. An engine lives in a mount namespace and a PID namespace,
so that nothing of it outlives its first process, and in this machine's network namespace, so that its published ports
are there on 127.0.0.1. It leaves iptables alone (else it would take the usual engine's chains away): the rules it needs
go by its addresses.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import docker
from docker.errors import DockerException

from seatrial.errors import EngineUnavailable
from seatrial.host.subprocesses import run_command
from seatrial.steps.setup.debian import install, may_install
from seatrial.steps.setup.engine import widest_mtu
from tests.servers.second_network import connect, disconnect

__all__ = ["IMAGES", "Store", "furnish", "plug_in_buildx", "start", "stop"]

Store = str
"""Where an engine keeps its images: `graphdriver`, in its own store, or `containerd`, in containerd's."""

IMAGES = ("localhost/seatrial/python:3.13", "localhost/seatrial/registry:2.8")
"""What the tests want to find in an engine."""

_HOME = Path("/var/lib/seatrial-second-engine")
_USUAL = "unix:///var/run/docker.sock"
_PACKAGES = ("docker.io", "docker-cli", "docker-buildx", "iptables", "ca-certificates", "mount")
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# Where there is the first, the second may name a stub on this machine that no container reaches.
_NAME_SERVERS = (Path("/run/systemd/resolve/resolv.conf"), Path("/etc/resolv.conf"))
_BRIDGES: dict[Store, str] = {"graphdriver": "seatrial-graph", "containerd": "seatrial-ctrd"}
# Outside of what Docker takes addresses from by itself.
_NETWORKS: dict[Store, str] = {"graphdriver": "10.213", "containerd": "10.214"}
_START_SECONDS = 60.0
_STOP_SECONDS = 40.0
_COPY_SECONDS = 300

# The root becomes / by pivot_root: in a plain chroot / is no mount, and the engine wants to remount it.
_ENTRANCE = """
set -e
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
root=$1 folder=$2 temporary=$3
shift 3
mount --bind "$root" "$root"
cd "$root"
mkdir -p ".$folder" ".$temporary"
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs -o mode=755 tmpfs run
mount --bind "$folder" ".$folder"
mount --bind "$temporary" ".$temporary"
pivot_root . mnt
cd /
umount --lazy mnt
exec "$@"
"""


def start(store: Store, release: str = "sid") -> str:
    """Return the DOCKER_HOST of an engine that answers; `EngineUnavailable` or `StepFailed` where it cannot be had."""
    with _alone():
        root = _root(release)
        words = _words(store, release)
        if _running(store) != words:
            _end(store)
            _begin(store, root, words)
        return _socket(store)


def stop(store: Store) -> None:
    """End that store's engine; its root, images, containers and volumes stay on disk, its networks do not."""
    if _HOME.is_dir() and os.geteuid() == 0:
        with _alone():
            _end(store)


def furnish(docker_host: str) -> None:
    """Copy the images that the tests want from the usual engine, where they are missing."""
    try:
        with closing(_client(_USUAL)) as usual, closing(_client(docker_host)) as second:
            for name in IMAGES:
                if not second.images.list(name):
                    second.images.load(usual.images.get(name).save(named=name))
    except DockerException as error:
        raise EngineUnavailable(
            f"{docker_host} does not get the images of {_USUAL}", reason=str(error), hint="invoke up"
        ) from error


def plug_in_buildx(docker_config: Path, release: str = "sid") -> None:
    """Let the docker CLI that reads this configuration folder have the root's buildx among its plugins."""
    with _alone():
        binary = _root(release) / "usr/libexec/docker/cli-plugins/docker-buildx"
    plugins = docker_config / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-buildx").symlink_to(binary)


def _client(docker_host: str) -> docker.DockerClient:
    return docker.DockerClient(docker_host, timeout=_COPY_SECONDS)


@contextmanager
def _alone() -> Iterator[None]:
    """Let nobody else start or stop an engine meanwhile."""
    if not may_install():
        raise EngineUnavailable(
            "there is no second engine here",
            reason="only root on Debian or Ubuntu can make one",
            hint="run it as root, on Debian or Ubuntu",
        )
    _HOME.mkdir(parents=True, exist_ok=True)
    with (_HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _root(release: str) -> Path:
    """Make Debian's root with the engine in it, once."""
    root = _HOME / release
    if root.is_dir():
        return root
    install("mmdebstrap", "mmdebstrap", lambda _: None)
    with tempfile.TemporaryDirectory(prefix="unfinished-", dir=_HOME) as folder:
        Path(folder).chmod(0o755)  # apt downloads as a user of its own
        unfinished = Path(folder) / release
        run_command(
            [
                "mmdebstrap",
                "--quiet",
                "--variant=minbase",
                '--aptopt=Acquire::Check-Valid-Until "false"',  # a mirror may keep a release that moves no more
                f"--include={','.join(_PACKAGES)}",
                release,
                str(unfinished),
            ],
            action=f"no root file system with Debian {release}'s Docker could be made",
        )
        return unfinished.rename(root)


def _folder(store: Store) -> Path:
    return _HOME / f"engine-{store}"


def _socket(store: Store) -> str:
    return f"unix://{_folder(store)}/docker.sock"


def _words(store: Store, release: str) -> list[str]:
    mtu = widest_mtu()
    return [
        "dockerd",
        f"--host={_socket(store)}",
        "--group=root",
        f"--data-root={_folder(store)}/{release}",
        f"--config-file={_folder(store)}/daemon.json",
        f"--bridge={_BRIDGES[store]}",
        f"--default-address-pool=base={_NETWORKS[store]}.128.0/17,size=24",
        f"--mtu={mtu}",
        f"--default-network-opt=bridge=com.docker.network.driver.mtu={mtu}",
        "--iptables=false",
        "--ip6tables=false",
    ]


def _begin(store: Store, root: Path, words: list[str]) -> None:
    folder = _folder(store)
    folder.mkdir(exist_ok=True)
    features = {"containerd-snapshotter": store == "containerd"}
    (folder / "daemon.json").write_text(json.dumps({"features": features}))
    _forget_networks(store)
    shutil.copyfile(next(path for path in _NAME_SERVERS if path.exists()), root / "etc/resolv.conf")
    if _CERTIFICATES.exists():
        shutil.copyfile(_CERTIFICATES, root / _CERTIFICATES.relative_to("/"))
    log = folder / "dockerd.log"
    entrance = ["sh", "-c", _ENTRANCE, "sh", str(root), str(folder), tempfile.gettempdir()]
    daemon = None
    try:
        connect(_BRIDGES[store], _NETWORKS[store])
        with log.open("wb") as file:
            daemon = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--fork", "--kill-child", *entrance, "docker-init", "--", *words],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _wait(store, daemon, log)
    except BaseException:
        if daemon:
            daemon.kill()
            daemon.wait()
        _end(store)
        raise


def _forget_networks(store: Store) -> None:
    """Let the engine find no network it had: for its old "bridge" it would take the usual engine's docker0 away.

    Moby does so where address pools are set, whatever the bridge's name.
    """
    for networks in _folder(store).glob("*/network"):
        shutil.rmtree(networks)


def _wait(store: Store, daemon: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _answers(store):
        if daemon.poll() is not None:
            reason = f"dockerd ended with exit code {daemon.returncode}"
        elif time.monotonic() < deadline:
            time.sleep(0.1)
            continue
        else:
            reason = f"it did not answer within {_START_SECONDS:g} s"
        lines = tuple(log.read_text("utf-8", "replace").splitlines()[-10:])
        raise EngineUnavailable(
            f"the second engine ({store}) cannot be started",
            reason=f"{reason}: {lines[-1]}" if lines else reason,
            hint=f"look at {log}",
            details=lines,
        )


def _answers(store: Store) -> bool:
    try:
        with closing(docker.APIClient(_socket(store))) as client:
            return bool(client.ping())
    except DockerException:
        return False


def _end(store: Store) -> None:
    if (pid := _first_process(store)) and not (_ends(pid, signal.SIGTERM) or _ends(pid, signal.SIGKILL)):
        raise EngineUnavailable(
            f"the second engine ({store}) does not end",
            reason=f"its first process, {pid}, is still there after SIGKILL",
            hint=f"look at {_folder(store)}/dockerd.log",
        )
    disconnect(_BRIDGES[store], _NETWORKS[store])


def _ends(pid: int, how: signal.Signals) -> bool:
    """Return whether a process ends in time; this one goes last of its PID namespace."""
    deadline = time.monotonic() + _STOP_SECONDS
    with suppress(ProcessLookupError):
        os.kill(pid, how)
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
    return not Path(f"/proc/{pid}").exists()


def _first_process(store: Store) -> int | None:
    """Return the PID of the engine's first process: the one by whose end everything of it ends."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and _is_engine(_command_line(int(entry.name)), store):
            return int(entry.name)
    return None


def _is_engine(words: list[str], store: Store) -> bool:
    return words[:1] == ["docker-init"] and f"--host={_socket(store)}" in words


def _running(store: Store) -> list[str] | None:
    """Return the words that the running engine was started with, if it answers."""
    pid = _first_process(store)
    return _command_line(pid)[2:] if pid and _answers(store) else None


def _command_line(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")[:-1]
    except OSError:
        return []
