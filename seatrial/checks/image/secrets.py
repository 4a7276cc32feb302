"""Find secrets in an image's environment, labels and history; report their names, never their values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from seatrial.engine.model import HistoryEntry, Image

__all__ = ["secret_places", "without_secrets"]

_NAME_LENGTH = 60
_SECRET_NAME = re.compile(
    r"(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|(^|[_.-]|API|ACCESS|PRIVATE)KEY|(^|_)PASS|SECRET_KEY_BASE)S?$",
    re.IGNORECASE,
)
"""Names of variables and labels that hold a secret."""
_PUBLIC_KEY = re.compile(r"(GPG|PGP|PUBLIC|PUB)_?KEYS?$", re.IGNORECASE)
"""Public keys: every Python and PHP image names the one its sources are signed with."""
_NO_VALUE = re.compile(
    r"""["']?(\$.*|true|false|yes|no|none|null|\*+|<.*>|/[\w./-]*\.\w+|/run/secrets/.*)?["']?""", re.IGNORECASE
)
"""Values that are no secret: a variable, a switch, a placeholder, or a file's path."""
_ASSIGNED = re.compile(r"""(?:^|[\s;&|'"(])(?:--)?([A-Za-z_][\w.-]*)=("[^"]*"|'[^']*'|[^\s;&|]*)""")
_SETTING = re.compile(r"(?:ENV|LABEL|ARG) ")
_SET = re.compile(r"([A-Za-z_][\w.-]*)=(.*?)(?=\s[A-Za-z_][\w.-]*=|$)", re.DOTALL)
"""What ENV, LABEL and ARG set, as the history has it: without quotes, so that a value may contain spaces."""
_FLAG = re.compile(r"--([\w-]*(?:password|passwd|token|secret|api-key))[ =]+([^\s;&|]+)", re.IGNORECASE)
_PRIVATE_KEY = "a private key"
_SHAPES = {
    _PRIVATE_KEY: re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{22})"),
    "a GitLab token": re.compile(r"\bgl(?:pat|dt|rt|cbt|ptt|ft|agent|oas|soat)-[\w-]{20}"),
    "a Docker Hub token": re.compile(r"\bdckr_[op]at_[\w-]{20}"),
    "a Slack token": re.compile(
        r"\b(?:xox[abeoprs]|xapp)-[0-9A-Za-z-]{10}|\bhooks\.slack\.com/services/T\w+/B\w+/\w{16}"
    ),
    "a Stripe key": re.compile(r"\b(?:[rs]k_(?:live|test)|whsec)_[0-9A-Za-z]{24,}"),
    "a Google key": re.compile(r"\b(?:AIza[\w-]{35}|GOCSPX-[\w-]{28})"),
    "a JSON Web Token": re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{16,}"),
    "a PyPI token": re.compile(r"\bpypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZw)[\w-]{50,}"),
    "an npm token": re.compile(r"\bnpm_[A-Za-z0-9]{36}"),
    "a SendGrid key": re.compile(r"\bSG\.[\w-]{22}\.[\w-]{43}"),
    "an OpenAI key": re.compile(r"\bsk-[\w-]*T3BlbkFJ[\w-]{20,}"),
    "an Anthropic key": re.compile(r"\bsk-ant-[a-z]+\d\d-[\w-]{60,}"),
    "a Hugging Face token": re.compile(r"\bhf_[A-Za-z]{34}\b"),
    "a DigitalOcean token": re.compile(r"\bdo[opr]_v1_[0-9a-f]{64}"),
    "a Databricks token": re.compile(r"\bdapi[0-9a-f]{32}\b"),
    "a Shopify token": re.compile(r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    "a Square token": re.compile(r"\bsq0(?:atp|csp|idp)-[\w-]{22,}"),
    "a Telegram token": re.compile(r"\b\d{8,10}:AA[\w-]{33}\b"),
    "a Twilio key": re.compile(r"\bSK[0-9a-f]{32}\b"),
    "a Mailgun key": re.compile(r"\bkey-[0-9a-f]{32}\b"),
    "a Mailchimp key": re.compile(r"\b[0-9a-f]{32}-us\d{1,2}\b"),
    "a Vault token": re.compile(r"\bhv[sbr]\.[\w-]{24,}"),
    "a Terraform token": re.compile(r"\b\w{14}\.atlasv1\.[\w-]{60,}"),
    "a Grafana token": re.compile(r"\bglsa_\w{32}_[0-9a-f]{8}|\bglc_[A-Za-z0-9+/]{32,}"),
    "a New Relic key": re.compile(r"\bNRAK-[0-9A-Z]{27}"),
    "an Atlassian token": re.compile(r"\bAT(?:ATT|CTT|BB)3?x[\w=-]{24,}"),
    "a RubyGems key": re.compile(r"\brubygems_[0-9a-f]{48}"),
    "a Supabase token": re.compile(r"\bsbp_[0-9a-f]{40}"),
    "a Linear key": re.compile(r"\blin_(?:api|oauth)_[0-9A-Za-z]{40}"),
    "a Notion token": re.compile(r"\bntn_[0-9A-Za-z]{40,}|\bsecret_[0-9A-Za-z]{43}\b"),
    "an Artifactory key": re.compile(r"\bAKCp\d[0-9A-Za-z]{60,}"),
    "an age key": re.compile(r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}"),
    "an Azure key": re.compile(r"\bAccountKey=[A-Za-z0-9+/]{86}==|(?<![\w.~-])[\w.~]{3}\dQ~[\w.~-]{31,34}(?![\w.~-])"),
    "an Authorization header": re.compile(r"\bAuthorization: *(?:Basic|Bearer|Token) +[\w.~+/-]{8,}=*", re.IGNORECASE),
    "a URL with a password": re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/@:$]*:(?![$])[^\s/@]+@"),
}
"""Values that are secrets whatever their name, by what they look like."""


