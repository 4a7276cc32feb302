"""What each flag means, the same for every task."""

from __future__ import annotations

__all__ = ["help_for"]

_HELP = {
    "app": "The app, by its name in the settings; needed only where there are several.",
    "backwards": "Let moving tags like latest go back to this version, though a newer one is published.",
    "browser": "Open the page in headless Chromium, too: fail on errors in its console, keep a screenshot.",
    "build_arg": "A build argument, NAME=VALUE; may be given several times.",
    "build_context": "An extra context, NAME=FOLDER or NAME=docker-image://IMAGE; may be given several times.",
    "check": "Change nothing; say what would change.",
    "env": "A variable of the app's environment, NAME=VALUE, over the settings'; may be given several times.",
    "json": "Print one JSON document on standard output, and everything else on standard error.",
    "junit": "Write checks, image facts and the browser's visit to this file as JUnit XML, for CI systems.",
    "lock_wait": "Seconds to wait for another release to the same repository; it is not waited for by default.",
    "memory": "The container's limit, as in 256m.",
    "no_cache": "Build anew, without the engine's build cache.",
    "overwrite": "Put the image over other content that is published under this version.",
    "password_stdin": "Read the password from standard input.",
    "platform": "Build for this platform, such as linux/arm64; several need docker buildx.",
    "port": "The port on this machine, on 127.0.0.1.",
    "pull": "Look for newer base images in their registries first.",
    "quiet": "Print the ids only.",
    "registry": "The registry, HOST or HOST:PORT; Docker Hub by default.",
    "target": "The stage of the Dockerfile to build; the last by default.",
    "to": "The version the moving tags go back to.",
    "untested": "Push although the image has not passed its smoke test; the ledger says so.",
    "url": "Put the checks to what is deployed at this address, not to an image; no verdict is kept.",
    "user": "Your name in the registry; the image becomes NAME/repository.",
    "version": "The version, which becomes the image's tag.",
    "volumes": "Remove what the local registry holds, too.",
    "image": "An image by name or id; by default the one built last.",
    "tail": "How many lines from the end.",
    "follow": "Go on with what is written from now on, until Ctrl-C.",
}


def help_for(*names: str) -> dict[str, str]:
    """Return the help of these flags, as Invoke takes it."""
    return {name: _HELP[name] for name in names}
