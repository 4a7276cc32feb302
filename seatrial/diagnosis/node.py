"""Causes in the words of Node and npm."""

from __future__ import annotations

from typing import Final

from seatrial.diagnosis.evidence import Cause, Evidence
from seatrial.diagnosis.log import not_found_by_name, place

__all__ = ["module_type", "node_error", "node_file", "npm_script"]

_END: Final = r"^Node\.js v\d"
_ERROR: Final = r"^(?:Uncaught )?(?P<name>\w*Error)(?: \[\w+\])?: (?P<words>.+?)(?: \{)?$"


def module_type(evidence: Evidence) -> Cause | None:
    """Recognise a file that Node reads as the other kind of module: ES module or CommonJS."""
    if evidence.answered:
        return None
    found = evidence.search_log(
        r"(?P<words>Cannot use import statement outside a module|Unexpected token 'export')",
        r"(?P<words>(?:require|module|exports|__dirname|__filename) is not defined in ES module scope)",
        r"(?P<words>require\(\) of ES Module \S+)",
    )
    if not found:
        return None
    where = evidence.search_log(r"^(?:file://)?(?P<file>/\S+\.[cm]?[jt]s):\d+$")
    file = where["file"] if where else "the file"
    if "ES module scope" in found[0]:
        hint = f'rename {file} to .cjs, or remove "type": "module" from package.json, or use import in it'
    elif "require()" in found[0]:
        hint = f"load it with import() in {file}"
    else:
        hint = f'set "type": "module" in package.json, or rename {file} to .mjs'
    return Cause.fixed_by_build("wrong-module-type", f"{file}: {found['words']}", hint)


def npm_script(evidence: Evidence) -> Cause | None:
    """Recognise npm, yarn or pnpm without the script that CMD names, or with a package.json that cannot be read."""
    if evidence.running:
        return None
    found = evidence.search_log(
        r"Missing script:? \"?(?P<name>[\w:.-]+)", r"^error Command \"(?P<name>[^\"]+)\" not found"
    )
    if found:
        return not_found_by_name(evidence, f"package.json has no script {found['name']}")
    if not evidence.search_log(r"^npm (?:ERR!|error) code EJSONPARSE"):
        return None
    file = evidence.search_log(r"^npm (?:ERR!|error) path (?P<file>\S+)")
    words = evidence.search_log(r"^npm (?:ERR!|error) JSON\.parse (?P<words>(?!Note|Failed)\S.*(?:JSON|position).*)$")
    broken = file["file"] if file else "package.json"
    return Cause.fixed_by_build(
        "syntax-error", f"{broken}: {words['words'] if words else 'it is not valid JSON'}", f"fix {broken}"
    )


def node_file(evidence: Evidence) -> Cause | None:
    """Recognise a file of the app's own that a Node module requires and that is not in the image."""
    found = evidence.search_log(
        r"Cannot find module '(?P<path>/[^']+)' imported from (?P<by>\S+)",
        r"Cannot find module '(?P<path>\.{1,2}/[^']+)'(?P<by>)",
    )
    if not found or evidence.answered:
        return None
    stack = evidence.search_log(r"^- (?P<by>/\S+)$")
    by = found["by"] or (stack["by"] if stack else "the app")
    if meant := evidence.search_log(r'^Did you mean to import "(?P<file>[^"]+)"'):
        hint = f"write {meant['file']} in {by}: an ES module names a file with its extension"
        return Cause.fixed_by_build("missing-file", f"{by} imports {found['path']}, which is no file", hint)
    return Cause.fixed_by_build(
        "missing-file",
        f"{by} needs {found['path']}, which is not in the image",
        f"COPY it in the Dockerfile (does .dockerignore exclude it?), or fix its path in {by}",
    )


def node_error(evidence: Evidence) -> Cause | None:
    """Recognise an error that ended a Node app, or one of its workers."""
    found, ended = evidence.search_log(_ERROR), evidence.search_log(_END)
    if not found or not ended or not (evidence.dead or evidence.silent):
        return None
    code = f" (exit code {evidence.inspection.exit_code})" if evidence.inspection and evidence.dead else ""
    hint = f"fix {place(evidence) or 'the error in the log'}"
    return Cause.fixed_by_build("uncaught-exception", f"{found['name']}: {found['words']}{code}", hint)
