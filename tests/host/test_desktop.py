"""The user's browser is opened, or it is said why not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from seatrial.host.desktop import open_page

ADDRESS = "http://127.0.0.1:1/?a=b"


@pytest.mark.parametrize(("code", "said"), [(0, ""), (1, "no browser")])
def test_a_browser(tmp_path: Path, code: int, said: str) -> None:
    """The program in BROWSER gets the address; if it fails, that is the reason."""
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > "{tmp_path}/opened"\nexit {code}\n')
    browser.chmod(0o755)
    words = f"from seatrial.host.desktop import open_page; print(open_page('{ADDRESS}', visible=True))"
    environment = {**os.environ, "BROWSER": f"{browser} %s", "PATH": "/usr/bin:/bin"}
    environment.pop("DISPLAY", None)

    done = subprocess.run([sys.executable, "-c", words], env=environment, capture_output=True, text=True, check=True)

    assert (tmp_path / "opened").read_text() == ADDRESS
    assert done.stdout.startswith(said)


def test_nobody_to_see_it() -> None:
    """Without a terminal and a desktop nothing is started."""
    assert open_page(ADDRESS, visible=False)
