"""A newer Docker Engine beside the usual one, with either image store, to run the tests on it as well.

It is Debian's package, in a root file system that mmdebstrap creates once and that stays on disk. Each image store has
its own engine, with its own bridge, data and socket; both may run side by side. An engine runs in a mount namespace and
a PID namespace, so that everything ends with its first process. It shares this machine's network namespace, so that its
published ports are on 127.0.0.1. It does not manage iptables, as it would remove the usual engine's chains; its rules
are created separately, for its addresses only.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import docker

from seatrial.errors import EngineUnavailable
from seatrial.host.subprocesses import run_command
from seatrial.steps.setup.debian import install, may_install
from seatrial.steps.setup.engine import widest_mtu
from tests.servers.engine_process import end_engine, engine_command, start_engine
from tests.servers.second_network import connect, disconnect

__all__ = ["IMAGES", "Store", "furnish", "plug_in_buildx", "start", "stop"]

Store = str
"""The image store of an engine: `graphdriver`, its own, or `containerd`."""

IMAGES = ("localhost/seatrial/python:3.13", "localhost/seatrial/registry:2.8")
"""The images that the tests need in an engine."""

_HOME = Path("/var/lib/seatrial-second-engine")
_USUAL = "unix:///var/run/docker.sock"
_PACKAGES = ("docker.io", "docker-cli", "docker-buildx", "iptables", "ca-certificates", "mount")
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# If the first exists, the second may point to a local stub that containers cannot reach.
_NAME_SERVERS = (Path("/run/systemd/resolve/resolv.conf"), Path("/etc/resolv.conf"))
_BRIDGES: dict[Store, str] = {"graphdriver": "seatrial-graph", "containerd": "seatrial-ctrd"}
# Outside of Docker's default address pools.
_NETWORKS: dict[Store, str] = {"graphdriver": "10.213", "containerd": "10.214"}
_COPY_SECONDS = 300

# pivot_root instead of chroot, as the engine remounts /, which must be a mount.
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
    """Start the engine and return its DOCKER_HOST; `EngineUnavailable` or `StepFailed` if that fails."""
    with _lock():
        root = _root(release)
        command = _command(store, release)
        if engine_command(_socket(store)) != command:
            _end(store)
            _start(store, root, command)
        return _socket(store)


def stop(store: Store) -> None:
    """Stop a store's engine; root, images, containers and volumes stay on disk, its networks do not."""
    if _HOME.is_dir() and os.geteuid() == 0:
        with _lock():
            _end(store)


def furnish(docker_host: str, images: Sequence[str] = IMAGES) -> None:
    """Copy the missing images that the tests need from the usual engine."""
    usual, second = (closing(docker.DockerClient(host, timeout=_COPY_SECONDS)) for host in (_USUAL, docker_host))
    with usual as source, second as target:
        for name in images:
            if not target.images.list(name):
                target.images.load(source.images.get(name).save(named=name))


def plug_in_buildx(docker_config: Path, release: str = "sid") -> None:
    """Add the second engine's buildx to the docker CLI plugins of this configuration folder."""
    with _lock():
        binary = _root(release) / "usr/libexec/docker/cli-plugins/docker-buildx"
    plugins = docker_config / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-buildx").symlink_to(binary)


@contextmanager
def _lock() -> Iterator[None]:
    """Lock the second engines against other test runs during the block."""
    if not may_install():
        raise EngineUnavailable(
            "there is no second engine here",
            reason="only root on Debian or Ubuntu can create one",
            hint="run it as root, on Debian or Ubuntu",
        )
    _HOME.mkdir(parents=True, exist_ok=True)
    with (_HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _root(release: str) -> Path:
    """Return Debian's root file system with the engine, created on first use."""
    root = _HOME / release
    if root.is_dir():
        return root
    install("mmdebstrap", "mmdebstrap", lambda _: None)
    with tempfile.TemporaryDirectory(prefix="unfinished-", dir=_HOME) as folder:
        Path(folder).chmod(0o755)  # apt downloads as its own user
        unfinished = Path(folder) / release
        run_command(
            [
                "mmdebstrap",
                "--quiet",
                "--variant=minbase",
                '--aptopt=Acquire::Check-Valid-Until "false"',  # a mirror may hold a release that is no longer updated
                f"--include={','.join(_PACKAGES)}",
                release,
                str(unfinished),
            ],
            action=f"a root file system with Debian {release}'s Docker cannot be created",
        )
        return unfinished.rename(root)


def _folder(store: Store) -> Path:
    return _HOME / f"engine-{store}"


def _socket(store: Store) -> str:
    return f"unix://{_folder(store)}/docker.sock"


def _command(store: Store, release: str) -> list[str]:
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


def _start(store: Store, root: Path, command: list[str]) -> None:
    folder = _folder(store)
    folder.mkdir(exist_ok=True)
    features = {"containerd-snapshotter": store == "containerd"}
    (folder / "daemon.json").write_text(json.dumps({"features": features}))
    _forget_networks(store)
    shutil.copyfile(next(path for path in _NAME_SERVERS if path.exists()), root / "etc/resolv.conf")
    if _CERTIFICATES.exists():
        shutil.copyfile(_CERTIFICATES, root / _CERTIFICATES.relative_to("/"))
    entrance = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _ENTRANCE, "sh"]
    try:
        connect(_BRIDGES[store], _NETWORKS[store])
        folders = (str(root), str(folder), tempfile.gettempdir())
        start_engine(_name(store), (*entrance, *folders), command, folder / "dockerd.log")
    except BaseException:
        _end(store)
        raise


def _forget_networks(store: Store) -> None:
    """Remove the engine's stored networks: for its old "bridge" it would delete the usual engine's docker0.

    Moby does so if address pools are set, whatever the bridge's name.
    """
    for networks in _folder(store).glob("*/network"):
        shutil.rmtree(networks)


def _end(store: Store) -> None:
    end_engine(_name(store), _socket(store))
    disconnect(_BRIDGES[store], _NETWORKS[store])


def _name(store: Store) -> str:
    return f"the second engine ({store})"
