"""The files of a container, read from the engine's tar of it."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from seatrial.engine.connection import Connection
from seatrial.engine.docker.container_files import read_files
from seatrial.engine.docker.engine import DockerEngine
from seatrial.engine.docker.host_files import HostFiles
from seatrial.engine.docker.program_file import head_in_host_proc
from seatrial.engine.docker.socket_engine import connect
from seatrial.engine.model import ContainerSpec, ImageFile
from seatrial.engine.protocol import Engine
from seatrial.errors import EngineUnavailable, StepFailed
from seatrial.host.signals import temporary
from seatrial.settings.variables import environment
from tests.image_specimens import GOOD, Specimens, file
from tests.servers.engine_proxy import Stall, engine_proxy
from tests.waiting import wait_until

pytestmark = pytest.mark.engine


@pytest.fixture
def engine() -> Iterator[Engine]:
    """The real engine."""
    found = DockerEngine()
    yield found
    found.close()


@pytest.fixture
def specimens(engine: Engine, project_name: str, tmp_path: Path) -> Specimens:
    """A factory of images."""
    return Specimens(engine=engine, project=project_name, folder=tmp_path)


@pytest.fixture
def container(engine: Engine, specimens: Specimens, project_name: str) -> Iterator[str]:
    """A container that never starts, of an image with a few files."""
    labels = {"seatrial.project": project_name}
    spec = ContainerSpec(name=f"{project_name}-files", image_id=specimens.make().id, labels=labels, port=8080)
    with temporary(lambda: engine.create(spec, lambda _: None), lambda: engine.remove(spec.name)):
        yield spec.name


def test_files_as_the_sdk_and_the_socket_read_them(engine: Engine, container: str) -> None:
    """Names, links, owners and special bits are read, of all or one folder, over the socket as through the SDK."""
    found = {one.path: one for one in engine.files(container)}
    over_socket = connect(environment())

    assert found["/app/" + "long" * 60] == file("/app/" + "long" * 60, 0o640, 0, 10001)
    assert (found["/app/link"].kind, found["/app/link"].target, found["/var/spool"].mode) == ("link", "check", 0o1777)
    assert {one.path: one for one in over_socket.files(container)} == found
    app = [one for path, one in sorted(found.items()) if f"{path}/".startswith("/app/")]
    for read in (engine, over_socket):
        assert sorted(read.files(container, "/app"), key=lambda one: one.path) == app
    assert over_socket.container(container) == engine.container(container) is not None
    labels = {"seatrial.project": container.removesuffix("-files")}
    assert over_socket.containers(labels) == engine.containers(labels) != []
    assert (over_socket.container("no-such"), over_socket.containers({"seatrial.project": "no/such"})) == (None, [])
    assert over_socket._connection._client is None
    for name, folder in ((f"{container}-none", ""), (container, "/none")):
        with pytest.raises(StepFailed):
            list(over_socket.files(name, folder))
    over_socket.close()


def test_the_files_of_a_running_container(
    engine: Engine, client: docker.DockerClient, project_name: str, python_image: str
) -> None:
    """This machine's kernel shows root the same files as the engine's tar, but for what is mounted over them."""
    api = client.api
    labels, mounts = {"seatrial.project": project_name}, ("/dev", "/proc", "/sys", "/etc/hosts", "/etc/resolv.conf")
    host = api.create_host_config(init=True, read_only=True, tmpfs={"/tmp": ""})  # noqa: S108  a path in a container
    made = api.create_container(python_image, ["sleep", "60"], labels=labels, host_config=host)["Id"]
    over_socket = connect(environment())
    with temporary(lambda: None, lambda: engine.remove(made)):
        engine.start(made)
        raw = api.inspect_container(made)
        cgroup = Path("/proc", str(raw["State"]["Pid"]), "cgroup")  # an engine may have process numbers of its own
        is_here = cgroup.exists() and made in cgroup.read_text()
        near = {folder: HostFiles.of(raw, folder) for folder in ("", "/etc", "/bin")}
        shown = [list(found.files(made)) for found in (over_socket, engine)]
        etc = [list(found.files(made, "/etc")) for found in (over_socket, engine)]
    over_socket.close()

    def ordinary(files: list[ImageFile]) -> list[ImageFile]:
        hidden = (*mounts, "/etc/hostname", "/sbin/docker-init", "/usr/sbin/docker-init", "/tmp")  # noqa: S108
        kept = (one for one in files if not f"{one.path}/".startswith(tuple(f"{path}/" for path in hidden)))
        return sorted(kept, key=lambda one: one.path)

    assert ordinary(shown[0]) == ordinary(shown[1]) != []
    assert ordinary(etc[0]) == ordinary(etc[1]) != []
    if is_here and os.geteuid() == 0:
        assert near[""] is not None
        assert near["/etc"] is not None
        assert near["/bin"] is None, "a link"
    for one in filter(None, near.values()):
        os.close(one.root)


@pytest.mark.parametrize("change", [{"Mounts": [{}]}, {"Id": "def"}, {"State": {"Pid": 0}}, {"State": {}}, {}])
def test_files_that_only_the_engine_can_read(tmp_path: Path, change: dict[str, object]) -> None:
    """A container with volumes, on another machine, that does not run, or whose owners are remapped."""
    process = tmp_path / "7"
    (process / "root/app").mkdir(parents=True)
    (process / "cgroup").write_text("0::/docker/abc\n")
    (process / "mountinfo").write_text("1 0 0:1 / / rw - overlay o rw\n2 1 0:2 / /a\\040b rw - tmpfs t rw\n")
    for name in ("uid_map", "gid_map"):
        (process / name).write_text("0 100000 65536\n" if not change else "0 0 4294967295\n")

    raw: dict[str, object] = {"Id": "abc", "State": {"Pid": 7}, "Mounts": [], **change}
    assert HostFiles.of(raw, "", proc=tmp_path) is None
    for name in ("uid_map", "gid_map"):
        (process / name).write_text("         0          0 4294967295\n")
    found = HostFiles.of({"Id": "abc", "State": {"Pid": 7}, "Mounts": []}, "", proc=tmp_path)
    assert (found is None) == bool(os.geteuid()), "root"
    assert found is None or (found.mounted, [one.path for one in found.read()]) == (frozenset({"/a b"}), ["/app"])


def test_the_program_that_runs_on_this_machine(tmp_path: Path) -> None:
    """A program is read where its process shows it, if that is the file, and the process one of the container's."""
    program, process = tmp_path / "program", tmp_path / "7"
    program.write_bytes(b"\x7fELF")
    (process / "task/7").mkdir(parents=True)
    (process / "task/7/children").write_text("8 9 ")
    (process / "cgroup").write_text("0::/docker/abc\n")
    for pid, name in (("7", "init"), ("9", "program")):
        (tmp_path / pid).mkdir(exist_ok=True)
        (tmp_path / pid / "exe").symlink_to(tmp_path / name)

    assert head_in_host_proc(7, "abc", str(program), proc=tmp_path) is None  # process 8 has ended
    (tmp_path / "8").mkdir()
    (tmp_path / "8/exe").symlink_to("/bin/sh")
    assert head_in_host_proc(7, "abc", str(program), proc=tmp_path) == b"\x7fELF"
    assert head_in_host_proc(7, "abc", "/script", proc=tmp_path) is None
    assert head_in_host_proc(7, "def", str(program), proc=tmp_path) is None
    assert head_in_host_proc(0, "abc", str(program), proc=tmp_path) is None


