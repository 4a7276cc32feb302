"""A Go app: its module, its main package, and the port that it listens on."""

from __future__ import annotations

import re

from seatrial.detection.app import GoApp, PageCheck
from seatrial.detection.folder import Folder

__all__ = ["find_go_app"]

_GO = (1, 25)
_SERVERS = re.compile(
    r'"(?:net/http|github\.com/(?:gin-gonic/gin|labstack/echo|gofiber/fiber|go-chi/chi|gorilla/mux|valyala/fasthttp))(?:/v\d+)?"'
)
_PORTS = (
    (re.compile(r'"(?:0\.0\.0\.0)?:(\d{2,5})"'), "where it listens"),
    (re.compile(r'[pP]ort\w*\s*:?=\s*"?:?(\d{2,5})"?'), "its port"),
)
_CHOSEN = re.compile(r"""(?:Getenv|LookupEnv)\("PORT"\)""")
_ONLY_LOCAL = re.compile(r'"(?:127\.0\.0\.1|localhost):\d{2,5}"')
_HOME = re.compile(r'(?:HandleFunc|Handle|GET|Get|Any|Static)\(\s*"(?:GET )?/"')
_MAIN = re.compile(r"^package main\b", re.MULTILINE)
_ASSETS = ("templates", "static", "public", "views", "assets", "web", "html", "data", "migrations")


def find_go_app(folder: Folder) -> GoApp | None:
    """Return the Go app whose go.mod is in the folder; None if there is none, or nothing in it serves HTTP."""
    module = folder.text("go.mod")
    if module is None:
        return None
    texts = {name: folder.text(name) or "" for name in folder.files(".go") if not name.endswith("_test.go")}
    mains = [name for name, text in texts.items() if _MAIN.search(text) and "func main(" in text]
    if not mains or not any(_SERVERS.search(text) for text in texts.values()):
        return None
    main = min(mains, key=lambda name: (name.count("/"), not re.search("server|web|api|http", name), name))
    package = main.rpartition("/")[0]
    several = len({name.rpartition("/")[0] for name in mains}) > 1
    notes = [f"{', '.join(mains[:4])}: several programs; the Dockerfile builds {main}"] if several else []
    if any(_ONLY_LOCAL.search(text) for text in texts.values()):
        notes.append("it listens on localhost, which nobody outside its container reaches: listen on all addresses")
    port, port_from = _port(texts, main)
    home = any(_HOME.search(text) for text in texts.values())
    return GoApp(
        what="Go",
        why=f"package main in {main}",
        port=port,
        port_from=port_from,
        base_image="busybox:1.37",
        build_image=f"golang:{_version(module)}",
        package=f"./{package}" if package else ".",
        files=tuple(name for name in ("go.mod", "go.sum") if folder.has(name)),
        assets=tuple(name for name in _ASSETS if folder.has_folder(name)),
        check=PageCheck(),
        notes=tuple(notes if home else [*notes, "the check of / is a guess: its routes were not found"]),
    )


def _port(texts: dict[str, str], main: str) -> tuple[int, str]:
    if any(_CHOSEN.search(text) for text in texts.values()):
        return 8080, "it listens on PORT"
    ordered = sorted(texts, key=lambda name: name != main)
    for pattern, why in _PORTS:
        for name in ordered:
            if found := pattern.search(texts[name]):
                return int(found[1]), f"{name}, line {texts[name][: found.start()].count(chr(10)) + 1}: {why}"
    return 8080, "Go's usual one"


def _version(module: str) -> str:
    found = re.search(r"^go (\d+)\.(\d+)", module, re.MULTILINE)
    wanted = (int(found[1]), int(found[2])) if found else _GO
    return "{}.{}".format(*max(wanted, _GO))
