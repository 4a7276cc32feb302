"""After Ctrl-C, SIGTERM or SIGKILL during a push, the registry holds nothing, or a whole image under its version."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.cli_project import failed
from tests.conftest import wait_until
from tests.faults.publish_scenario import AGAIN, NOT_SENT, PublishScenario, Row, run_rows
from tests.servers.registry_proxy import Hang, Rate, RegistryFault, RegistryProxy

pytestmark = pytest.mark.engine


@dataclass(frozen=True, kw_only=True)
class HangBehind(Hang):
    """A hang that starts once another method was requested at the same path."""

    behind: str
    seen: list[str] = field(default_factory=list)

    def fits(self, method: str, path: str) -> bool:
        """Return whether the request hangs."""
        if super().fits(self.method, path):
            self.seen.append(method)
        return self.behind in self.seen and super().fits(method, path)


SLOW = Rate(method="PATCH", bytes_per_second=30_000)
PHASES: dict[str, Callable[[], RegistryFault]] = {
    "upload": lambda: SLOW,
    "manifest": lambda: Hang(method="PUT", path="/manifests/1$"),
    "verification": lambda: HangBehind(method="GET", path="/manifests/1$", behind="PUT"),
    "moving": lambda: Hang(method="PUT", path="/manifests/latest$"),
}


def _struck(proxy: RegistryProxy, fault: RegistryFault) -> bool:
    """Return whether the fault holds the last request so far."""
    return any(one.status is None and fault.fits(one.method, one.path) for one in proxy.log[-1:])


def _interrupted(phase: str, number: signal.Signals, code: int) -> Row:
    """Return the row of a signal in a phase: it ends the command with its report, and the next run does the rest."""
    fault = PHASES[phase]()

    def check(scenario: PublishScenario, proxy: RegistryProxy) -> None:
        process = scenario.start(proxy.host)
        wait_until(lambda: _struck(proxy, fault))

        done = scenario.end(process, number)

        failed(done, code=code)
        assert done.seconds < 10
        assert done.document["exit_code"] == code
        assert done.statuses == NOT_SENT
        assert scenario.lock_is_free()
        proxy.faults = ()
        proxy.close()  # ends what the engine has begun
        out = scenario.held()
        assert list(out) == (["1"] if phase in {"verification", "moving"} else [])
        assert scenario.go(proxy.host).statuses == AGAIN
        whole = scenario.whole("1", "latest")
        assert out.get("1", whole) == whole

    return Row(check=check, fault=fault)


def _killed(scenario: PublishScenario, proxy: RegistryProxy) -> None:
    """A killed release blocks no other: the next one starts at once and finishes."""
    process = scenario.start(proxy.host)
    wait_until(lambda: bool(proxy.count("PATCH")))
    scenario.end(process, signal.SIGKILL)
    assert not scenario.lock_is_free(), "a killed process cannot clear it"
    assert scenario.held() == {}
    proxy.faults = ()
    proxy.close()

    assert scenario.go(proxy.host).statuses == AGAIN

    assert scenario.lock_is_free()
    scenario.whole("1", "latest")


def test_interrupted(scenario: PublishScenario) -> None:
    """Ctrl-C in every phase, and SIGTERM and SIGKILL in one, leave nothing half done."""
    rows = {phase: _interrupted(phase, signal.SIGINT, 130) for phase in PHASES}
    rows["terminated"] = _interrupted("upload", signal.SIGTERM, 143)
    run_rows(scenario, {**rows, "killed": Row(check=_killed, fault=SLOW)})
