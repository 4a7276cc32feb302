"""The one place that starts other programs and waits for them."""

from __future__ import annotations

import errno
import os
import selectors
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

from seatrial.errors import SeatrialError, StepFailed
from seatrial.host.shortage import shortage
from seatrial.host.signals import start_thread

__all__ = [
    "ConnectedProcess",
    "PipedProcess",
    "ProgramFailed",
    "checked_output",
    "exchange",
    "output_of",
    "run_command",
]

_LAST_LINES = 15
_END_SECONDS = 5.0
_END_BY_ITSELF_SECONDS = 0.5
_WITHOUT_CTRL_C = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")


def run_command(words: list[str], *, action: str) -> None:
    """Run a program without input until it ends; raise `StepFailed(action)` with its last lines if it fails."""
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except OSError as error:
        failed = StepFailed(action, reason=f"{words[0]}: {error.strerror}", hint=f"install {words[0]}")
        raise shortage(error, action) or failed from error
    if done.returncode:
        lines = (done.stdout + done.stderr).splitlines()[-_LAST_LINES:]
        raise StepFailed(
            action,
            reason=f"{words[0]} ended with exit code {done.returncode}",
            hint="fix what the lines above say, then run it again",
            details=tuple(lines),
        )


class ProgramFailed(Exception):  # noqa: N818  not an error yet: the caller knows what it means
    """A program failed; the text is what it wrote to standard error (it may be empty), or why it could not be run."""


def output_of(words: list[str], *, text: str = "", folder: Path | None = None, seconds: float = 10) -> str | None:
    """Return a program's output without trailing whitespace; None if it fails, takes too long or is not installed."""
    try:
        return checked_output(words, text=text, folder=folder, seconds=seconds)
    except ProgramFailed:
        return None


def checked_output(words: list[str], *, text: str = "", folder: Path | None = None, seconds: float = 10) -> str:
    """Return a program's output without trailing whitespace; raise `ProgramFailed` with its own words if it fails."""
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            input=text,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ProgramFailed(f"there was no answer within {seconds:g} s") from None
    except OSError as error:
        raise ProgramFailed(f"{words[0]}: {error.strerror}") from error
    if done.returncode:
        raise ProgramFailed(done.stderr.strip())
    return done.stdout.rstrip()


def exchange(words: list[str], text: str, *, seconds: float, limit: int = 64 * 1024) -> tuple[int, str, str]:
    """Run a program with `text` as its input; return its exit code, its output and its standard error.

    Raise `TimeoutError` if it takes longer than `seconds`, and another `OSError` if it cannot be started or writes more
    than `limit` bytes; the program has ended then.
    """
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    deadline = time.monotonic() + seconds
    with subprocess.Popen(words, **pipes) as process, selectors.DefaultSelector() as selector:  # type: ignore[call-overload]
        found = {process.stdout: bytearray(), process.stderr: bytearray()}
        try:
            with suppress(BrokenPipeError), process.stdin as stdin:
                stdin.write(text.encode())
            for stream in found:
                selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in (ready := selector.select(max(deadline - time.monotonic(), 0))):
                    chunk = os.read(key.fd, limit)
                    found[key.fileobj] += chunk
                    if not chunk:
                        selector.unregister(key.fileobj)
                    if len(found[key.fileobj]) > limit:
                        raise OSError(errno.EFBIG, f"it wrote more than {limit:,} bytes")
                if not ready:
                    raise TimeoutError(f"no answer for {seconds:g} s")
            process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"no answer for {seconds:g} s") from None
        finally:
            process.kill()
    out, err = (bytes(one).decode("utf-8", "replace") for one in found.values())
    return process.returncode, out, err


class PipedProcess:
    """A program that gets `body` as its input while its standard error is read line by line; a context manager.

    `environment` are all its environment variables. The program has ended when the block ends, whatever happens.
    """

    def __init__(self, words: list[str], body: Iterable[bytes], *, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env=environment,
        )
        self._body = body
        self._body_error: SeatrialError | None = None
        self._feeder = threading.Thread(target=self._feed, daemon=True)

    def __enter__(self) -> Self:
        start_thread(self._feeder)
        return self

    def __exit__(self, *what: object) -> None:
        self.end()
        self._feeder.join(_END_SECONDS)
        if self._process.stderr:
            self._process.stderr.close()

    def lines(self) -> Iterator[str]:
        """Yield the lines of standard error until the program ends; then raise the error of `body`, if any."""
        if self._process.stderr:
            for line in self._process.stderr:
                yield line.decode("utf-8", "replace").rstrip("\r\n")
        if self._body_error:
            raise self._body_error

    def wait(self) -> int:
        """Wait until the program ends; return its exit code."""
        return self._process.wait()

    def end(self) -> None:
        """Terminate the program; kill it if it takes longer than a few seconds."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _feed(self) -> None:
        stdin = self._process.stdin
        if stdin is None:
            return
        try:
            for chunk in self._body:
                stdin.write(chunk)
            stdin.close()
        except SeatrialError as error:
            self._body_error = error
            self._process.terminate()
        except OSError:
            return  # the program ended without reading all input; its exit code says why


class ConnectedProcess:
    """A program whose input and output are one file, such as an end of a connection; Ctrl-C does not reach it."""

    def __init__(self, words: list[str], file: int) -> None:
        import tempfile  # late: it takes longer to load than all the rest

        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  `end` closes it
        self._process = subprocess.Popen([*_WITHOUT_CTRL_C, *words], stdin=file, stdout=file, stderr=self._errors)
        self._last_line = ""

    def end(self) -> str:
        """Terminate the program, if it does not end by itself now; return the last line of its standard error."""
        if not self._errors.closed:
            try:
                self._process.wait(_END_BY_ITSELF_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.terminate()
                self._process.wait()
            self._errors.seek(0)
            self._last_line = self._errors.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
            self._errors.close()
        return self._last_line
