"""The registry client authenticates as Docker does: only if it is asked to, and never where others can listen."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from seatrial.errors import CredentialsError, PushRefused, RegistryUnavailable, SeatrialError
from seatrial.registry.client import HttpRegistry
from seatrial.registry.credentials import Credential, CredentialStore, Secret, SecretKind
from seatrial.registry.http import grants_push
from tests.registry.stored import ALICE, DENIED, PASSWORD, Hold, encoded, image
from tests.servers.local_server import Asked, Reply, serve

BASIC = f"Basic {encoded()}"

PULL, PUSH = "repository:demo/app:pull", "repository:demo/app:pull,push"
Answer = Callable[[Asked], Reply]


def jwt(claims: object) -> str:
    """A token with these claims."""
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.c2ln"


def allowed(*actions: str, name: str = "demo/app", kind: str = "repository") -> str:
    """A token that allows these actions."""
    return jwt({"access": [{"type": kind, "name": name, "actions": list(actions)}]})


def basic(asked: Asked) -> Reply:
    """Answer alice; ask everybody else for a password."""
    if asked.headers.get("Authorization") == BASIC:
        return Reply(body=b'{"tags": ["1"]}')
    return Reply(status=401, body=DENIED, headers={"WWW-Authenticate": 'Basic realm="x"'})


def bearer(
    token: Callable[[], str] = lambda: "opaque",
    known: Callable[[str], bool] = bool,
    *,
    realm: str = "",
    field: str = "token",
    challenge: str = 'Bearer realm="{}",service="s",scope="x"',
) -> Answer:
    """A registry whose token service knows alice, or everybody; it accepts the tokens for which `known` is true."""

    def answer(asked: Asked) -> Reply:
        given = asked.headers.get("Authorization", "")
        if asked.path.startswith("/token"):
            wrong = given not in ("", BASIC)
            return Reply(status=401, body=DENIED) if wrong else Reply(body=json.dumps({field: token()}).encode())
        if given.startswith("Bearer ") and known(given.removeprefix("Bearer ")):
            return Reply(body=b'{"tags": ["1"]}')
        where = realm or f"http://{asked.headers['Host']}/token"
        return Reply(status=401, headers={"WWW-Authenticate": challenge.format(where)})

    return answer


def served_tokens(reply: Reply) -> Answer:
    """A registry whose token service always gives this answer."""
    challenge = bearer()
    return lambda asked: reply if asked.path.startswith("/token") else challenge(asked)


def test_a_password_only_on_request(store: CredentialStore) -> None:
    """A registry gets the stored password only after it asks for one."""
    with serve(basic) as server:
        registry = HttpRegistry(server.host, store)
        assert registry.save_credential(ALICE) == str(store.path)
        assert registry.tags(image(server)) == ("1",)
        registry.check_login(ALICE)
    assert ["Authorization" in one.headers for one in server.asked] == [False, True, False, True]


@pytest.mark.parametrize(("field", "user"), [("token", "alice"), ("access_token", "alice"), ("token", None)])
def test_bearer(store: CredentialStore, field: str, user: str | None) -> None:
    """The token service gets service and scope, the password if there is one, and the registry gets its token."""
    with serve(bearer(field=field)) as server:
        if user:
            store.put(server.host, ALICE)
        assert HttpRegistry(server.host, store).tags(image(server)) == ("1",)
    assert parse_qs(urlsplit(server.asked[1].path).query) == {"service": ["s"], "scope": [PULL]}
    assert server.asked[1].headers.get("Authorization") == (BASIC if user else None)


@pytest.mark.parametrize(
    "challenge",
    [
        'Basic realm="x", Bearer realm="{}",service="s"',
        'Bearer realm="{}",service="s", Basic realm="x"',
        "bearer Realm={}, service=s",
    ],
)
def test_several_challenges(store: CredentialStore, challenge: str) -> None:
    """Of several ways to log in a token is used, and the parameters of one are not taken for the other's."""
    with serve(bearer(challenge=challenge)) as server:
        assert HttpRegistry(server.host, store).tags(image(server)) == ("1",)
    assert parse_qs(urlsplit(server.asked[1].path).query)["service"] == ["s"]


@pytest.mark.parametrize("kind", [SecretKind.IDENTITY_TOKEN, SecretKind.REGISTRY_TOKEN])
def test_stored_tokens(hold: Hold, kind: SecretKind) -> None:
    """An identity token is exchanged for an access token, as Docker does; a registry token is one already."""
    with serve(
        bearer(known=lambda token: token == ("opaque" if kind is SecretKind.IDENTITY_TOKEN else "s3"))
    ) as server:
        store = hold({"auths": {server.host: {kind.value: "s3"}}})
        assert HttpRegistry(server.host, store).tags(image(server)) == ("1",)
    if kind is SecretKind.IDENTITY_TOKEN:
        assert server.asked[1].method == "POST"
        form = parse_qs(server.asked[1].body.decode())
        assert (form["refresh_token"], form["grant_type"]) == (["s3"], ["refresh_token"])
    else:
        assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        *((Reply(status=401, body=DENIED), "denied"), (Reply(body=b"{}"), "denied")),
        *((Reply(body=body), "no-registry") for body in (b"<html>", b"[]", b"[" * 9999)),
        (Reply(body=json.dumps({"token": f"{PASSWORD}\n"}).encode()), "no-registry"),
        (Reply(status=500), "no-registry"),
    ],
)
def test_no_token(store: CredentialStore, reply: Reply, cause: str) -> None:
    """A token service that gives no token, or one that no header may hold, is one of our errors without the token."""
    with serve(served_tokens(reply)) as server, pytest.raises(SeatrialError) as caught:
        HttpRegistry(server.host, store).check_login(ALICE)
    assert caught.value.cause == cause
    assert PASSWORD not in repr(vars(caught.value))


