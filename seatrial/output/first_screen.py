"""What a folder without an app is shown: what Seatrial starts from, and what to type."""

from __future__ import annotations

__all__ = ["first_screen"]

_SCREEN = """\
Seatrial takes a folder with a web app and gets it, tested, into a registry.

It starts from a folder with one of these:
  requirements.txt, pyproject.toml   Flask, Django, FastAPI, any WSGI or ASGI app
  package.json                       Node, with a start script
  go.mod                             Go, with a web server
  index.html                         static files
  Dockerfile                         any other web app

What to type there:
  {program} init      writes invoke.yaml, and tasks.py, Dockerfile and .dockerignore where they are missing
  {program} demo      builds, tests, releases and runs it on this machine, without an account
  {program} --list    lists all tasks"""


def first_screen(program: str) -> str:
    """Return the screen, with the program as it was typed."""
    return _SCREEN.format(program=program)
