"""A copy of `./inv` in a made-up project, where `python3` is a stand-in that records its calls."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

INV = Path(__file__).parents[2] / "inv"
# The programs that inv may use besides Python; PATH holds nothing else.
TOOLS = ("cksum", "flock", "id", "ls", "mv", "readlink", "rm", "sed", "sh", "sleep", "tail")

# Answers like `python -c`, `-m venv` and `-m pip`; as the program it prints how it was called.
PYTHON = r"""#!/bin/sh
printf '%s\n' "$*" >>"$CALLS"
case $* in
*"-m ${BROKEN:-nothing}"*) echo 'the network is gone' >&2; exit 7 ;;
-c*run_playbook*) shift 2; exec "${0%/*}/invoke" "$@" ;;
-c*print*) echo python3.11-venv ;;
-c*ensurepip*) [ -z "${NO_ENSUREPIP-}" ] ;;
'-m venv'*)
    /bin/rm -rf "$4"
    /bin/mkdir -p "$4/bin"
    /bin/cp "$0" "$4/bin/python"
    ;;
*'-m pip install'*-r*)
    sleep "${PIP_SECONDS:-0}"
    printf '#!/bin/sh\necho "in $(pwd):" "$@"\nexit "${INVOKE_EXIT:-0}"\n' >"${0%/*}/invoke"
    /bin/chmod +x "${0%/*}/invoke"
    ;;
esac
"""


@dataclass(frozen=True, kw_only=True)
class Project:
    """A copy of `inv` with locks beside it, and a PATH where the stand-in is the only Python."""

    root: Path
    path: Path
    calls_file: Path

    def start(
        self, *arguments: str, inv: Path | str | None = None, cwd: Path | None = None, **variables: str
    ) -> subprocess.Popen[str]:
        """Start `inv` with a clean environment."""
        return subprocess.Popen(
            [inv or self.root / "inv", *arguments],
            cwd=cwd or self.root,
            env={"PATH": str(self.path), "CALLS": str(self.calls_file)} | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def inv(
        self, *arguments: str, inv: Path | str | None = None, cwd: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `inv` to its end."""
        process = self.start(*arguments, inv=inv, cwd=cwd, **variables)
        stdout, stderr = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def calls(self) -> list[str]:
        """Return the stand-in's calls since the last time, without its version checks."""
        if not self.calls_file.exists():
            return []
        lines = self.calls_file.read_text().splitlines()
        self.calls_file.unlink()
        return [line for line in lines if not line.startswith("-c")]