@pytest.mark.parametrize(
    "realm",
    [
        *("HTTP://tokens.invalid/token", "ftp://tokens.invalid/token", "://tokens.invalid/token"),
        *("http://127.0.0.1.evil.invalid/token", "http://localhost:1@evil.invalid/token"),
    ],
)
def test_no_password_in_the_clear(store: CredentialStore, realm: str) -> None:
    """A token service on another host without TLS gets no password and no request, also if it looks like loopback."""
    with serve(bearer(realm=realm)) as server, pytest.raises(PushRefused):
        HttpRegistry(server.host, store).check_login(ALICE)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "credential",
    [ALICE, Credential(user="<token>", secret=Secret("s3"), kind=SecretKind.IDENTITY_TOKEN)],
    ids=["", "token"],
)
@pytest.mark.parametrize("moved", ["/token", "/v2/"])
def test_no_secret_to_a_redirect(store: CredentialStore, credential: Credential, moved: str) -> None:
    """Neither a password nor a token is sent to another host when the registry or its token service redirects."""
    with serve(lambda _: Reply(status=401)) as elsewhere:
        challenge = bearer()

        def answer(asked: Asked) -> Reply:
            if asked.path.startswith(moved) and (moved == "/token" or "Authorization" in asked.headers):
                return Reply(status=307, headers={"Location": f"http://localhost:{elsewhere.port}{asked.path}"})
            return challenge(asked)

        with serve(answer) as server, pytest.raises(SeatrialError):
            HttpRegistry(server.host, store).check_login(credential)
    assert all("Authorization" not in one.headers and b"s3" not in one.body for one in elsewhere.asked)


@pytest.mark.parametrize(
    ("token", "granted"),
    [
        *((allowed("pull", "push"), True), (allowed("*"), True), (allowed("pull"), False), (allowed(), False)),
        *((allowed("push", name="demo/other"), False), (allowed("push", kind="registry"), False)),
        *((jwt({"access": None}), False), (jwt({"access": []}), False)),
        (jwt({"access": [{"type": "repository", "name": "demo/app", "actions": None}]}), False),
        *((odd, None) for odd in ("opaque", "a.b.c", "a.é.c", jwt({}), jwt([]), jwt({"access": 5}))),
    ],
)
def test_what_a_token_allows(token: str, granted: bool | None) -> None:
    """A readable token says what it allows; for any other token the answer is None."""
    assert grants_push(token, "demo/app") is granted


@pytest.mark.parametrize(
    ("answer", "password", "cause"),
    [
        *((basic, PASSWORD, None), (basic, "wrong", "denied"), (basic, None, "denied")),
        (bearer(lambda: allowed("pull", "push")), PASSWORD, None),
        *((bearer(), "wrong", "denied"), (bearer(lambda: allowed("pull")), PASSWORD, "denied")),
        (lambda _: Reply(status=403), PASSWORD, "denied"),
        (lambda _: Reply(status=404), PASSWORD, ""),
    ],
)
def test_permission(store: CredentialStore, answer: Answer, password: str | None, cause: str | None) -> None:
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
    over: set[str] = set()

    def token() -> str:
        good.append(f"token-{len(good)}")
        return good[-1]

    with serve(bearer(token, lambda given: given not in over)) as server:
        registry = HttpRegistry(server.host, store)
        for _ in range(3):
            registry.tags(image(server))
            registry.check_push_permission(image(server))
        assert len(good) == 2
        over.update(good)
        for _ in range(3):
            assert registry.tags(image(server)) == ("1",)
    asked = [parse_qs(urlsplit(one.path).query) for one in server.asked if one.path.startswith("/token")]
    assert [one["scope"] for one in asked] == [[PULL], [PUSH], [PULL]]


def test_a_missing_helper_matters_where_a_login_is_wanted(hold: Hold) -> None:
    """A registry that can be used without credentials needs no helper; the helper's error is for one that asks."""
    store = hold({"credsStore": "nobody-has"})
    with serve(lambda _: Reply(body=b'{"tags": ["1"]}')) as server:
        registry = HttpRegistry(server.host, store)
        registry.check_push_permission(image(server))
        assert registry.tags(image(server)) == ("1",)
        assert registry.credential(optional=True) is None
    with serve(basic) as server, pytest.raises(CredentialsError) as caught:
        HttpRegistry(server.host, store).tags(image(server))
    assert caught.value.cause == "credential-helper"


def test_damaged_credentials_fail_first(hold: Hold) -> None:
    """Damaged credentials fail before anything is sent, whether the registry wants a login or not."""
    with serve(lambda _: Reply()) as server, pytest.raises(CredentialsError):
        HttpRegistry(server.host, hold("{")).check_push_permission(image(server))
    assert not server.asked


def test_a_token_service_that_is_away(store: CredentialStore, free_port: int) -> None:
    """A token service that does not answer is named, and not the registry."""
    with (
        serve(bearer(realm=f"http://127.0.0.1:{free_port}/token")) as server,
        pytest.raises(RegistryUnavailable) as caught,
    ):
        HttpRegistry(server.host, store).tags(image(server))
    assert caught.value.message.startswith(f"127.0.0.1:{free_port}, where {server.host} ")
