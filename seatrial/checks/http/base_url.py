"""The base URL of an app: scheme, host, port and path prefix."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urljoin, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from seatrial.errors import UsageError, sanitize

__all__ = ["BaseUrl", "parse_base_url"]

_PORTS = {"http": 80, "https": 443}
_SAFE = "/%?&=:@!$'()*+,;~[]"


class BaseUrl(Struct, frozen=True, kw_only=True):
    """The base URL of an app; `prefix` is the path that all its paths start with, without a trailing slash.

    The app runs in a container here, which may have any certificate, unless it is `deployed`.
    """

    host: str = "127.0.0.1"
    port: int
    scheme: str = "http"
    prefix: str = ""
    deployed: bool = False

    def __str__(self) -> str:
        return f"{self.origin}{self.prefix}"

    @property
    def origin(self) -> str:
        """The URL's scheme, host and port; the scheme's default port is left out."""
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """Host and port as in a Host header; the scheme's default port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def named(self, headers: Mapping[str, str]) -> BaseUrl:
        """Return the same base URL under the name in a Host header; without a valid one, itself."""
        names = [value for name, value in headers.items() if name.lower() == "host"]
        try:
            parts = urlsplit(f"//{names[0] if names else self.authority}")
            return replace(self, host=parts.hostname or self.host, port=parts.port or _PORTS[self.scheme])
        except ValueError:
            return self

    def spoken(self, scheme: str) -> BaseUrl:
        """Return the base URL with a check's scheme; the one of a deployed app stays."""
        return self if self.deployed else replace(self, scheme=scheme)

    def url(self, path: str) -> str:
        """Return the full URL of one of the app's paths; a full URL is returned unchanged."""
        return f"{self}{path}" if path.startswith("/") and not path.startswith("//") else path

    def request_target(self, url: str) -> str | None:
        """Return a URL's path and query, quoted for a request, or None if the URL is on another origin."""
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS.get(parts.scheme)
        except ValueError:
            return None
        if (parts.scheme, parts.hostname, port) != (self.scheme, self.host, self.port):
            return None
        return quote(f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}", safe=_SAFE)

    def resolve(self, url: str, location: str) -> str:
        """Return the full URL of a Location header in the response to `url`; an invalid Location stays unchanged."""
        try:
            return urljoin(url, location)
        except ValueError:
            return location


def parse_base_url(text: str) -> BaseUrl:
    """Return the base URL written in `text`; `UsageError` if it is not valid."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        host.encode("idna")
    except ValueError:  # also covers UnicodeError
        raise _invalid(text, "it cannot be parsed as a URL") from None
    if "@" in parts.netloc:
        raise _invalid("", "it contains a user or a password, which every user of this machine could read")
    if parts.scheme not in _PORTS or not host or port == 0 or any(ord(letter) <= ord(" ") for letter in text):
        raise _invalid(text, "a URL starts with https:// or http:// and a host, and contains no spaces")
    if parts.query or parts.fragment:
        raise _invalid(text, "the checks add the path and the query: the URL may not contain ? or #")
    ascii_host = host if host.isascii() else host.encode("idna").decode()
    return BaseUrl(
        scheme=parts.scheme,
        host=ascii_host,
        port=_PORTS[parts.scheme] if port is None else port,
        prefix=quote(parts.path.rstrip("/"), safe=_SAFE),
        deployed=True,
    )


def _invalid(text: str, reason: str) -> UsageError:
    """Return the error for an invalid --url; an empty `text` keeps a password in it from being shown."""
    message = f"--url {sanitize(repr(text), limit=100)} is not a valid URL" if text else "the URL in --url is not valid"
    return UsageError(message, reason=reason, hint="--url https://HOST[:PORT][/PATH]")
