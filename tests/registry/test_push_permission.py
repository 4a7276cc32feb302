"""Whether a user may push is checked before anything is pushed, as far as the registry reveals it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from seatrial.errors import PushRefused, SeatrialError
from seatrial.model.reference import DOCKER_HUB, ImageReference
from seatrial.registry.client import HttpRegistry
from seatrial.registry.credentials import Credential, CredentialStore, Secret
from seatrial.registry.errors import push_refused
from seatrial.registry.http import grants_push
from tests.servers.local_server import Asked, Reply, Served, serve

PASSWORD = "S3ntinel-5d41402abc4b2a76-é€"
BASIC = f"Basic {base64.b64encode(f'alice:{PASSWORD}'.encode()).decode()}"
CREDENTIAL = Credential(user="alice", secret=Secret(PASSWORD))
DENIED = b'{"errors": [{"code": "DENIED", "message": "requested access to the resource is denied"}]}'
PULL, PUSH = "repository:demo/app:pull", "repository:demo/app:pull,push"


@pytest.fixture
def store(tmp_path: Path) -> CredentialStore:
    """An empty credential store."""
    return CredentialStore(tmp_path / "docker")


def image(server: Served) -> ImageReference:
    """The repository that the tests push to."""
    return ImageReference.parse(f"{server.host}/demo/app")


def jwt(claims: object) -> str:
    """A token with these claims."""
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.c2ln"


def allowed(*actions: str, name: str = "demo/app", kind: str = "repository") -> str:
    """A token that allows these actions."""
    return jwt({"access": [{"type": kind, "name": name, "actions": list(actions)}]})


@pytest.mark.parametrize(
    ("token", "granted"),
    [
        (allowed("pull", "push"), True),
        (allowed("*"), True),
        (allowed("pull"), False),
        (allowed(), False),
        (allowed("push", name="demo/other"), False),
        (allowed("push", kind="registry"), False),
        (jwt({"access": None}), False),
        (jwt({"access": []}), False),
        (jwt({"access": [{"type": "repository", "name": "demo/app", "actions": None}]}), False),
        *((odd, None) for odd in ("", "opaque", "a.b.c", "a.é.c", jwt({}), jwt([]), jwt({"access": 5}))),
    ],
)
def test_what_a_token_allows(token: str, granted: bool | None) -> None:
    """A readable token says what it allows; for any other token the answer is None."""
    assert grants_push(token, "demo/app") is granted


def _guarded(
    token: Callable[[], str] = lambda: "opaque", known: Callable[[str], bool] = bool
) -> Callable[[Asked], Reply]:
    """A registry whose token service knows alice; it accepts the tokens for which `known` is true."""

    def answer(asked: Asked) -> Reply:
        given = asked.headers.get("Authorization", "")
        if asked.path.startswith("/token"):
            return (
                Reply(body=json.dumps({"token": token()}).encode())
                if given == BASIC
                else Reply(status=401, body=DENIED)
            )
        if given.startswith("Bearer ") and known(given.removeprefix("Bearer ")):
            return Reply(body=b'{"tags": ["1"]}')
        challenge = f'Bearer realm="http://{asked.headers["Host"]}/token",service="s"'
        return Reply(status=401, headers={"WWW-Authenticate": challenge})

    return answer


def _basic(asked: Asked) -> Reply:
    fits = asked.headers.get("Authorization") == BASIC
    return Reply(status=200 if fits else 401, body=DENIED, headers={"WWW-Authenticate": 'Basic realm="x"'})


@pytest.mark.parametrize(
    ("answer", "password", "cause"),
    [
        (lambda _: Reply(), None, None),
        (_basic, PASSWORD, None),
        (_basic, "wrong", "denied"),
        (_basic, None, "denied"),
        (_guarded(lambda: allowed("pull", "push")), PASSWORD, None),
        (_guarded(), PASSWORD, None),
        (_guarded(lambda: allowed("pull")), PASSWORD, "denied"),
        (_guarded(lambda: jwt({"access": None})), PASSWORD, "denied"),
        (_guarded(), "wrong", "denied"),
        (_guarded(), None, "denied"),
        (_guarded(lambda: "€"), PASSWORD, "no-registry"),
        (lambda _: Reply(status=403, body=DENIED), PASSWORD, "denied"),
        (lambda _: Reply(status=404), PASSWORD, ""),
    ],
)
def test_permission(
    store: CredentialStore, answer: Callable[[Asked], Reply], password: str | None, cause: str | None
) -> None:
    """A user who certainly may not push gets an error before anything is pushed; in doubt there is none."""
    with serve(answer) as server:
        if password:
            store.put(server.host, Credential(user="alice", secret=Secret(password)))
        registry = HttpRegistry(server.host, store)
        if cause is None:
            registry.check_push_permission(image(server))
        else:
            with pytest.raises(SeatrialError) as caught:
                registry.check_push_permission(image(server))
            assert caught.value.cause == cause
            assert server.host in str(caught.value)
            assert PASSWORD not in repr(vars(caught.value))
    assert {one.method for one in server.asked} == {"GET"}


def test_tokens_are_kept(store: CredentialStore) -> None:
    """A token is requested once per scope, and again when the registry no longer accepts it."""
    good: list[str] = []

    def token() -> str:
        good.append(f"token-{len(good)}")
        return good[-1]

    over: set[str] = set()
    with serve(_guarded(token, lambda given: given not in over)) as server:
        store.put(server.host, CREDENTIAL)
        registry = HttpRegistry(server.host, store)
        for _ in range(3):
            registry.tags(image(server))
            registry.check_push_permission(image(server))
        assert len(good) == 2
        over.update(good)
        for _ in range(3):
            assert registry.tags(image(server)) == ("1",)
    assert len(good) == 3
    asked = [parse_qs(urlsplit(one.path).query) for one in server.asked if one.path.startswith("/token")]
    assert [one["scope"] for one in asked] == [[PULL], [PUSH], [PULL]]


def test_no_password_behind_a_moved_token_service(store: CredentialStore) -> None:
    """A password is not sent to another host when the token service redirects."""
    with serve(lambda _: Reply(status=401)) as elsewhere:
        moved = Reply(status=307, headers={"Location": f"http://localhost:{elsewhere.port}/token"})
        challenge = _guarded()
        with serve(lambda asked: moved if "/token" in asked.path else challenge(asked)) as server:
            store.put(server.host, CREDENTIAL)
            with pytest.raises(PushRefused):
                HttpRegistry(server.host, store).tags(image(server))
    assert elsewhere.asked
    assert all("Authorization" not in one.headers for one in elsewhere.asked)


def test_somebody_elses_repository_on_docker_hub() -> None:
    """The error for another user's repository on Docker Hub names both users and how to push to either."""
    who = Credential(user="alice", secret=Secret(PASSWORD), origin="~/.docker/config.json")
    error = push_refused(DOCKER_HUB, who, "denied", ImageReference.parse("sposigor/app"))
    assert all(part in error.reason for part in ("alice", "~/.docker/config.json", "sposigor"))
    assert "invoke login --user sposigor" in error.hint
    assert "--user alice" in error.hint
    own = push_refused(DOCKER_HUB, who, "denied", ImageReference.parse("alice/app"))
    assert own.hint.startswith("invoke login --user alice")
    assert PASSWORD not in repr((vars(error), vars(own)))