@pytest.mark.parametrize("damage", [lambda tar: tar[:700], lambda tar: b"x" + tar[1:]], ids=["cut", "changed"])
def test_a_damaged_tar(damage: Callable[[bytes], bytes]) -> None:
    """A tar that ends early, or has a header with a wrong checksum, is no list of files."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for _ in range(2):
            entry = tarfile.TarInfo("app.py")
            entry.size = 600
            tar.addfile(entry, io.BytesIO(bytes(600)))

    assert len(list(read_files(io.BytesIO(whole.getvalue()), "web"))) == 2
    with pytest.raises(StepFailed):
        list(read_files(io.BytesIO(damage(whole.getvalue())), "web"))


@pytest.mark.timeout(60)
def test_an_engine_that_falls_silent(
    engine: Engine, specimens: Specimens, project_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A silent engine ends the reading of files and programs after the timeout; no container is left."""
    image = specimens.make({**GOOD, "command": 'CMD ["/app/check"]'})
    name, labels = f"{project_name}-silent", {"seatrial.project": project_name}
    stalls = Stall(method="GET", path="/export"), Stall(method="GET", path="/archive")
    with engine_proxy(*stalls) as proxy:
        monkeypatch.setenv("DOCKER_HOST", proxy.docker_host)
        connection = Connection()
        connection.client.timeout = 1
        slow = DockerEngine(connection)
        spec = ContainerSpec(name=name, image_id=image.id, labels=labels, port=8080)
        with temporary(lambda: engine.create(spec, lambda _: None), lambda: engine.remove(name)):
            with pytest.raises(EngineUnavailable):
                list(slow.files(name))
            engine.start(name)
            wait_until(lambda: (found := engine.container(name)) is not None and found.state == "exited")
            with pytest.raises(EngineUnavailable):
                slow.inspect_container(name)
        slow.close()
