"""Static files: a folder with an index.html, or pages that a bundler builds."""

from __future__ import annotations

from seatrial.detection.app import PageCheck, StaticSite
from seatrial.detection.folder import Folder
from seatrial.detection.package_json import Package, read_package
from seatrial.detection.page import sure_text

__all__ = ["find_static_site"]

_PLACES = ("public", "site", "www", "html", "dist", "_site", "static", "docs")
# The folder that a bundler writes to, by the program in the build script.
_BUNDLERS = {"vite": ("Vite", "dist"), "react-scripts": ("Create React App", "build"), "parcel": ("Parcel", "dist")}
# What says that the folder is something else, whose pages need more than a web server.
_OTHERS = (
    *("package.json", "requirements.txt", "pyproject.toml", "go.mod", "Cargo.toml", "pom.xml", "build.gradle"),
    *("build.gradle.kts", "composer.json", "Gemfile", "mix.exs", "deno.json", "_config.yml", "hugo.toml"),
)


def find_static_site(folder: Folder) -> StaticSite | None:
    """Return the site with an index.html in the folder or one of its usual places; None if there is none."""
    package = read_package(folder)
    if package and package.build:
        return _bundled(folder, package)
    is_other = any(folder.has(name) for name in _OTHERS)
    for place in ("", *([] if is_other else _PLACES)):
        page = f"{place}/index.html".lstrip("/")
        html = folder.text(page)
        if html is not None and not html.startswith("---"):  # a page of Jekyll
            return _site(page, sure_text(html, static=True), pages=place or ".")
    return None


def _bundled(folder: Folder, package: Package) -> StaticSite | None:
    """Return the site that the build script makes, if its bundler is known."""
    script = package.scripts["build"]
    name, output = next((found for program, found in _BUNDLERS.items() if program in script.split()), ("", ""))
    if not name:
        return None
    html = folder.text("index.html") or folder.text("public/index.html") or ""
    reason = f'"build": "{script}" in package.json'
    return _site(reason, sure_text(html), pages=output, what=f"pages built by {name}", package=package)


def _site(why: str, text: str, *, pages: str, what: str = "static files", package: Package | None = None) -> StaticSite:
    return StaticSite(
        what=what,
        why=why,
        port=8080,
        port_from="as web servers without root's rights have it",
        base_image="nginx:1.28-alpine",
        pages=pages,
        package=package,
        check=PageCheck(text=text),
    )
