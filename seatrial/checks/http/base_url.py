"""Where an app answers: scheme, host, port, and the path it lives under."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from seatrial.errors import UsageError, sanitize

__all__ = ["BaseUrl", "parse_base_url"]

_PORTS = {"http": 80, "https": 443}
_KEPT = "/%?&=:@!$'()*+,;~[]"


@dataclass(frozen=True, kw_only=True)
class BaseUrl:
    """An app's address; `prefix` is the path it lives under, without a slash at its end."""

    host: str = "127.0.0.1"
    port: int
    scheme: str = "http"
    prefix: str = ""

    def __str__(self) -> str:
        return f"{self.origin}{self.prefix}"

    @property
    def origin(self) -> str:
        """Scheme, host and port as they begin a URL, the usual port left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" if self.port == _PORTS[self.scheme] else f"{self.scheme}://{host}:{self.port}"

    def url(self, path: str) -> str:
        """Return the whole URL of a path of the app's; what is a whole URL already stays as it is."""
        return f"{self}{path}" if path.startswith("/") and not path.startswith("//") else path

    def place(self, url: str) -> str | None:
        """Return path and query of a URL as a request has them, or None when it is not on this origin."""
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS.get(parts.scheme)
        except ValueError:
            return None
        if (parts.scheme, parts.hostname, port) != (self.scheme, self.host, self.port):
            return None
        return quote(f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}", safe=_KEPT)

    def resolve(self, url: str, location: str) -> str:
        """Return the whole URL that an answer to `url` leads to by its Location, as it came when it is no URL."""
        try:
            return urljoin(url, location)
        except ValueError:
            return location


def parse_base_url(text: str) -> BaseUrl:
    """Return the site a URL names; `UsageError` when it is none."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        host.encode("idna")
    except ValueError:  # UnicodeError is one, too
        raise _no_url(text, "it cannot be read as a URL") from None
    if "@" in parts.netloc:
        raise _no_url("", "it holds a user or password, which everybody on this machine could read")
    if parts.scheme not in _PORTS or not host or port == 0 or any(ord(letter) <= ord(" ") for letter in text):
        raise _no_url(text, "a URL begins with https:// or http:// and a host, and has no blanks")
    if parts.query or parts.fragment:
        raise _no_url(text, "the checks say what is asked: it has no ? and no #")
    ascii_host = host if host.isascii() else host.encode("idna").decode()
    return BaseUrl(
        scheme=parts.scheme,
        host=ascii_host,
        port=_PORTS[parts.scheme] if port is None else port,
        prefix=quote(parts.path.rstrip("/"), safe=_KEPT),
    )


def _no_url(text: str, reason: str) -> UsageError:
    what = f"--url {sanitize(repr(text), limit=100)}" if text else "what --url says"
    return UsageError(f"{what} is no address of an app", reason=reason, hint="--url https://HOST[:PORT][/PATH]")
