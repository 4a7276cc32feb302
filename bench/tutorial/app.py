"""The tutorial's web app: one page, served by Flask's development server with debugger and reloader."""

import os

from flask import Flask, render_template

app = Flask(__name__)


@app.get("/")
def home() -> str:
    """Return the page."""
    return render_template("index.html")


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=int(os.environ.get("PORT", "5000")), debug=True)  # noqa: S104, S201  as taught there
