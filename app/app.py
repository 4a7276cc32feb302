"""The web app: one page and a health endpoint."""

from __future__ import annotations

import os
import re
import sys

from flask import Flask, Response, jsonify, render_template

__all__ = ["create_app", "main"]


def create_app() -> Flask:
    """Return the app; `/healthz` names the version in `APP_VERSION` at this moment, or "dev"."""
    app = Flask(__name__)
    version = os.environ.get("APP_VERSION", "dev")

    @app.get("/")
    def home() -> str:
        return render_template("index.html")

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok", version=version)

    return app


def main() -> int:
    """Serve for development on `HOST` and `PORT`; return the exit code, 2 if `PORT` is not a valid port."""
    port = os.environ.get("PORT", "5000")
    if not re.fullmatch("[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:  # noqa: PLR2004 - the last port
        sys.stderr.write(f"PORT={port!r} is not a valid port: set it to a number from 1 to 65535\n")
        return 2
    # Explicit, because FLASK_DEBUG would turn on the debugger, which runs any code that a visitor sends.
    create_app().run(host=os.environ.get("HOST", "127.0.0.1"), port=int(port), debug=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
