"""The help of each flag; a flag means the same in every task."""

from __future__ import annotations

__all__ = ["help_for"]

_HELP = {
    "app": "The app's name in the settings; needed only where there are several.",
    "backwards": "Move tags like latest back to this version although a newer one is published.",
    "browser": "Also open the page in headless Chromium: fail on console errors, keep a screenshot.",
    "build_arg": "A build argument, NAME=VALUE; may be given several times.",
    "build_context": "An extra context, NAME=FOLDER or NAME=docker-image://IMAGE; may be given several times.",
    "check": "Change nothing; say what would change.",
    "env": "An environment variable of the app, NAME=VALUE, on top of the settings; may be given several times.",
    "json": "Print one JSON document on standard output, and everything else on standard error.",
    "junit": "Write checks, image checks and the browser's visit to this file as JUnit XML.",
    "lock_wait": "Seconds to wait for another release of this repository (default 0).",
    "memory": "The container's memory limit, such as 256m.",
    "no_cache": "Build without the build cache.",
    "overwrite": "Replace other content that is published under this version.",
    "password_stdin": "Read the password from standard input.",
    "platform": "Build for this platform, such as linux/arm64; several platforms need docker buildx.",
    "port": "The port on 127.0.0.1.",
    "pull": "Pull newer base images first.",
    "quiet": "Print only ids.",
    "registry": "The registry, HOST or HOST:PORT (default Docker Hub).",
    "target": "The stage of the Dockerfile to build (default: the last).",
    "to": "The version the moving tags point back to.",
    "untested": "Push although the image has not passed its smoke test; the ledger records it.",
    "url": "Check the app that is deployed at this URL, not an image; no verdict is kept.",
    "user": "Your user name in the registry; the image becomes NAME/repository.",
    "version": "The version; it becomes the image's tag.",
    "volumes": "Also remove what the local registry holds.",
    "image": "An image by name or id (default: the one built last).",
    "tail": "How many lines to show, from the end.",
    "follow": "Keep showing new lines until Ctrl-C.",
}


def help_for(*names: str) -> dict[str, str]:
    """Return the help of these flags, as Invoke takes it."""
    return {name: _HELP[name] for name in names}
