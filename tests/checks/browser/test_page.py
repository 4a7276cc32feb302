"""This repository's app in a browser, built and served by the real commands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, sync_playwright

SEATRIAL = str(Path(sys.executable).parent / "seatrial")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.container]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The installed Chromium, headless; it may be missing only outside CI."""
    chromium = shutil.which("chromium")
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail("there is no chromium, and under CI no test may be skipped for that: ./inv test installs it")
        pytest.skip("there is no chromium: ./inv test installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def folder(repository: Path, tmp_path: Path, project_name: str, python_image: str, free_port: int) -> Path:
    """A copy of this repository's app, with its checks, as a project of its own."""
    shutil.copytree(repository / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    settings = yaml.safe_load((repository / "invoke.yaml").read_text())
    settings["seatrial"]["project"] = project_name
    settings["seatrial"]["apps"]["web"] |= {
        "repository": f"{project_name}/page",
        "host_port": free_port,
        "base_images": [python_image],
    }
    (tmp_path / "invoke.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path


def seatrial(folder: Path, *words: str) -> str:
    """Run `seatrial`, which must succeed, and return what it printed."""
    done = subprocess.run([SEATRIAL, *words], cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_page(folder: Path, browser: Browser, free_port: int) -> None:
    """The page says that it loves Docker, and the browser reports no errors."""
    address = f"http://127.0.0.1:{free_port}/"
    seatrial(folder, "build", "--version", "7")
    assert address.rstrip("/") in seatrial(folder, "run")
    page = browser.new_page(viewport={"width": 1000, "height": 600})
    errors: list[str] = []
    page.on("console", lambda message: errors.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("requestfailed", lambda request: errors.append(f"{request.url}: {request.failure}"))
    page.on("response", lambda answer: None if answer.ok else errors.append(f"{answer.url}: {answer.status}"))

    page.goto(address, wait_until="networkidle")

    assert page.title() == "Flask no Docker"
    assert page.get_by_role("heading", level=1).all_inner_texts() == ["Eu amo Docker"]
    assert page.get_by_role("heading", level=1).is_visible()
    assert page.screenshot(path=folder / "page.png")
    assert errors == []
    assert page.request.get(f"{address}healthz").json() == {"status": "ok", "version": "7"}
    page.close()
    assert "changed" in seatrial(folder, "stop")
