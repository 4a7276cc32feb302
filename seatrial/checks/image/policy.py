"""What an earlier result of the image checks must match to count still."""

from __future__ import annotations

from typing import Final

from seatrial.model.app import App

__all__ = ["RULES", "policy_fingerprint"]

RULES: Final = 2
"""The version of the checks: raise it with every change to them, so that earlier results no longer count."""


def policy_fingerprint(app: App) -> str:
    """Return the policy that a stored verdict must match; empty unless `image_facts` is "fail"."""
    policy = app.facts
    if policy.mode != "fail":
        return ""
    budget = "" if policy.budget is None else f", at most {policy.budget} bytes"
    port = ("of the image" if "port" in app.unset else app.port) if app.serves else "none"
    seen_as = f"rules {RULES}, port {port}, tmpfs {', '.join(sorted(app.tmpfs)) or 'none'}"
    return f"all facts but {', '.join(sorted(policy.allowed)) or 'none'}{budget} ({seen_as})"
