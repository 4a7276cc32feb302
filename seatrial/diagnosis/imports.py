"""Causes that end an app while it is loaded: a module, a name or a library that is not there, or a syntax error."""

from __future__ import annotations

import re
import sys
from typing import Final

from seatrial.diagnosis.evidence import Cause, Evidence
from seatrial.diagnosis.log import not_found_by_name, place

__all__ = ["broken_import", "missing_library", "missing_module", "syntax_error"]

# Modules whose package has another name.
_PACKAGES: Final = {
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "crypto": "pycryptodome",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "google": "protobuf",
    "jose": "python-jose",
    "jwt": "pyjwt",
    "magic": "python-magic",
    "multipart": "python-multipart",
    "mysqldb": "mysqlclient",
    "openssl": "pyopenssl",
    "pil": "pillow",
    "psycopg2": "psycopg2-binary",
    "serial": "pyserial",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
_NO_MODULE: Final = (
    r"(?:(?:ModuleNotFoundError|ImportError):|^\S*python[\d.]*:|^\d+\.) No module named '?(?P<name>[\w.]+)'?"
)
_NO_NODE_MODULE: Final = r"Error(?: \[\w+\])?: Cannot find (?:module|package) '(?P<name>[^'./][^']*)'"


def missing_library(evidence: Evidence) -> Cause | None:
    """Recognise a compiled module that needs a system library that is not in the image."""
    found = evidence.search_final_log(r"(?P<name>lib[\w.+-]+\.so[\w.]*): cannot open shared object file")
    if not found or evidence.answered:
        return None
    return Cause.fixed_by_build(
        "missing-library",
        f"the system library {found['name']} is not in the image",
        f"install the Debian package that contains {found['name']} in the Dockerfile (apt-get install)",
    )


def missing_module(evidence: Evidence) -> Cause | None:
    """Recognise an import of a module that is not in the image."""
    found = evidence.search_final_log(_NO_MODULE, _NO_NODE_MODULE)
    if not found or evidence.answered:
        return None
    module, sources = found["name"], evidence.sources
    top = module.partition(".")[0]
    if "Cannot find" in found[0]:
        module = "/".join(module.split("/")[: 2 if module.startswith("@") else 1])  # lodash/fp is part of lodash
        reason, hint = (
            f"the module {module} is not in the image",
            f"npm install {module} (it adds the module to package.json)",
        )
    elif _is_named(module, evidence.command):
        return not_found_by_name(evidence, f"there is no module {module}")
    elif top in sources.modules and top != module:
        reason, hint = f"the app's own {top} has no module {module}", f"fix the name {module}, or COPY the module"
    elif top in sources.modules:
        reason = f"the app's own module {top} is not in a folder where Python looks for it"
        hint = f"fix WORKDIR or PYTHONPATH, or COPY {top} there (does .dockerignore exclude it?)"
    else:
        package = _PACKAGES.get(top.lower(), top.lower().replace("_", "-"))
        file = sources.requirements or "requirements.txt"
        if package in sources.required or top.lower() in sources.required:
            reason = f"the module {module} is not in the image, although {file} names {package}"
            hint = f"install {file} in the Dockerfile, for the Python that CMD starts"
        else:
            reason = f"the module {module} is missing from {file}" + (
                "" if sources.requirements else ", which does not exist"
            )
            hint = f"add {package} to {file}" + (
                "" if sources.requirements else " and RUN pip install -r in the Dockerfile"
            )
    return Cause.fixed_by_build("missing-module", reason, hint)


def _is_named(module: str, command: tuple[str, ...]) -> bool:
    """Return whether a command names a module, other than as the class of Gunicorn's workers."""
    before = r"(?:^|[\s'\"=])(?<!-k )(?<!worker-class[ =])"
    return re.search(rf"{before}{re.escape(module)}(?:[:\s'\"]|$)", " ".join(command[1:])) is not None


def broken_import(evidence: Evidence) -> Cause | None:
    """Recognise an import of a name that the module does not have."""
    found = evidence.search_final_log(
        r"ImportError: cannot import name '(?P<what>\w+)' from .*?'(?P<name>[\w.]+)'.*",
        r"AttributeError: partially initialized module '(?P<name>[\w.]+)' .*has no attribute '(?P<what>\w+)'.*",
        r"SyntaxError: The requested module '(?P<name>[^']+)' does not provide an export named '(?P<what>\w+)'",
    )
    if not found or evidence.answered:
        return None
    top, name, what = found["name"].partition(".")[0], found["name"], found["what"]
    reason = f"{name} does not contain {what}"
    if "circular import" in found[0]:
        reason += " yet: the modules import each other (a circular import)"
        hint = f"import {what} inside the function that needs it, or define it in a module of its own"
    elif found[0].startswith("SyntaxError"):
        hint = f"fix the import from {name}" + (f" in {where}" if (where := _javascript(evidence)) else "")
    elif top in evidence.sources.modules or top in sys.stdlib_module_names:
        hint = f"fix the import from {top}"
    else:
        hint = f"pin a version of {top} that has {what}"
    return Cause.fixed_by_build("broken-import", reason, hint)


def syntax_error(evidence: Evidence) -> Cause | None:
    """Recognise a syntax error in the app."""
    found = evidence.search_final_log(r"^\s*(?P<name>SyntaxError|IndentationError|TabError): (?P<words>.*)")
    wrong_data = evidence.search_final_log(r"^ +at JSON\.parse \(")
    if not found or evidence.answered or wrong_data:
        return None
    words = found["words"]
    json = re.match(r"(?P<file>/\S+\.json): (?P<words>.+)", words)
    # "<string>" is not a file, so it is no place to fix.
    where = evidence.search_final_log(r'File "(?P<file>[^"<]+)", line (?P<line>\d+)\s*$')
    broken = f"{where['file']}:{where['line']}" if where else _javascript(evidence) or place(evidence) or "the app"
    if json:
        broken, words = json["file"], json["words"]
    hint = f"fix {broken}"
    if re.search(r"\.tsx?:\d+$", broken):
        hint = f"compile {broken.rpartition(':')[0]} to JavaScript in the Dockerfile, or fix it"
    return Cause.fixed_by_build("syntax-error", f"{broken}: {found['name']}: {words}", hint)


def _javascript(evidence: Evidence) -> str:
    """Return file and line that Node prints above an error, empty if it does not."""
    found = evidence.search_final_log(r"^(?:file://)?(?P<place>/\S+\.[cm]?[jt]sx?:\d+)$")
    return found["place"] if found else ""
