"""Values of build arguments and build secrets are masked in what a builder says."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from seatrial.engine.builders.masking import Mask
from tests.engine.builders.test_failure import REQUEST


@pytest.mark.parametrize(
    ("arguments", "said", "shown"),
    [
        ({"A": "S3ntinel"}, "RUN curl -u me:S3ntinel https://x/?t=S3ntinel", "RUN curl -u me:*** https://x/?t=***"),
        ({"A": 'S3 "n" t'}, r'process "sh -c echo \"S3 \"" and S3 \"n\" t', r'process "sh -c echo \"S3 \"" and ***'),
        ({"A": "S3&nt"}, "https://x/?t=S3%26nt 'S3&nt'", "https://x/?t=*** '***'"),
        ({"A": "first\nsecond"}, "first, then second", "***, then ***"),
        ({"A": "S3nt", "B": "S3ntinel"}, "S3ntinel S3nt", "*** ***"),
        ({"A": "red", "VERSION": "1.4.2"}, "red 1.4.2", "red 1.4.2"),
        ({"A": "install"}, "pip install", "pip install"),
        ({}, "RUN true", "RUN true"),
    ],
    ids=["plain", "quoted", "in a URL", "lines", "longest first", "short, or public", "in the Dockerfile", "none"],
)
def test_arguments(arguments: dict[str, str], said: str, shown: str) -> None:
    """A value of more than three characters is masked in each form, unless it is a word of the Dockerfile."""
    assert Mask(replace(REQUEST, options=REQUEST.options.but(arguments=arguments))).text(said) == shown


def test_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The contents of secret files are masked, whole and in parts, and so are those of the environment."""
    (tmp_path / "rc").write_text("[api]\npassword = S3ntinel\n")
    monkeypatch.setenv("A_TOKEN", "S3ntinel2")
    secrets = {"a": f"src={tmp_path / 'rc'}", "b": "env=A_TOKEN", "c": "src=/no/such/file", "d": "env=NO_SUCH"}
    mask = Mask(replace(REQUEST, options=REQUEST.options.but(secrets=secrets)))
    assert mask.text("sent S3ntinel and S3ntinel2, password = S3ntinel") == "sent *** and ***, ***"
