"""Proxies: the one on the way to the engine, and those that Docker's config.json gives to builds and containers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seatrial.engine.endpoint import Endpoint, is_loopback

__all__ = ["proxies_inside", "proxy_to_engine"]

_VARIABLES = {
    "HTTP_PROXY": "httpProxy",
    "HTTPS_PROXY": "httpsProxy",
    "NO_PROXY": "noProxy",
    "FTP_PROXY": "ftpProxy",
    "ALL_PROXY": "allProxy",
}


def proxies_inside(config: Mapping[str, Any], url: str) -> dict[str, str]:
    """Return the variables for builds and containers of the engine at `url`, as the docker CLI sets them.

    `config` is the content of config.json. Each variable has both spellings.
    """
    known = config.get("proxies")
    chosen = (known.get(url) or known.get("default")) if isinstance(known, dict) else None
    if not isinstance(chosen, dict):
        return {}
    found = {name: str(chosen[key]) for name, key in _VARIABLES.items() if chosen.get(key)}
    return {**found, **{name.lower(): value for name, value in found.items()}}


def proxy_to_engine(endpoint: Endpoint, proxies: Mapping[str, str]) -> dict[str, str]:
    """Return the proxy to an engine by its scheme, by Go's rules: none for a socket, ssh or a loopback address."""
    from requests.utils import should_bypass_proxies

    scheme = "https" if endpoint.tls else "http"
    proxy, host = proxies.get(scheme), endpoint.host
    if not proxy or not host or not endpoint.url.startswith("tcp://") or is_loopback(host):
        return {}
    if should_bypass_proxies(endpoint.url.replace("tcp", scheme, 1), no_proxy=proxies.get("no") or None):
        return {}
    return {scheme: proxy}
