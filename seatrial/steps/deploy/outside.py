"""Check a deployed app from outside, at each node that publishes its port."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from errno import EHOSTUNREACH, ENETUNREACH

from seatrial.checks.http.base_url import BaseUrl, parse_base_url
from seatrial.engine.protocol import Emit
from seatrial.engine.swarm import Node, Service, ServiceSpec
from seatrial.errors import SeatrialError, SmokeFailed, StepFailed, Unavailable, UsageError
from seatrial.events import Info, Waiting
from seatrial.model.app import App
from seatrial.model.version import UNVERSIONED
from seatrial.pipeline.world import World
from seatrial.steps.deploy.rollout import Rollout
from seatrial.steps.deploy.service import version_label
from seatrial.wording import pluralize

__all__ = ["addresses", "follow_and_check", "public_address", "require_reachable"]

_CONNECT_SECONDS = 3.0


def require_reachable(world: World, app: App, spec: ServiceSpec) -> None:
    """Raise `Unavailable` if the checks after a rollout cannot reach the app from here, whatever its version.

    In mode `host` one node is enough: which of them will run it is not known before.
    """
    places = _places(app, spec, [one for one in world.engine.swarm.nodes() if one.ready])
    one_is_enough, error = _is_on_some_nodes(app, spec), None
    for name, base_url in places:
        problem = _unreachable(base_url)
        error = _not_reached(app, f"{base_url} ({name})", problem) if problem else None
        if (error is None) == one_is_enough:  # nothing more can change the answer
            break
    if error:
        raise error


def follow_and_check(rollout: Rollout) -> Service:
    """Wait until a rollout has converged, check the app from outside, and return the service.

    Raise an error with the cause if either fails; then the rollout is undone.
    """
    with rollout.going_on():
        while True:
            service = rollout.follow()
            try:
                _check(rollout.world, rollout.app, service, rollout.emit, rollout.alive)
            except SeatrialError as error:
                if not rollout.has_lost_node():  # else Swarm starts its containers on another
                    raise rollout.end(rollout.cause() or error) from error
            else:
                return service


def _check(world: World, app: App, service: Service, emit: Emit, alive: Callable[[], bool]) -> None:
    """Run the app's checks at each node that publishes its port; raise `SmokeFailed` at the first that fails.

    They end early when `alive` says that a container has failed.
    """
    from seatrial.checks.http.probe import PollInterval, probe  # a run that changes nothing sends none
    from seatrial.checks.http.response import Expected
    from seatrial.diagnosis.answers import deployed_cause

    # An app in service must not get a hundred requests a second.
    slow = PollInterval(first=0.1, longest=1.0, growth=1.5, alive_interval=1.0)
    expected = Expected(version=version_label(service.spec) or UNVERSIONED)
    for name, base_url in addresses(world, app, service):
        emit(Waiting(text=f"checks at {base_url} ({name})"))
        results = probe(
            base_url,
            app.checks,
            expected=expected,
            seconds=app.smoke_timeout,
            alive=alive,
            interval=slow,
        )
        for result in results:
            emit(result.as_event)
        failed = [one for one in results if one.problem]
        if failed and (problem := _unreachable(base_url)):
            raise _not_reached(app, f"{base_url} ({name})", problem)
        if failed:
            raise SmokeFailed(
                f"{app.name} runs, but failed {len(failed)} of {pluralize(len(results), 'check')} at {base_url}",
                reason="; ".join(f"{one.check}: {one.problem}" for one in failed),
                hint="fix the app, or its checks in invoke.yaml; then: invoke build smoke",
                details=tuple(line for one in failed for line in one.timeline),
                cause=deployed_cause(failed[0].problem or ""),
            )
        emit(Info(text=f"{pluralize(len(results), 'check')} passed at {base_url} ({name})"))


def addresses(world: World, app: App, service: Service) -> Iterator[tuple[str, BaseUrl]]:
    """Yield each node that publishes the app's port, by name, with its address; or the one in the settings."""
    swarm, spec = world.engine.swarm, service.spec
    nodes = [] if app.deploy.url else [one for one in swarm.nodes() if one.ready]
    if nodes and _is_on_some_nodes(app, spec):
        serving = {one.node for one in swarm.tasks(service) if one.serves}
        nodes = [one for one in nodes if one.id in serving]
    if not app.deploy.url and not (nodes and spec.own_port):
        raise StepFailed(
            f"no node serves {app.name}",
            reason="none of the nodes that run it is ready" if spec.own_port else "its service publishes no port",
            hint=f"docker service ps {app.container_name}",
        )
    yield from _places(app, spec, nodes)


def _places(app: App, spec: ServiceSpec, nodes: Sequence[Node]) -> Iterator[tuple[str, BaseUrl]]:
    """Yield the address in the settings, or the app's at each of these nodes, with a name."""
    if app.deploy.url:
        yield "the setting url", _base_url(app)
    elif port := spec.own_port:
        for one in nodes:
            yield one.name, BaseUrl(host=one.address, port=port.published, scheme=app.checks[0].scheme)


def _is_on_some_nodes(app: App, spec: ServiceSpec) -> bool:
    """Return whether only nodes that run the app answer at its port."""
    return not app.deploy.url and spec.own_port is not None and spec.own_port.mode == "host"


def _unreachable(base_url: BaseUrl) -> str:
    """Return why no packet comes back from there; empty if one does, also one that refuses the connection."""
    try:
        socket.create_connection((base_url.host, base_url.port), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        is_far = isinstance(error, TimeoutError | socket.gaierror) or error.errno in (ENETUNREACH, EHOSTUNREACH)
        return (error.strerror or str(error)) if is_far else ""
    return ""


def _not_reached(app: App, place: str, problem: str) -> Unavailable:
    return Unavailable(
        f"{app.name} cannot be checked at {place}",
        reason=f"this machine does not reach it: {problem}",
        hint=f"set url under apps.{app.name}.deploy in invoke.yaml to where users reach the app, or open the port",
        cause="port-unreachable",
    )


def public_address(world: World, app: App, service: Service) -> str:
    """Return the URL of the app at the first of these nodes."""
    return f"{next(addresses(world, app, service))[1]}/"


def _base_url(app: App) -> BaseUrl:
    try:
        return parse_base_url(app.deploy.url or "")
    except UsageError as error:
        raise UsageError(
            f"the setting url of apps.{app.name}.deploy is not valid",
            reason=error.reason,
            hint="write a URL such as https://shop.example",
        ) from error
