"""A Node app: how it is started, and the port that it listens on."""

from __future__ import annotations

import re
import shlex

from seatrial.detection.app import NodeApp, PageCheck
from seatrial.detection.folder import Folder
from seatrial.detection.package_json import Package, read_package

__all__ = ["find_node_app"]

_PORTS = (
    (re.compile(r"process\.env\.PORT\s*(?:\|\||\?\?)\s*[\"'`]?(\d{2,5})"), "where PORT is not set"),
    (re.compile(r"\.listen\(\s*(?:\{\s*port:\s*)?(\d{2,5})\b"), "where it listens"),
    (re.compile(r"\bport\s*[:=]\s*(\d{2,5})\b", re.IGNORECASE), "its port"),
)
_HANDLERS = re.compile(r"\.(?:get|use|all|route)\(\s*[\"'`]/[\"'`]|express\.static\(|createServer\(|serve-static")
_ONLY_LOCAL = re.compile(r"\.listen\([^)]*[\"'`](?:127\.0\.0\.1|localhost)[\"'`]")
_DEFAULT_PORT = 3000
_MAINS = ("server.js", "index.js", "app.js", "main.js", "src/server.js", "src/index.js", "src/app.js")
# What builds pages for a browser, or shows them while somebody works on them: no server for an image.
_BUNDLERS = ("react-scripts", "vite", "webpack", "ng", "parcel", "vue-cli-service", "gatsby")


def find_node_app(folder: Folder) -> NodeApp | None:
    """Return the Node app whose package.json is in the folder; None if there is none, or it starts no server."""
    package = read_package(folder)
    if package is None:
        return None
    command, reason = _command(folder, package)
    if not command:
        return None
    notes = [] if package.lock else ["no lock file: npm install takes the newest libraries that package.json allows"]
    # A start script may call a program that is a library for development.
    needs_all = command[0] == "npm" and _program(package.scripts["start"]) in package.development
    port, port_from, source = _port(folder, command)
    if _ONLY_LOCAL.search(source):
        notes.append(
            "it listens on localhost, which nobody outside its container reaches: remove the host from listen()"
        )
    if source and not _HANDLERS.search(source):
        notes.append("the check of / is a guess: its pages were not found")
    return NodeApp(
        what="Node",
        why=reason,
        port=port,
        port_from=port_from,
        base_image=package.image,
        files=package.files,
        install=package.install if package.build or needs_all else package.install_needed,
        build=package.build,
        prune="" if needs_all else package.prune,
        command=command,
        check=PageCheck(),
        notes=tuple(notes),
    )


def _command(folder: Folder, package: Package) -> tuple[tuple[str, ...], str]:
    """Return the command that starts the app, and what says so; nothing if nothing does."""
    for name in ("start", "dev"):
        script = package.scripts.get(name, "")
        reason = f'"{name}": "{script}" in package.json'
        if file := _started_file(folder, script):
            return ("node", *file), reason
        if name == "start" and script and _program(script) not in _BUNDLERS:
            return ("npm", "start"), reason
    for place in (package.main, f"{package.main}.js", *_MAINS):
        text = folder.text(place) if place else None
        if text and re.search(r"\.listen\(", text):
            return ("node", place), f"{place} listens"
    return (), ""


def _started_file(folder: Folder, script: str) -> tuple[str, ...]:
    """Return the arguments of node if a script does no more than to start a file, also with nodemon."""
    try:
        words = shlex.split(script)
    except ValueError:
        return ()
    if not words or words[0] not in ("node", "nodemon") or any(one in script for one in ("&&", "|", ";", "$", ">")):
        return ()
    if words[0] == "node":
        return tuple(words[1:]) if len(words) > 1 else ()
    files = [one for one in words[1:] if not one.startswith("-")]
    for file in files[-1:]:
        if (folder.has(file) or folder.has(f"{file}.js")) and file.endswith((".js", ".mjs", ".cjs")):
            return (file,)
    return ()


def _program(script: str) -> str:
    return next(iter(script.split()), "")


def _port(folder: Folder, command: tuple[str, ...]) -> tuple[int, str, str]:
    """Return the port, what says so, and the source that was read for it."""
    files = [name for name in folder.files(".js") + folder.files(".ts") + folder.files(".mjs") if "public/" not in name]
    started = [one for one in command if folder.has(one)]
    texts = {name: folder.text(name) or "" for name in [*started, *files][:200]}
    source = "\n".join(texts.values())
    for pattern, why in _PORTS:
        for name, text in texts.items():
            if found := pattern.search(text):
                return int(found[1]), f"{name}, line {text[: found.start()].count(chr(10)) + 1}: {why}", source
    return _DEFAULT_PORT, "Node's usual one", source
