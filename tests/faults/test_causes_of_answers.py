"""Apps in real containers whose answers show the cause."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli_project import Project
from tests.faults.test_causes import cause_of
from tests.servers.certificates import issue

pytestmark = [pytest.mark.engine, pytest.mark.container]


def test_an_app_that_speaks_https_only(project: Project, tmp_path: Path) -> None:
    """An app behind TLS of its own is called that, and passes with the scheme that the hint names."""
    made = issue(tmp_path, "localhost")
    (project.folder / "server.pem").write_text(made.key.read_text() + made.certificate.read_text())
    start = "import ssl; context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain('/server.pem')\n"
    start += "HTTPServer.get_request = lambda self: (context.wrap_socket((it := self.socket.accept())[0], True), it[1])"
    settings = "allow_in_context: [server.pem]"

    error = cause_of(project, at_start=start, more="COPY server.pem /\n", settings=settings, timeout=3)

    assert (error["cause"], error["hint"]) == (
        "https-only",
        "checks: [{path: /, scheme: https}] under apps.web in invoke.yaml, then: invoke smoke",
    )
    file = project.folder / "invoke.yaml"
    file.write_text(file.read_text().replace("{path: /,", "{path: /, scheme: https,"))
    assert project.invoke("smoke").code == 0