def secret_places(image: Image, history: Iterable[HistoryEntry]) -> tuple[str, ...]:
    """Return where an image's environment, labels and history contain secrets, without the secrets.

    History lines are numbered as they are shown, the newest first; a secret in several lines is reported for the
    oldest.
    """
    environment = image.config.environment if image.config else {}
    known: set[tuple[str, str]] = set()
    places = [*_among("ENV", environment, known), *_among("LABEL", image.labels, known)]
    for number, entry in reversed(list(enumerate(history, start=1))):
        command = " ".join(entry.created_by.split())
        where = f"history line {number}"
        for name, value in (*_ASSIGNED.findall(command), *_FLAG.findall(command)):
            if _is_secret(name, value) and (name, "") not in known:
                known.add((name, ""))
                places.append(f"{name[:_NAME_LENGTH]} in {where}")
        found = _find_shapes(command)
        places += [f"{shape} in {where}" for shape, text in found if (shape, text) not in known]
        known.update(found)
    return tuple(dict.fromkeys(places))


def without_secrets(text: str) -> str:
    """Return an instruction or a command with `***` in the place of what is a secret by its name or its look."""
    for pattern in (_SET if _SETTING.match(text) else _ASSIGNED, _FLAG):
        text = pattern.sub(_masked, text)
    for kind, pattern in _SHAPES.items():
        if kind == _PRIVATE_KEY and (found := pattern.search(text)):
            text = f"{text[: found.start()]}***"
        text = pattern.sub("***", text)
    return text


def _masked(found: re.Match[str]) -> str:
    return f"{found[0][: found.start(2) - found.start()]}***" if _is_secret(found[1], found[2]) else found[0]


def _among(place: str, values: Mapping[str, str], known: set[tuple[str, str]]) -> Iterator[str]:
    """Yield the places of secrets among named values, and add them to `known`: the history repeats them."""
    for name, value in values.items():
        found = _find_shapes(value)
        if _is_secret(name, value):
            known.add((name, ""))
            yield f"{place} {name[:_NAME_LENGTH]}"
        elif found:
            yield f"{found[0][0]} in {place} {name[:_NAME_LENGTH]}"
        known.update(found)


def _is_secret(name: str, value: str) -> bool:
    # Scripts use `key` as a loop variable for the names of public keys.
    named = name != "key" and _SECRET_NAME.search(name) and not _PUBLIC_KEY.search(name)
    return bool(named) and not _NO_VALUE.fullmatch(value)


def _find_shapes(text: str) -> list[tuple[str, str]]:
    """Return what looks like a secret in a text: its kind and the secret itself, which must not be shown."""
    return [(shape, found[0]) for shape, pattern in _SHAPES.items() for found in pattern.finditer(text)]
