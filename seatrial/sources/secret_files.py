"""What must not get into an image: files with keys or passwords, a repository's history, arguments with secrets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

__all__ = ["has_secret_name", "is_secret_file", "may_be_secret"]

# Few files are compared with these, so they are compiled when the first one is.
_NAMES: Final = r"""
    \.git | \.hg | \.svn | \.env | \.envrc | \.env\.(?!(?:example|sample|template|dist|defaults|schema)$).+
    | id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)? | .+\.(?:p12|pfx|jks|keystore|kdbx|ppk)
    | .+\.tfstate(?:\.backup)? | \.dockercfg
    | \.netrc | \.pgpass | \.pypirc | \.htpasswd | \.git-credentials | \.vault[-_]pass(?:word)?
    """
_PLACES: Final = (
    r"(?:.*/)?(?:\.aws/credentials|\.docker/config\.json|\.kube/config|\.cargo/credentials(?:\.toml)?|\.gem/credentials"
    r"|config/master\.key|config/credentials/[^/]+\.key)"  # Rails' keys have no marker
)
# These can be harmless; the beginning of their content decides.
_MAYBE: Final = (
    r".+\.(?:pem|key)|\.npmrc|\.yarnrc\.yml|pip\.conf|.*(?:account|credential|firebase|gcp|google|key|secret).*\.json"
)
# All of the above begin or end so, and most other names do not: a regular expression takes ten times as long.
_BEGINNINGS: Final = (".", "id_")
_ENDINGS: Final = (
    *(".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk", ".tfstate", ".tfstate.backup", ".pem", ".key", ".json"),
    *("credentials", "credentials.toml", "/config", "pip.conf"),
)
_MARKERS: Final = (b"PRIVATE KEY-----", b"_authToken", b"_password", b"npmAuthToken:")
_PASSWORD_IN_URL: Final = re.compile(rb"://[^\s/:@$]+:[^\s/@$]+@")
_HEAD: Final = 64 * 1024


# As BuildKit's own check SecretsUsedInArgOrEnv.
_SECRET_NAME: Final = re.compile(
    r"(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)s?(?:_|$)", re.IGNORECASE
)


def has_secret_name(argument: str) -> bool:
    """Return whether the name of a build argument says that its value is a secret."""
    return _SECRET_NAME.search(argument) is not None and "public" not in argument.lower()


def may_be_secret(path: str) -> bool:
    """Return whether the file or folder at a path in a context has to be looked at by `is_secret_file`."""
    return path.endswith(_ENDINGS) or path.rpartition("/")[2].startswith(_BEGINNINGS)


def is_secret_file(folder: Path, path: str) -> bool:
    """Return whether the file or folder at `path` (relative to `folder`, with /) is a secret, by its name.

    `*.pem`, `*.key`, `.npmrc` and the like are opened: they are secret if they contain a private key or a password.
    """
    name = path.rpartition("/")[2]
    if re.fullmatch(_NAMES, name, re.VERBOSE) or re.fullmatch(_PLACES, path):
        return True
    if not re.fullmatch(_MAYBE, name):
        return False
    try:
        with (folder / path).open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False  # a folder, or an unreadable file: reading it for the build reports the error
    return any(marker in head for marker in _MARKERS) or (name == "pip.conf" and bool(_PASSWORD_IN_URL.search(head)))
