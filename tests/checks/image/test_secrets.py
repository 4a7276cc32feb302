"""What counts as a secret in an image, and what does not."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pytest

from seatrial.checks.image.secrets import secret_places, without_secrets
from seatrial.engine.model import HistoryEntry, Image, ImageConfig

_KEY = "-----BEGIN " + "RSA PRIVATE KEY-----"
_TOKEN = "ghp_" + "a1B2" * 9
_OTHER = "ghp_" + "c3D4" * 9
_AWS = "AKIA" + "ABCD1234" * 2


def places(
    *history: str, labels: Mapping[str, str] = MappingProxyType({}), env: Mapping[str, str] = MappingProxyType({})
) -> tuple[str, ...]:
    """Return the places of secrets in an image with this history (the oldest line first), labels and environment."""
    entries = [
        HistoryEntry(id="", created=0, created_by=line, size=0, comment="", tags=()) for line in reversed(history)
    ]
    image = Image(id="sha256:1", labels=labels, config=ImageConfig(environment=env))
    return secret_places(image, entries)


@pytest.mark.parametrize(
    "name",
    [
        *("API_TOKEN", "PGPASSWORD", "DB_PASS", "CLIENT_SECRET", "SECRET_KEY_BASE", "KEY", "APIKEY", "api-key"),
        *("AWS_SECRET_ACCESS_KEY", "db.password", "REGISTRY_CREDENTIALS", "Tokens"),
    ],
)
def test_names_of_secrets(name: str) -> None:
    """A value with such a name is a secret in every place; the value is not shown."""
    assert places(env={name: "bound4rio"}) == (f"ENV {name}",)
    assert places(labels={name: "bound4rio"}) == (f"LABEL {name}",)
    assert places("RUN true", f"ARG {name}=bound4rio") == (f"{name} in history line 1",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GPG_KEY", "7169605F62C751356D054A26A821E680E5FA6305"),  # in every Python image
        ("GPG_KEYS", "AFD8691FDAEDF03BDF6E460563F15A9B715376CA"),
        ("SSH_PUBLIC_KEY", "ssh-ed25519 AAAA"),
        ("PASSWORD_MIN_LENGTH", "12"),
        ("TOKEN_TTL", "60"),
        ("MONKEY", "see"),
        ("PASSWORD", ""),
        ("PASSWORD", "$GIVEN"),
        ("PASSWORD", "${GIVEN:-}"),
        ("PASSWORD", "<yours>"),
        ("DB_PASSWORD_FILE", "/run/secrets/db"),
        ("DB_PASSWORD", "/run/secrets/db"),
        ("TLS_KEY", "/etc/ssl/private/web.key"),
        ("USE_TOKEN", "true"),
        ("HOMEPAGE", "https://code.test/web.git"),
        ("PROXY", "http://user:$PASS@proxy.test"),
        ("HEADER", "Authorization: Bearer $GIVEN"),
        ("HEADER", "Authorization: Bearer <yours>"),
        ("NAMES", "sk-learn npm_config_cache SG.one eyJ.eyJ.x pypi-server AIza whsec_1 AccountKey=none"),
    ],
)
def test_what_is_no_secret(name: str, value: str) -> None:
    """Public keys, variables, switches, file paths and empty values are not secrets."""
    assert places(f"ENV {name}={value}", env={name: value}) == ()


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (_KEY, "a private key"),
        (_AWS, "an AWS access key"),
        (_TOKEN, "a GitHub token"),
        ("sk_live_" + "4eC39HqL" * 3, "a Stripe key"),
        ("AIza" + "SyD4x_-" * 5, "a Google key"),
        ("GOCSPX-" + "aB3_" * 7, "a Google key"),
        ("eyJ" + "hbGciOiJIUzI" + ".eyJ" + "zdWIiOiIxMjM" + ".SflKxwRJSMeKKF2QT4", "a JSON Web Token"),
        ("pypi-" + "AgEIcHlwaS5vcmc" + "aB3_-" * 12, "a PyPI token"),
        ("npm_" + "a1B2" * 9, "an npm token"),
        (".".join(("SG", "aB" * 11, "c" * 43)), "a SendGrid key"),
        ("sk-proj-" + "aB3_" * 6 + "T3BlbkFJ" + "cD4-" * 6, "an OpenAI key"),
        ("DefaultEndpointsProtocol=https;AccountKey=" + "a" * 86 + "==", "an Azure key"),
        ("aB38Q~" + "cD4_" * 8, "an Azure key"),
        ("glrt-" + "aB3_" * 5, "a GitLab token"),
        ("xapp-" + "1-A0B1C2D3E4", "a Slack token"),
        ("https://hooks.slack.com/services/" + "T0A1/B0A1/" + "aB3d" * 6, "a Slack token"),
        ("sk-ant-" + "api03-" + "aB3_" * 20, "an Anthropic key"),
        ("hf_" + "aBcD" * 8 + "eF", "a Hugging Face token"),
        ("dop_v1_" + "0a1b" * 16, "a DigitalOcean token"),
        ("dapi" + "0a1b" * 8, "a Databricks token"),
        ("shpat_" + "0a1B" * 8, "a Shopify token"),
        ("sq0atp-" + "aB3_" * 6, "a Square token"),
        ("123456789:" + "AA" + "aB3" * 11, "a Telegram token"),
        *(("SK" + "0a1b" * 8, "a Twilio key"), ("key-" + "0a1b" * 8, "a Mailgun key")),
        *(("0a1b" * 8 + "-us12", "a Mailchimp key"), ("hvs." + "aB3_" * 6, "a Vault token")),
        ("aB3d" * 3 + "aB" + ".atlasv1." + "aB3_" * 15, "a Terraform token"),
        ("glsa_" + "aB3d" * 8 + "_0a1b2c3d", "a Grafana token"),
        ("NRAK-" + "A1B" * 9, "a New Relic key"),
        ("ATATT3x" + "aB3_" * 8, "an Atlassian token"),
        *(("rubygems_" + "0a1b" * 12, "a RubyGems key"), ("sbp_" + "0a1b" * 10, "a Supabase token")),
        *(("lin_api_" + "aB3d" * 10, "a Linear key"), ("ntn_" + "aB3d" * 12, "a Notion token")),
        *(("AKCp8" + "aB3d" * 16, "an Artifactory key"), ("AGE-SECRET-KEY-1" + "A1" * 29, "an age key")),
        ("postgres://web:bound4rio@db/web", "a URL with a password"),
        ("Authorization: Bearer bound4rio", "an Authorization header"),
    ],
)
def test_secrets_by_their_shape(value: str, kind: str) -> None:
    """A value that looks like a secret is one under any name; it is reported once, although the history repeats it."""
    assert places(env={"PLAIN": value}) == (f"{kind} in ENV PLAIN",)
    assert places(f"ENV PLAIN={value}", env={"PLAIN": value}) == (f"{kind} in ENV PLAIN",)
    assert places("RUN true", f"RUN /bin/sh -c echo '{value}' > /file # buildkit") == (f"{kind} in history line 1",)
    assert value not in without_secrets(f"ENV PLAIN={value} AFTER=1")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ENV A=1 API_TOKEN=bound4rio B=2", "ENV A=1 API_TOKEN=*** B=2"),
        ("LABEL registry.password=two words", "LABEL registry.password=***"),
        ("RUN NPM_TOKEN=bound4rio npm ci --token bound4rio", "RUN NPM_TOKEN=*** npm ci --token ***"),
        ("ENV USE_TOKEN=true GPG_KEY=A035", "ENV USE_TOKEN=true GPG_KEY=A035"),
    ],
)
def test_an_instruction_without_its_secrets(text: str, shown: str) -> None:
    """The values of what is named like a secret are masked, and nothing else."""
    assert without_secrets(text) == shown


def test_two_secrets_of_one_kind() -> None:
    """A known secret does not hide another of its kind; each is reported once, for its oldest line."""
    lines = (f"ENV A={_TOKEN}", f"RUN use {_TOKEN}", f"RUN use {_OTHER}", f"RUN use {_OTHER} again")

    assert places(*lines, env={"A": _TOKEN}) == ("a GitHub token in ENV A", "a GitHub token in history line 2")


def test_lines_of_both_builders() -> None:
    """Build arguments before a command are found in the history of both builders; each name is reported once."""
    lines = [
        "/bin/sh -c #(nop)  ARG DEPLOY_TOKEN=bound4rio",
        "|2 DEPLOY_TOKEN=bound4rio VERSION=1 /bin/sh -c make",
        "RUN |1 NPM_TOKEN=bound4rio /bin/sh -c npm ci # buildkit",
        "RUN /bin/sh -c curl --token bound4rio https://code.test # buildkit",
        "RUN /bin/sh -c for key in A B; do gpg --recv-keys $key; key='B97B0AFC'; done # buildkit",
    ]

    found = places(*lines)

    assert found == ("DEPLOY_TOKEN in history line 5", "NPM_TOKEN in history line 3", "token in history line 2")
    assert "bound4rio" not in str(found)
