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
    elif re.search(rf"(?:^|[\s'\"=]){re.escape(module)}(?:[:\s'\"]|$)", " ".join(evidence.command[1:])):
        return not_found_by_name(evidence, f"there is no module {module}")
    elif top in sources.modules and top != module:
        reason, hint = f"the app's own {top} has no module {module}", f"fix the name {module}, or COPY the module"
    elif top in sources.modules:
        reason = f"the app's own module {top} is not in a folder where Python looks for it"
        hint = f"fix WORKDIR, or COPY {top} there (does .dockerignore exclude it?)"
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


def broken_import(evidence: Evidence) -> Cause | None:
    """Recognise an import of a name that the module does not have."""
    found = evidence.search_final_log(
        r"ImportError: (?P<words>cannot import name '(?P<what>\w+)' from .*?'(?P<name>[\w.]+)'.*)"
    )
    if not found or evidence.answered:
        return None
    top = found["name"].partition(".")[0]
    known = top in evidence.sources.modules or top in sys.stdlib_module_names
    hint = f"fix the import from {top}" if known else f"pin a version of {top} that has {found['what']}"
    return Cause.fixed_by_build("broken-import", f"{found['name']} does not contain {found['what']}", hint)


def syntax_error(evidence: Evidence) -> Cause | None:
    """Recognise a syntax error in the app."""
    found = evidence.search_final_log(r"^\s*(?P<name>SyntaxError|IndentationError|TabError): (?P<words>.*)")
    if not found or evidence.answered:
        return None
    # "<string>" is not a file, so it is no place to fix.
    where = evidence.search_final_log(
        r'File "(?P<file>[^"<]+)", line (?P<line>\d+)\s*$', r"^(?P<file>/\S+\.[cm]?js):(?P<line>\d+)$"
    )
    broken = f"{where['file']}:{where['line']}" if where else place(evidence) or "the app"
    return Cause.fixed_by_build("syntax-error", f"{broken}: {found['name']}: {found['words']}", f"fix {broken}")
